/* SPDX-License-Identifier: MIT */
/*
 * The core of the shim: who is a ward, and who is told of it.
 *
 * Before its exec a child has a moment in which it knows everything: what its
 * stdin and stdout are, who its host is, and what the host keeps.  It runs in
 * the host's memory if it is a vfork child, so it makes system calls, fills
 * one slot, and changes nothing else.  It tells the guard itself: if the host
 * is killed meanwhile the message still comes, and its sender is attested.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "arm.h"
#include "ask.h"
#include "child.h"
#include "common/raw.h"
#include "config.h"
#include "init.h"
#include "kept.h"
#include "mailbox.h"
#include "owner.h"
#include "report.h"
#include "shed.h"
#include "tell.h"

static pid_t on_pty; /* only ever set in a fork child, to its own PID */

void
cp_child_on_pty(void)
{
	on_pty = cp_raw_getpid();
}

/* forkpty has closed our copy of the master, and knows its number only. */
static void
trust_pty(const struct cp_end_id end[2], struct cp_channel ch[2])
{
	for (int i = 0; i < 2; i++)
		if (end[i].kind == CP_KIND_PTY && !end[i].deleted &&
		    ch[i].kept != CP_KEPT_YES)
			ch[i] = (struct cp_channel){ .kind = CP_KIND_PTY,
				.access = end[i].access,
				.kept = CP_KEPT_YES,
				.host_fd = -1,
				.child = end[i].ino,
				.host = end[i].birth };
}

/* Of whom we are the child, and whether by his own fork. */
struct kin {
	pid_t host;
	struct cp_shared *shared; /* his, or NULL */
	bool direct;
	bool frozen; /* he waits for our exec, by vfork */
	/* Filled in by who has to know. */
	pid_t parent; /* he may be dead */
	pid_t self;
};

/* Are fd 0 and 1 those of a ward of our host's?  Fills the channels. */
static bool
is_ward(struct kin *kin, struct cp_channel ch[2])
{
	struct cp_end_id end[2] = { { 0 }, { 0 } };
	bool ours, found;

	(void)cp_procfs_own_end(0, &end[0]);
	(void)cp_procfs_own_end(1, &end[1]);
	if (end[0].kind == CP_KIND_NONE && end[1].kind == CP_KIND_NONE)
		return false;
	/* In another PID namespace the host's number means somebody else. */
	kin->parent = cp_raw_getppid();
	if (kin->parent == 0)
		return false;
	ours = kin->parent == kin->host;
	kin->self = cp_raw_getpid();
	found = cp_kept_look(kin->host, ours && kin->frozen ? 0 : kin->self,
	    end, ch);
	if (ours && on_pty == kin->self) {
		trust_pty(end, ch);
		found = true;
	}
	/* The host is dead, or there was another fork in between. */
	return found &&
	    (ours || cp_kept_sure(ch) ||
		(ch[0].kind != CP_KIND_NONE && ch[0].host_fd >= 0 &&
		    ch[1].kind != CP_KIND_NONE && ch[1].host_fd >= 0));
}

static bool
may_arm(const struct cp_msg *msg, bool told)
{
	const struct cp_options *o = cp_options();

	if (told && o->pdeathsig != CP_PDEATHSIG_ALWAYS)
		return false;
	return o->pdeathsig != CP_PDEATHSIG_OFF && !o->dry_run &&
	    o->spare[0] == '\0' && cp_kept_both(msg->channel) &&
	    cp_owner_on_main_thread();
}

/* children=all: ours by birth alone. */
static bool
is_any(struct kin *kin, struct cp_channel ch[2])
{
	if (!cp_tell_all() || (kin->parent = cp_raw_getppid()) != kin->host)
		return false;
	ch[0] = ch[1] = (struct cp_channel){ .host_fd = -1 };
	kin->self = cp_raw_getpid();
	return true;
}

/* Our host's mailbox is for his own children. */
static bool
tell(struct cp_child *c, const struct kin *kin, uint64_t now)
{
	if (kin->direct && kin->parent == kin->host)
		c->posted = cp_mailbox_put(&c->msg, kin->self, now);
	return c->posted.index != -1 ||
	    cp_report(&c->msg, cp_tell_effort(&c->msg)) == 0;
}

/*
 * Asked first: of a ward that is refused nothing must be left, and what the
 * host has once taken from the slot it does not give back.
 */
static int
join(struct cp_child *c, struct kin *kin, const struct cp_command *cmd)
{
	bool ward = is_ward(kin, c->msg.channel);
	struct cp_record record;
	int answer = -1;
	uint64_t now;

	if ((!ward && !is_any(kin, c->msg.channel)) || !cp_tell_worth(cmd))
		return 0;
	cp_tell_fill(&c->msg, 0, kin->host, cmd);
	if (ward)
		answer = cp_ask(&c->msg);
	if (answer > 0)
		return answer;
	now = cp_raw_now();
	if (kin->shared != NULL && cp_kept_sure(c->msg.channel)) {
		record = cp_tell_record(&c->msg, kin->self,
		    kin->parent == kin->host ? now : 0);
		c->slots = &kin->shared->slots;
		c->ticket = cp_slot_put(c->slots, &record);
	}
	c->told = answer == 0 || tell(c, kin, now);
	if (kin->direct && may_arm(&c->msg, c->told))
		c->armed = cp_arm(kin->host);
	return 0;
}

int
cp_child_prepare(struct cp_child *c, enum cp_where where,
    const struct cp_command *cmd)
{
	int refused = 0;
	struct kin kin;

	memset(c, 0, sizeof(*c));
	c->ticket.index = c->posted.index = -1;
	switch (where) {
	case CP_UNCLAIMED:
		break;
	case CP_OWNER:
		if (cp_has_wards() && cp_tell_worth(cmd))
			(void)cp_report_type(CP_MSG_EXEC, CP_REPORT_INSIST);
		kin = (struct kin){ .host = cp_owner_maker(),
			.shared = cp_owner_maker_shared() };
		if (kin.host != 0)
			refused = join(c, &kin, cmd);
		break;
	default:
		cp_shed();
		kin = (struct kin){ .host = cp_owner_host(),
			.shared = cp_owner_shared(),
			.direct = true,
			.frozen = where == CP_VFORK_CHILD };
		refused = join(c, &kin, cmd);
	}
	return refused;
}

void
cp_child_undo(struct cp_child *c, const struct cp_command *cmd)
{
	int saved = errno;
	struct cp_record record;

	cp_tell_failed(cmd);
	if (c->armed)
		cp_disarm();
	c->msg.flags |= CP_WARD_UNDO;
	if (c->ticket.index != -1 && !cp_slot_take_back(c->slots, &c->ticket)) {
		/* The host has it in its table by now. */
		record = cp_tell_record(&c->msg, cp_raw_getpid(), 0);
		(void)cp_slot_put(c->slots, &record);
	}
	if (c->told && !cp_mailbox_take_back(&c->posted))
		(void)cp_report(&c->msg, CP_REPORT_INSIST);
	cp_errno(saved);
}
