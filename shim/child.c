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
#include "channel.h"
#include "child.h"
#include "config.h"
#include "init.h"
#include "kept.h"
#include "owner.h"
#include "report.h"
#include "ward.h"

/* Three for stdio and one for the host's own news of the exec. */
#define VANISHED_MAX 4

static pid_t on_pty; /* only ever set in a fork child, to its own PID */

void
cp_child_on_pty(void)
{
	on_pty = getpid();
}

static void
name_of(char out[32], const char *program)
{
	const char *slash = program == NULL ? NULL : strrchr(program, '/');
	const char *base = slash != NULL ? slash + 1 : program;
	size_t n = base == NULL ? 0 : strlen(base);

	if (n > 31)
		n = 31;
	memset(out, 0, 32);
	if (n > 0)
		memcpy(out, base, n);
}

static void
make_message(struct cp_msg *msg, pid_t pid, pid_t host, const char *program)
{
	msg->type = CP_MSG_WARD;
	msg->flags = 0;
	if (msg->channel[0].kind != CP_KIND_NONE &&
	    msg->channel[1].kind != CP_KIND_NONE)
		msg->flags |= CP_WARD_DUPLEX;
	if (cp_owner_on_main_thread())
		msg->flags |= CP_WARD_MAIN_THREAD;
	msg->pid = pid;
	msg->host = host;
	msg->image = cp_owner_image();
	name_of(msg->name, program);
}

static struct cp_record
record_of(const struct cp_msg *msg, pid_t pid)
{
	return (struct cp_record){ .pid = pid,
		.flags = msg->flags,
		.channel = { msg->channel[0], msg->channel[1] } };
}

