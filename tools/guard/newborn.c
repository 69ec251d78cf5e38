/* SPDX-License-Identifier: MIT */
/* See newborn.h. */
#include <sys/mman.h>

#include <errno.h>
#include <stdatomic.h>
#include <unistd.h>

#include "enroll.h"
#include "look.h"
#include "newborn.h"
#include "sight.h"
#include "told.h"
#include "watch.h"

/* More at once than these are enrolled as they come. */
#define NEWBORNS_MAX 4096
/* They are looked at together: at multiples of this. */
#define TICK_MS 25
/* What else is said asks for something at once. */
#define CAN_WAIT                                                               \
	(CP_WARD_DUPLEX | CP_WARD_ARMED | CP_WARD_MAIN_THREAD | CP_WARD_GUESS)

struct newborn {
	struct cp_msg msg;
	struct ucred from;
	int pidfd;	 /* of the child */
	uint32_t serial; /* 0: not in use */
	bool kin;	 /* it was seen to be the child of who told of it */
	uint64_t heard_ms;
	uint64_t died_ms;
	TAILQ_ENTRY(newborn) link;
};
TAILQ_HEAD(newborns, newborn);

static struct newborn *all_newborns; /* shared */
static struct newborns waiting = TAILQ_HEAD_INITIALIZER(waiting);
static struct newborns ending = TAILQ_HEAD_INITIALIZER(ending);
static struct newborns dead = TAILQ_HEAD_INITIALIZER(dead);
static struct newborns unused = TAILQ_HEAD_INITIALIZER(unused);
static uint32_t used; /* high-water mark */
static uint32_t last_serial;

int
cp_newborn_init(void)
{
	void *p = mmap(NULL, NEWBORNS_MAX * sizeof(*all_newborns),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE,
	    -1, 0);

	if (p == MAP_FAILED)
		return -1;
	all_newborns = p;
	return 0;
}

/* The one used last first, so that few pages are ever touched. */
static struct newborn *
take(void)
{
	struct newborn *b = TAILQ_FIRST(&unused);

	if (b != NULL)
		TAILQ_REMOVE(&unused, b, link);
	else if (used < NEWBORNS_MAX)
		b = &all_newborns[used++];
	return b;
}

static void
give_back(struct newborn *b)
{
	b->serial = 0;
	TAILQ_INSERT_HEAD(&unused, b, link);
}

/*
 * Takes B off LIST; its pidfd is the caller's, who gives B back when nobody
 * has to find it any more, should this guard die.
 */
static struct cp_heard
take_off(struct newborns *list, struct newborn *b, uint64_t now)
{
	struct cp_heard x = { .msg = b->msg,
		.from = b->from,
		.pidfd = b->pidfd,
		.heard_ms = b->heard_ms,
		.now_ms = now };

	TAILQ_REMOVE(list, b, link);
	return x;
}

static pid_t
child_of(const struct cp_heard *x)
{
	return x->msg.pid == 0 ? x->from.pid : x->msg.pid;
}

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
identify(const struct newborn *b, struct cp_heard *x)
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
enroll(struct newborns *list, struct newborn *b, bool gone, uint64_t now)
{
	struct cp_heard x = take_off(list, b, now);

	x.gone = gone;
	if (x.msg.pid != 0 && x.pidfd >= 0) {
		if (!gone)
			identify(b, &x);
		close(x.pidfd);
		x.pidfd = -1;
	}
	cp_enroll(&x);
	give_back(b);
	if (x.pidfd >= 0)
		close(x.pidfd);
}

static void
end_as(struct newborns *list, struct newborn *b, uint64_t died_ms)
{
	if (b->pidfd >= 0)
		close(b->pidfd);
	b->pidfd = -1;
	b->died_ms = died_ms;
	TAILQ_REMOVE(&waiting, b, link);
	TAILQ_INSERT_TAIL(list, b, link);
}

/* B has ended.  All that have in this round are looked at together. */
static void
end(struct newborn *b, uint64_t now)
{
	end_as(&ending, b, now);
}

/*
 * Whom B has left, if anybody, is listened to from now on, unless that one
 * can't be talked to any more: then there is no hurry.
 */
static void
settle(struct newborn *b, struct cp_sight *seen, uint64_t now)
{
	struct cp_heard x = { .msg = b->msg, .from = b->from };
	const struct cp_host *h = host_of(&x);

	if (h == NULL || h->dead || h->leaving ||
	    !cp_sight_cut_off(seen, h, x.msg.channel)) {
		enroll(&ending, b, true, now);
		return;
	}
	TAILQ_REMOVE(&ending, b, link);
	TAILQ_INSERT_TAIL(&dead, b, link);
}

bool
cp_newborn_may_wait(void)
{
	return all_newborns != NULL;
}

/* Nothing is asked of /proc for this. */
static bool
can_wait(const struct cp_heard *x)
{
	const struct cp_ward *w = cp_facts_find_ward(child_of(x));
	const struct cp_host *h = host_of(x);

	return cp_newborn_may_wait() && x->pidfd >= 0 &&
	    (x->msg.flags & ~CAN_WAIT) == 0 && x->from.uid == geteuid() &&
	    h != NULL && h->pidfd >= 0 && !h->leaving && child_of(x) > 1 &&
	    child_of(x) != h->pid && (w == NULL || w->dead);
}

