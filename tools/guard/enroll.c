/* SPDX-License-Identifier: MIT */
/* See enroll.h. */
#include <errno.h>
#include <string.h>

#include "../../shim/common/procfs.h"
#include "admit.h"
#include "death.h"
#include "due.h"
#include "enroll.h"
#include "idle.h"
#include "journal.h"
#include "look.h"
#include "told.h"
#include "traffic.h"
#include "watch.h"

/* What a dead child has left is looked for as soon as that. */
#define DEAD_LOOK_MS 1

static bool
sane_channel(const struct cp_channel *ch)
{
	return ch->kind == CP_KIND_NONE ||
	    ((ch->kind == CP_KIND_PIPE || ch->kind == CP_KIND_UNIX ||
		 ch->kind == CP_KIND_PTY) &&
		ch->access != 0 && (ch->access & ~(CP_READ | CP_WRITE)) == 0 &&
		ch->kept != CP_KEPT_NO);
}

static bool
are_sane(const struct cp_channel ch[2])
{
	return sane_channel(&ch[0]) && sane_channel(&ch[1]);
}

/* A pty's host knows its number only; the child itself also told its mark. */
static void
set_channel(struct cp_channel *old, const struct cp_channel *new)
{
	uint64_t mark = old->kind == CP_KIND_PTY && new->kind == CP_KIND_PTY &&
		old->child == new->child ?
	    old->host :
	    0;

	*old = *new;
	if (old->kind == CP_KIND_PTY && old->host == 0)
		old->host = mark;
}

static void
set_channels(struct cp_ward *w, const struct cp_channel channel[2], bool any)
{
	set_channel(&w->channel[0], &channel[0]);
	set_channel(&w->channel[1], &channel[1]);
	w->duplex = channel[0].kind != CP_KIND_NONE &&
	    channel[1].kind != CP_KIND_NONE;
	w->any = any && channel[0].kind == CP_KIND_NONE &&
	    channel[1].kind == CP_KIND_NONE;
}

static void
watch_ward(struct cp_ward *w, struct cp_heard *x, bool itself)
{
	if (w->pidfd >= 0)
		return;
	if (itself && x->pidfd >= 0) {
		w->dead = cp_watch_ended(x->pidfd);
		w->pidfd = cp_watch_keep(x->pidfd, CP_TAG_WARD,
		    cp_facts_ward_index(w), w->serial);
		w->unwatched = w->pidfd < 0 && !w->dead;
		x->pidfd = -1;
		return;
	}
	cp_told_rewatch(w->host, w);
}

/* A ward that was admitted before may say so again. */
static bool
is_known(pid_t pid, const struct cp_stat *st)
{
	const struct cp_ward *w = cp_facts_find_ward(pid);

	return w != NULL && !w->dead && w->start == st->start;
}

/* May the ward, registered by now, be?  It may be gone afterwards. */
static void
admit(struct cp_ward *w, const struct cp_heard *x, bool known)
{
	bool asks = (x->msg.flags & CP_WARD_ASK) != 0;
	int error = known ? 0 :
			    cp_admit(&(struct cp_request){ .host = w->host,
				.key = w->key,
				.thread = w->thread,
				.ward = w,
				.asks = asks,
				.name = w->name,
				.now_ms = x->now_ms });

	if (!asks)
		return;
	cp_told_reply(x, error);
	if (error != 0)
		cp_facts_forget_ward(w);
}

/* Of a dead child the sooner, the less is missed of what moves on. */
static uint64_t
first_look(const struct cp_ward *w)
{
	if (w->host->dead)
		return CP_DEATH_SETTLE_MS;
	return w->dead ? DEAD_LOOK_MS : CP_LOOK_MS;
}

static bool
is_same_channel(const struct cp_channel *a, const struct cp_channel *b)
{
	return a->kind == b->kind &&
	    (a->kind == CP_KIND_NONE || a->child == b->child);
}

/*
 * Both sides of forkpty(3) tell of the child.  If it was dead already when one
 * of them was heard there is nothing to enter but what that one did not know.
 */
static bool
is_on_record(const struct cp_host *h, pid_t pid, const struct cp_msg *m)
{
	struct cp_ward *w = cp_facts_find_ward(pid);

	if (w == NULL || !w->dead || w->host != h ||
	    (m->flags & CP_WARD_ASK) != 0 ||
	    !is_same_channel(&w->channel[0], &m->channel[0]) ||
	    !is_same_channel(&w->channel[1], &m->channel[1]))
		return false;
	set_channels(w, m->channel, w->any);
	return true;
}

