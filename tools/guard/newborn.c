/* SPDX-License-Identifier: MIT */
/* See newborn.h. */
#include <errno.h>
#include <unistd.h>

#include "cradle.h"
#include "enroll.h"
#include "look.h"
#include "newborn.h"
#include "sight.h"
#include "told.h"
#include "undo.h"
#include "watch.h"

/* They are looked at together: at multiples of this. */
#define TICK_MS 25
/* What else is said asks for something at once. */
#define CAN_WAIT (CP_WARD_DUPLEX | CP_WARD_GUESS)

static struct cp_host *
host_of(const struct cp_heard *x)
{
	return cp_facts_find_host(x->msg.pid == 0 ? x->msg.host : x->from.pid);
}

/*
 * Of a child that was seen to be its teller's the start says so when that one
 * is dead.  The pidfd is asked last: until then the PID was the child's.
 */
static void
identify(const struct cp_newborn *b, struct cp_heard *x)
{
	struct cp_stat st;

	if (b->kin && cp_procfs_stat(x->msg.pid, &st) == 0 &&
	    !cp_watch_ended(x->pidfd))
		x->msg.start = st.start;
}

/*
 * Enrolls B, from LIST, which is old enough, or GONE.  X: the sender's pidfd,
 * not the child's.
 */
static void
enroll(enum cp_cradle list, struct cp_newborn *b, bool gone, uint64_t now)
{
	struct cp_heard x = cp_cradle_take_off(list, b, now);

	x.gone = gone;
	if (x.msg.pid != 0 && x.pidfd >= 0) {
		if (!gone)
			identify(b, &x);
		close(x.pidfd);
		x.pidfd = -1;
	}
	cp_enroll(&x);
	cp_cradle_give_back(b);
	if (x.pidfd >= 0)
		close(x.pidfd);
}

static void
end_as(enum cp_cradle list, struct cp_newborn *b, uint64_t died_ms)
{
	if (b->pidfd >= 0)
		close(b->pidfd);
	b->pidfd = -1;
	b->died_ms = died_ms;
	cp_cradle_move(b, CP_CRADLE_WAITING, list);
}

/* B has ended.  All that have in this round are looked at together. */
static void
end(struct cp_newborn *b, uint64_t now)
{
	end_as(CP_CRADLE_ENDING, b, now);
}

/*
 * Whom B has left, if anybody, is listened to from now on, unless that one
 * can't be talked to any more: then there is no hurry.
 */
static void
settle(struct cp_newborn *b, struct cp_sight *seen, uint64_t now)
{
	struct cp_heard x = { .msg = b->msg, .from = b->from };
	const struct cp_host *h = host_of(&x);

	if (h == NULL || h->dead || h->leaving ||
	    !cp_sight_cut_off(seen, h, x.msg.channel)) {
		enroll(CP_CRADLE_ENDING, b, true, now);
		return;
	}
	cp_cradle_move(b, CP_CRADLE_ENDING, CP_CRADLE_DEAD);
}

/* Nothing is asked of /proc for this. */
static bool
can_wait(const struct cp_heard *x)
{
	const struct cp_ward *w = cp_facts_find_ward(cp_heard_child(x));
	const struct cp_host *h = host_of(x);

	return cp_cradle_is_there() && x->pidfd >= 0 &&
	    (x->msg.flags & ~CAN_WAIT) == 0 && x->from.uid == geteuid() &&
	    h != NULL && h->pidfd >= 0 && !h->leaving &&
	    cp_heard_child(x) > 1 && cp_heard_child(x) != h->pid &&
	    (w == NULL || w->dead);
}

static void
wait_for(struct cp_newborn *b, const struct cp_heard *x, int pidfd, bool kin)
{
	cp_cradle_lay(b, x, pidfd, kin);
	/* In a storm most are gone by now: that is cheaper to ask. */
	if (pidfd >= 0 && !cp_watch_ended(pidfd))
		(void)cp_watch_add(pidfd, CP_TAG_NEWBORN, cp_cradle_index(b),
		    b->serial);
	else if (x->told_ns != 0) /* too late to hear what it has left say */
		end_as(CP_CRADLE_DEAD, b, x->heard_ms);
	else
		end(b, x->now_ms);
}