static void
wait_for(struct newborn *b, const struct cp_heard *x, int pidfd, bool kin)
{
	if (++last_serial == 0)
		last_serial = 1;
	*b = (struct newborn){ .msg = x->msg,
		.from = x->from,
		.pidfd = pidfd,
		.kin = kin,
		.heard_ms = x->heard_ms };
	atomic_signal_fence(memory_order_release);
	b->serial = last_serial; /* from now on a new guard finds it */
	TAILQ_INSERT_TAIL(&waiting, b, link);
	/* In a storm most are gone by now: that is cheaper to ask. */
	if (pidfd >= 0 && !cp_watch_ended(pidfd))
		(void)cp_watch_add(pidfd, CP_TAG_NEWBORN,
		    (uint32_t)(b - all_newborns), b->serial);
	else if (x->told_ns != 0) /* too late to hear what it has left say */
		end_as(&dead, b, x->heard_ms);
	else
		end(b, x->now_ms);
}

/* Does X speak of B, as the child itself or as who told of it? */
static bool
is_same(const struct newborn *b, const struct cp_heard *x)
{
	const struct cp_heard told = { .msg = b->msg, .from = b->from };

	return child_of(&told) == child_of(x) &&
	    (b->from.pid == x->from.pid || child_of(x) == x->from.pid);
}

/* Takes what X takes back off LIST.  Was there anything? */
static bool
take_back_from(struct newborns *list, const struct cp_heard *x)
{
	struct newborn *b, *next;
	bool any = false;

	TAILQ_FOREACH_SAFE(b, list, link, next) {
		int pidfd;

		if (!is_same(b, x))
			continue;
		pidfd = take_off(list, b, x->now_ms).pidfd;
		if (pidfd >= 0)
			close(pidfd);
		give_back(b);
		any = true;
	}
	return any;
}

/* The exec failed: as if nothing had been said. */
static bool
take_back(const struct cp_heard *x)
{
	bool any = take_back_from(&waiting, x);

	any = take_back_from(&ending, x) || any;
	return any && cp_facts_find_ward(child_of(x)) == NULL;
}

void
cp_newborn_hear(struct cp_heard *x)
{
	struct newborn *b;
	bool kin;
	int pidfd;

	if ((x->msg.flags & CP_WARD_UNDO) != 0 && take_back(x))
		return;
	b = can_wait(x) ? take() : NULL;
	if (b == NULL) {
		cp_enroll(x);
		return;
	}
	pidfd = cp_trust_pidfd(x, &kin);
	if (pidfd < 0 && errno != ESRCH) {
		give_back(b);
		cp_enroll(x);
	} else
		wait_for(b, x, pidfd, kin);
}

static void
enroll_dead(uint64_t now)
{
	struct newborn *b;

	while ((b = TAILQ_FIRST(&dead)) != NULL) {
		uint64_t died_ms = b->died_ms;
		struct cp_heard x = take_off(&dead, b, now);
		struct cp_host *h = host_of(&x);

		if (h != NULL)
			cp_enroll_dead(h, &x, died_ms);
		give_back(b);
	}
}

static void
enroll_old(bool all, uint64_t now)
{
	struct newborn *b;

	while ((b = TAILQ_FIRST(&waiting)) != NULL &&
	    (all || b->heard_ms + CP_LOOK_MS <= now)) {
		if (b->pidfd >= 0 && cp_watch_ended(b->pidfd))
			end(b, now);
		else
			enroll(&waiting, b, false, now);
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
	struct newborn *b;

	while ((b = TAILQ_FIRST(&ending)) != NULL)
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
shares(const struct newborn *b, const struct cp_ward *w)
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
	struct newborn *b, *next;
	bool any = false;

	TAILQ_FOREACH_SAFE(b, &waiting, link, next) {
		if (!shares(b, w))
			continue;
		any = true;
		if (cp_watch_ended(b->pidfd))
			end(b, now_ms);
		else
			enroll(&waiting, b, false, now_ms);
	}
	return any;
}

void
cp_newborn_stirred(uint32_t index, uint32_t serial, uint64_t now_ms)
{
	struct newborn *b = &all_newborns[index];

	if (index < NEWBORNS_MAX && b->serial == serial && b->died_ms == 0)
		end(b, now_ms);
}

void
cp_newborn_adopt(uint64_t now_ms)
{
	TAILQ_INIT(&waiting);
	TAILQ_INIT(&ending);
	TAILQ_INIT(&dead);
	TAILQ_INIT(&unused); /* as it was when the sentinel was started */
	for (size_t i = 0; i < NEWBORNS_MAX && all_newborns != NULL; i++) {
		struct newborn *b = &all_newborns[i];

		if (b->serial == 0)
			continue;
		b->pidfd = -1;	/* that was the dead guard's */
		b->kin = false; /* who has this PID now may be another */
		TAILQ_INSERT_TAIL(b->died_ms != 0 ? &ending : &waiting, b,
		    link);
	}
	cp_newborn_attend(now_ms, CP_NEWBORN_ALL);
	TAILQ_INIT(&unused);
	used = 0; /* whatever it was, all are free */
}

bool
cp_newborn_any_dead(void)
{
	return !TAILQ_EMPTY(&dead);
}

uint64_t
cp_newborn_next(void)
{
	const struct newborn *b = TAILQ_FIRST(&waiting);
	const struct newborn *e = TAILQ_FIRST(&ending);
	uint64_t at = 0;

	if (b != NULL)
		at = (b->heard_ms + CP_LOOK_MS + TICK_MS - 1) / TICK_MS *
		    TICK_MS;
	if (e != NULL && (at == 0 || e->died_ms < at))
		at = e->died_ms; /* it has ended since this round's look */
	return at;
}