/* A record with what X says. */
static struct cp_ward *
enter(struct cp_host *h, pid_t pid, uint64_t start, const struct cp_heard *x)
{
	const struct cp_msg *m = &x->msg;
	struct cp_ward *w = cp_facts_ward(h, pid, start, x->heard_ms);

	if (w == NULL) {
		cp_journal_note("table-full", "a child stays unguarded",
		    ENOSPC);
		return NULL;
	}
	set_channels(w, m->channel, (m->flags & CP_WARD_ANY) != 0);
	memcpy(w->name, m->name, sizeof(w->name) - 1);
	w->uid = x->from.uid;
	w->image = m->image;
	if (m->key != 0) { /* a host that adds to it may not know */
		w->thread = m->thread;
		w->key = m->key;
	}
	w->guess = (m->flags & CP_WARD_GUESS) != 0;
	w->untold = false;
	return w;
}

void
cp_enroll_dead(struct cp_host *h, const struct cp_heard *x, uint64_t died_ms)
{
	pid_t pid = cp_heard_child(x);
	struct cp_ward *w;

	if (!are_sane(x->msg.channel) || is_on_record(h, pid, &x->msg))
		return;
	w = enter(h, pid, 0, x);
	if (w == NULL)
		return;
	w->looked = w->dead = true;
	w->unheard = CP_UNHEARD_ALL;
	w->died_ms = died_ms;
	cp_due(w, x->now_ms);
}

/*
 * The child that X tells of.  One that is dead already, whose PID may be
 * another's, has no start: what it forked may hold its channels on.
 */
static struct cp_stat
look_up(const struct cp_heard *x, bool itself)
{
	pid_t pid = cp_heard_child(x);
	struct cp_stat st = { 0 };

	if (cp_procfs_stat(pid, &st) != 0 || cp_trust_is_later(x, &st) ||
	    (!cp_trust_is_dead(&st) &&
		(x->gone || (itself && cp_trust_has_ended(x)))))
		return (struct cp_stat){ .pid = pid };
	return st;
}

/* HOST, or the child ITSELF, says that it was not started after all. */
static void
take_back(const struct cp_stat *st, pid_t host, bool itself)
{
	struct cp_ward *w = cp_facts_find_ward(st->pid);

	if (w != NULL && w->start == st->start &&
	    (itself || w->host->pid == host))
		cp_facts_forget_ward(w);
}

/* W is as *ST says, and if it is dead something may have been missed. */
static void
begin(struct cp_ward *w, struct cp_heard *x, const struct cp_stat *st)
{
	w->leader = st->sid == st->pid;
	w->looked = false;
	w->dead = cp_trust_is_dead(st);
	w->died_ms = 0;
	if (!w->dead)
		watch_ward(w, x, x->msg.pid == 0);
	w->unheard = CP_HEARD;
	if (w->dead && x->told_ns != 0) { /* since it was written */
		w->unheard = CP_UNHEARD_ALL;
		w->died_ms = x->heard_ms;
	} else if (w->dead) {
		w->unheard = CP_UNHEARD_START;
		cp_traffic_child_died(w, x->now_ms);
	}
	cp_due(w, x->heard_ms + first_look(w));
}

void
cp_enroll(struct cp_heard *x)
{
	const struct cp_msg *m = &x->msg;
	bool itself = m->pid == 0;
	pid_t pid = cp_heard_child(x);
	pid_t host = itself ? m->host : x->from.pid;
	struct cp_stat st;
	struct cp_host *h;
	struct cp_ward *w;
	bool known;

	if (pid <= 1 || host <= 0 || pid == host || !are_sane(m->channel))
		return;
	st = look_up(x, itself);
	if (itself)
		host = cp_trust_host(pid, host, &st);
	if (host <= 0 || !cp_trust_child(x, pid, host, &st))
		return;
	if ((m->flags & CP_WARD_UNDO) != 0) {
		take_back(&st, host, itself);
		return;
	}
	known = is_known(pid, &st);
	h = cp_told_host(host, x->now_ms);
	if (cp_trust_is_dead(&st) && is_on_record(h, pid, m))
		return;
	w = h == NULL ? NULL : enter(h, pid, st.start, x);
	if (w == NULL)
		return;
	begin(w, x, &st);
	cp_idle_meet(w, x->now_ms); /* before it is told to go on */
	admit(w, x, known);
}

struct cp_ward *
cp_enroll_found(struct cp_host *h, pid_t pid, uint64_t start,
    const struct cp_channel channel[2], uint64_t now_ms)
{
	struct cp_stat st;
	struct cp_ward *w;

	(void)cp_facts_host(h->pid, now_ms); /* it may have exec'd since */
	w = cp_facts_ward(h, pid, start, now_ms);
	if (w == NULL)
		return NULL;
	set_channels(w, channel, true);
	w->untold = true;
	w->uid = cp_trust_owner(pid);
	if (cp_procfs_stat(pid, &st) != 0 || st.start != start) {
		cp_facts_forget_ward(w);
		return NULL;
	}
	w->leader = st.sid == pid;
	memcpy(w->name, st.comm, sizeof(st.comm));
	cp_told_rewatch(h, w);
	cp_due(w, now_ms + CP_LOOK_MS);
	cp_idle_meet(w, now_ms);
	return w;
}