void
cp_newborn_hear(struct cp_heard *x)
{
	struct cp_newborn *b;
	bool kin;
	int pidfd;

	if ((x->msg.flags & CP_WARD_UNDO) != 0 && cp_undo_newborn(x))
		return;
	b = can_wait(x) ? cp_cradle_take() : NULL;
	if (b == NULL) {
		cp_enroll(x);
		return;
	}
	pidfd = cp_trust_pidfd(x, &kin);
	if (pidfd >= 0 && !cp_watch_may_keep(pidfd, CP_TAG_NEWBORN)) {
		if (x->msg.pid == 0)
			x->pidfd = pidfd;
		else
			close(pidfd);
		pidfd = -1;
		errno = EMFILE;
	}
	if (pidfd < 0 && errno != ESRCH) {
		cp_cradle_give_back(b);
		cp_enroll(x);
	} else
		wait_for(b, x, pidfd, kin);
}

static void
enroll_dead(uint64_t now)
{
	struct cp_newborn *b;

	while ((b = cp_cradle_first(CP_CRADLE_DEAD)) != NULL) {
		uint64_t died_ms = b->died_ms;
		struct cp_heard x = cp_cradle_take_off(CP_CRADLE_DEAD, b, now);
		struct cp_host *h = host_of(&x);

		if (h != NULL)
			cp_enroll_dead(h, &x, died_ms);
		cp_cradle_give_back(b);
	}
}

static void
enroll_old(bool all, uint64_t now)
{
	struct cp_newborn *b;

	while ((b = cp_cradle_first(CP_CRADLE_WAITING)) != NULL &&
	    (all || b->heard_ms + CP_LOOK_MS <= now)) {
		if (b->pidfd >= 0 && cp_watch_ended(b->pidfd))
			end(b, now);
		else
			enroll(CP_CRADLE_WAITING, b, false, now);
	}
}

/*
 * In the round that has heard of it: of what is said to whom a child has left
 * nothing must be missed.
 */
static void
settle_ended(uint64_t now)
{
	struct cp_sight seen[CP_SIGHTS] = { { 0 } };
	struct cp_newborn *b;

	while ((b = cp_cradle_first(CP_CRADLE_ENDING)) != NULL)
		settle(b, seen, now);
}

void
cp_newborn_attend(uint64_t now_ms, enum cp_newborns which)
{
	enroll_old(which == CP_NEWBORN_ALL, now_ms);
	settle_ended(now_ms);
	if (which != CP_NEWBORN_OLD)
		enroll_dead(now_ms);
}

static bool
shares(const struct cp_newborn *b, const struct cp_ward *w)
{
	for (int k = 0; k < 4; k++) {
		const struct cp_channel *ch = &b->msg.channel[k / 2];

		if (ch->kind != CP_KIND_NONE &&
		    ch->kind == w->channel[k % 2].kind &&
		    ch->child == w->channel[k % 2].child)
			return true;
	}
	return false;
}

bool
cp_newborn_meet(const struct cp_ward *w, uint64_t now_ms)
{
	struct cp_newborn *b, *next;
	bool any = false;

	for (b = cp_cradle_first(CP_CRADLE_WAITING); b != NULL; b = next) {
		next = cp_cradle_next(b);
		if (!shares(b, w))
			continue;
		any = true;
		if (cp_watch_ended(b->pidfd))
			end(b, now_ms);
		else
			enroll(CP_CRADLE_WAITING, b, false, now_ms);
	}
	return any;
}

void
cp_newborn_stirred(uint32_t index, uint32_t serial, uint64_t now_ms)
{
	struct cp_newborn *b = cp_cradle_at(index, serial);

	if (b != NULL && b->died_ms == 0)
		end(b, now_ms);
}

void
cp_newborn_adopt(uint64_t now_ms)
{
	cp_cradle_adopt();
	cp_newborn_attend(now_ms, CP_NEWBORN_ALL);
	cp_cradle_adopted();
}

bool
cp_newborn_any_dead(void)
{
	return cp_cradle_first(CP_CRADLE_DEAD) != NULL;
}

uint64_t
cp_newborn_next(void)
{
	const struct cp_newborn *b = cp_cradle_first(CP_CRADLE_WAITING);
	const struct cp_newborn *e = cp_cradle_first(CP_CRADLE_ENDING);
	uint64_t at = 0;

	if (b != NULL)
		at = (b->heard_ms + CP_LOOK_MS + TICK_MS - 1) / TICK_MS *
		    TICK_MS;
	if (e != NULL && (at == 0 || e->died_ms < at))
		at = e->died_ms; /* it has ended since this round's look */
	return at;
}