/* How hard we try: no guard is started for what may be nobody's ward. */
static int
effort(const struct cp_channel ch[2])
{
	int how = CP_REPORT_INSIST;

	if (cp_kept_sure(ch) || ch[0].kind == CP_KIND_PTY ||
	    ch[1].kind == CP_KIND_PTY)
		how |= CP_REPORT_START;
	return how;
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

/* Are fd 0 and 1 those of a ward of HOST?  Fills the channels. */
static bool
is_ward(pid_t host, struct cp_channel ch[2])
{
	struct cp_end_id end[2] = { { 0 }, { 0 } };
	pid_t parent = getppid();
	bool found;

	(void)cp_procfs_own_end(0, &end[0]);
	(void)cp_procfs_own_end(1, &end[1]);
	if (end[0].kind == CP_KIND_NONE && end[1].kind == CP_KIND_NONE)
		return false;
	/* In another PID namespace the host's number means somebody else. */
	if (parent == 0)
		return false;
	found = cp_kept_look(host, end, ch);
	if (on_pty == getpid() && parent == host) {
		trust_pty(end, ch);
		found = true;
	}
	/* The host is dead, or there was another fork in between. */
	return found &&
	    (parent == host || cp_kept_sure(ch) ||
		(ch[0].kind != CP_KIND_NONE && ch[0].host_fd >= 0 &&
		    ch[1].kind != CP_KIND_NONE && ch[1].host_fd >= 0));
}

static bool
may_arm(const struct cp_msg *msg, pid_t host, bool told)
{
	const struct cp_options *o = cp_options();

	if (o->pdeathsig == CP_PDEATHSIG_OFF || o->dry_run ||
	    o->spare[0] != '\0' || !cp_kept_both(msg->channel) ||
	    !cp_owner_on_main_thread() || getppid() != host)
		return false;
	return o->pdeathsig == CP_PDEATHSIG_ALWAYS || !told;
}

static void
become_ward(struct cp_child *c, pid_t host, struct cp_shared *shared,
    const char *program, bool direct)
{
	struct cp_record record;

	make_message(&c->msg, 0, host, program);
	if (shared != NULL && cp_kept_sure(c->msg.channel)) {
		record = record_of(&c->msg, getpid());
		c->slots = &shared->slots;
		c->ticket = cp_slot_put(c->slots, &record);
	}
	c->told = cp_report(&c->msg, effort(c->msg.channel)) == 0;
	if (direct && may_arm(&c->msg, host, c->told))
		c->armed = cp_arm(host);
}

void
cp_child_prepare(struct cp_child *c, const char *program)
{
	enum cp_where where = cp_where();
	int saved = errno;

	memset(c, 0, sizeof(*c));
	c->ticket.index = -1;
	switch (where) {
	case CP_UNCLAIMED:
		break;
	case CP_OWNER:
		if (cp_has_wards())
			(void)cp_report_type(CP_MSG_EXEC, CP_REPORT_INSIST);
		if (cp_owner_maker() != 0 &&
		    is_ward(cp_owner_maker(), c->msg.channel))
			become_ward(c, cp_owner_maker(),
			    cp_owner_maker_shared(), program, false);
		break;
	default:
		cp_channel_shed();
		if (is_ward(cp_owner_host(), c->msg.channel))
			become_ward(c, cp_owner_host(), cp_owner_shared(),
			    program, true);
	}
	errno = saved;
}

void
cp_child_undo(struct cp_child *c)
{
	int saved = errno;
	struct cp_record record;

	if (c->armed)
		cp_disarm();
	c->msg.flags |= CP_WARD_UNDO;
	if (c->ticket.index != -1 && !cp_slot_take_back(c->slots, &c->ticket)) {
		/* The host has it in its table by now. */
		record = record_of(&c->msg, getpid());
		(void)cp_slot_put(c->slots, &record);
	}
	if (c->told)
		(void)cp_report(&c->msg, CP_REPORT_INSIST);
	errno = saved;
}

static void
register_child(pid_t pid, const char *program, const struct cp_channel ch[2],
    uint16_t flags)
{
	struct cp_msg msg = { .channel = { ch[0], ch[1] } };
	struct cp_record record;

	make_message(&msg, pid, getpid(), program);
	msg.flags |= flags;
	record = record_of(&msg, pid);
	if (cp_kept_sure(ch)) {
		cp_ward_add(&record);
		cp_channel_warded(&ch[0]);
		cp_channel_warded(&ch[1]);
	}
	(void)cp_report(&msg, effort(ch));
}

void
cp_child_register(pid_t pid, const char *program, const struct cp_channel ch[2])
{
	register_child(pid, program, ch, 0);
}

static bool
is_gone(pid_t pid)
{
	struct cp_stat st;

	return cp_procfs_stat(pid, &st) == -1 || st.state == 'Z' ||
	    st.state == 'X';
}

/* End K of a channel that we made, as a ward's fd K; false: not ours by now. */
static bool
candidate(const struct cp_made *made, int k, struct cp_channel *ch)
{
	struct cp_end_id end, slave = { 0 };

	if ((made->kind == CP_KIND_PTY &&
		(k == 0 || cp_procfs_own_end(made->fd[1], &slave) == -1)) ||
	    cp_procfs_own_end(made->fd[1 - k], &end) == -1 ||
	    !cp_channel_opposite(made, k, &end))
		return false;
	*ch = (struct cp_channel){ .kind = made->kind,
		.access = made->kind != CP_KIND_PIPE ? CP_READ | CP_WRITE :
		    k == 0			     ? CP_READ :
						       CP_WRITE,
		.kept = CP_KEPT_YES,
		.host_fd = made->fd[1 - k],
		.child = made->ino[k],
		.host = made->kind == CP_KIND_PTY ? slave.birth :
						    made->ino[1 - k] };
	return true;
}

/* Tells of one guess: which ends fd 0 and fd 1 may have been. */
static void
register_guess(pid_t pid, const char *program, const struct cp_made *in,
    int k_in, const struct cp_made *out, int k_out)
{
	struct cp_channel ch[2] = { { .host_fd = -1 }, { .host_fd = -1 } };
	bool some = candidate(in, k_in, &ch[0]);

	some = candidate(out, k_out, &ch[1]) || some;
	if (some)
		register_child(pid, program, ch, CP_WARD_GUESS);
}

/*
 * The child is gone before we could look.  If it has forked, that process has
 * what was the child's.  Which of the channels made last those are nobody can
 * tell any more: the guard hears of all that no other ward has, and counts
 * what somebody holds.
 */
static void
register_vanished(pid_t pid, const char *program)
{
	struct cp_made made[VANISHED_MAX];
	int n = cp_channel_unclaimed(made, VANISHED_MAX);

	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++) {
			const struct cp_made *in = &made[i], *out = &made[j];

			if (in->kind == CP_KIND_PIPE || in->kind != out->kind)
				register_guess(pid, program, in, 0, out, 1);
			else
				for (int k = 0; k < 2; k++)
					register_guess(pid, program, in, k, out,
					    k);
		}
}

bool
cp_child_spawned(pid_t pid, const char *program)
{
	struct cp_end_id end[2] = { { 0 }, { 0 } };
	struct cp_channel ch[2];
	int saved = errno;
	bool found;

	if (cp_procfs_end(pid, 0, &end[0]) == -1 &&
	    cp_procfs_end(pid, 1, &end[1]) == -1 && is_gone(pid)) {
		register_vanished(pid, program);
		errno = saved;
		return false;
	}
	if (end[1].kind == CP_KIND_NONE)
		(void)cp_procfs_end(pid, 1, &end[1]);
	found = cp_kept_look(getpid(), end, ch);
	if (found)
		cp_child_register(pid, program, ch);
	errno = saved;
	return found;
}
