/* SPDX-License-Identifier: MIT */
/*
 * childproof-guard: the process that watches a tree of hosts from outside.
 *
 *   told → census → judge → reaper → journal
 *
 * This file is the loop: it sleeps until something has happened, lets the
 * stages look at it, and ends when the last host and the last ward are gone.
 */
#include <err.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../shim/common/options.h"
#include "../../shim/common/wire.h"
#include "admit.h"
#include "closes.h"
#include "cradle.h"
#include "death.h"
#include "due.h"
#include "facts_adopt.h"
#include "idle.h"
#include "journal.h"
#include "mailbox.h"
#include "newborn.h"
#include "pace.h"
#include "query.h"
#include "reaper.h"
#include "round.h"
#include "sentinel.h"
#include "signals.h"
#include "slim.h"
#include "socket.h"
#include "startup.h"
#include "told.h"
#include "traffic.h"
#include "watch.h"

#define EVENTS_MAX 128
#define HEAR_MAX   1024 /* more than wait in any queue */
/* A child that outran its host's death starts a guard, then tells it. */
#define FIRST_WORD_MS 1000
/* After so long without an event the next one is likely to be far away. */
#define QUIET_MS 250

static struct cp_options options;
static struct cp_host *root;
static bool waits; /* nobody waits for an answer to what it tells */
static char title[sizeof(root->comm)]; /* the name in ours */
static uint64_t wait_until;	       /* for a first message, 0: no more */
static int news;		       /* messages in this round */

static void
forgotten(struct cp_ward *w)
{
	cp_closes_unwatch(w);
	cp_traffic_unwatch(w, CP_TRAFFIC_GONE);
}

/* What both a new guard and one that took over need. */
static int
set_up(void)
{
	if (cp_watch_init() != 0 || cp_socket_open(CP_GUARD_FD) != 0)
		return -1;
	cp_closes_init();
	cp_traffic_reset();
	cp_facts_on_forget(forgotten);
	cp_signals_open();
	cp_journal_open(options.journal);
	cp_admit_init(&options);
	cp_idle_init(&options);
	cp_query_init(&options);
	return 0;
}

static void
take_over(void)
{
	if (set_up() != 0)
		exit(1);
	memset(title, 0, sizeof(title));
	cp_facts_adopt(cp_told_rewatch);
	cp_newborn_adopt(cp_watch_now());
	/* What the dead guard had not read, and of what came after that. */
	(void)cp_mailbox_close(0, cp_watch_now());
	cp_told_missed(cp_watch_now());
	cp_facts_tally()->replaced++;
	cp_journal_note("guard-replaced",
	    "the guard died before its work was "
	    "done; its sentinel goes on",
	    0);
	for (struct cp_ward *w = cp_facts_next_ward(NULL); w != NULL;
	     w = cp_facts_next_ward(w))
		cp_due(w, cp_watch_now());
}

/* The launcher has its own name until it execs the host. */
static void
set_title(void)
{
	if (root == NULL || memcmp(title, root->comm, sizeof(title)) == 0)
		return;
	memcpy(title, root->comm, sizeof(title));
	setproctitle("-childproof: guarding %d %.15s", (int)root->pid,
	    root->comm);
}

static void
handle(const struct cp_event *e, uint64_t now)
{
	struct cp_host *h;
	struct cp_ward *w;

	switch (e->tag) {
	case CP_TAG_SOCKET:
		news = cp_told_hear(now, HEAR_MAX);
		if (news > 0)
			wait_until = 0;
		break;
	case CP_TAG_TIMER:
		break;
	case CP_TAG_SIGNAL:
		cp_signals_hear(now);
		break;
	case CP_TAG_SENTINEL:
		cp_sentinel_lost();
		break;
	case CP_TAG_CLOSES:
		cp_closes_hear(now);
		break;
	case CP_TAG_HOST:
		h = cp_facts_host_at(e->index, e->serial);
		if (h != NULL)
			(void)cp_mailbox_close(h->pid, now);
		cp_newborn_attend(now, CP_NEWBORN_ALL);
		h = cp_facts_host_at(e->index, e->serial);
		if (h != NULL)
			cp_death_of_host(h, now,
			    cp_signals_hurried() || options.exit_grace_ms == 0);
		break;
	case CP_TAG_WARD:
		w = cp_facts_ward_at(e->index, e->serial);
		if (w != NULL)
			cp_reaper_stirred(w, now);
		break;
	case CP_TAG_NEWBORN:
		cp_newborn_stirred(e->index, e->serial, now);
		break;
	}
}

/* Answers leavers, and forgets hosts that have nothing left to guard. */
static void
tidy_hosts(void)
{
	struct cp_host *next;

	set_title();
	for (struct cp_host *h = cp_facts_next_host(NULL); h != NULL;
	     h = next) {
		next = cp_facts_next_host(h);
		if (h->leaving)
			cp_told_answer(h);
		if (h->dead && h != root && LIST_EMPTY(&h->wards))
			cp_facts_forget_host(h);
	}
}

static uint64_t
next_time(void)
{
	uint64_t at = wait_until != 0 ? wait_until : UINT64_MAX;

	if (cp_idle_next() != 0 && cp_idle_next() < at)
		at = cp_idle_next();
	if (cp_sentinel_next() != 0 && cp_sentinel_next() < at)
		at = cp_sentinel_next();
	if (cp_round_next() != 0 && cp_round_next() < at)
		at = cp_round_next();
	if (cp_due_next() != 0 && cp_due_next() < at)
		at = cp_due_next();
	for (struct cp_host *h = cp_facts_next_host(NULL); h != NULL;
	     h = cp_facts_next_host(h))
		if (!h->dead && h->look_ms != 0 && h->look_ms < at)
			at = h->look_ms;
	return at == UINT64_MAX ? 0 : at;
}

/* Is there anybody left to guard? */
static bool
is_done(void)
{
	if (cp_facts_wards() > 0 || cp_round_next() != 0 ||
	    (root != NULL && !root->dead) || cp_watch_now() < wait_until)
		return false;
	for (struct cp_host *h = cp_facts_next_host(NULL); h != NULL;
	     h = cp_facts_next_host(h))
		if (h->census && !h->dead)
			return false;
	return true;
}

static bool
hosts_live(void)
{
	for (struct cp_host *h = cp_facts_next_host(NULL); h != NULL;
	     h = cp_facts_next_host(h))
		if (!h->dead)
			return true;
	return false;
}

/* A crew's threads ask for little, and seldom: they need no own heaps. */
static void
share_heap(void)
{
#ifdef __GLIBC__
	(void)mallopt(M_ARENA_MAX, 1);
#endif
}

/*
 * Gives back what a storm of wards, or a large census, has taken; and what is
 * not used in a sleep that may be long.
 */
static void
give_back(void)
{
	cp_facts_shrink();
#ifdef __GLIBC__ /* other libraries keep less, and have no call for it */
	(void)malloc_trim(0);
#endif
	if (next_time() == 0) /* who knows when it is woken next */
		cp_slim();
}

static void
guard(void)
{
	struct cp_event events[EVENTS_MAX];

	while (!is_done()) {
		uint64_t now;
		int n;

		cp_watch_timer(next_time());
		n = cp_watch_wait(events, EVENTS_MAX, QUIET_MS);
		if (n == 0) {
			give_back();
			n = cp_watch_wait(events, EVENTS_MAX, -1);
		}
		if (n < 0)
			err(1, "epoll");
		now = cp_watch_now();
		news = 0;
		for (int i = 0; i < n; i++)
			handle(&events[i], now);
		cp_round(&options, cp_signals_hurried(), now);
		tidy_hosts();
		/* A mailbox is inherited: who is to read it comes after it. */
		if (cp_mailbox_renewed())
			cp_sentinel_renew();
		cp_sentinel_attend(now);
		if (waits && cp_pace_is_storm(events, n, now))
			cp_pace_rest(news, cp_socket_queue(), hosts_live());
	}
}

int
main(int argc, char **argv)
{
	const pid_t number = cp_startup(argc, argv, &options);

	cp_slim_init();
	share_heap();
	if (cp_facts_init() != 0 || set_up() != 0)
		err(125, "can't start");
	root = cp_told_host(number, cp_watch_now());
	/* The two ask for an answer, and for who is there. */
	if (options.keep == 0 && options.limit == 0)
		waits = cp_cradle_init() == 0;
	if (root != NULL && options.children == CP_CHILDREN_ALL)
		root->look_ms = cp_watch_now(); /* it may never speak */
	if (root == NULL || root->dead)
		wait_until = cp_watch_now() + FIRST_WORD_MS;
	cp_journal(&(struct cp_entry){ .event = "guard-start", .host = root });
	do {
		cp_sentinel_start(CP_GUARD_FD, take_over);
		guard();
		cp_sentinel_stop();
	} while (cp_told_retire(cp_watch_now()) > 0);
	cp_journal_note("guard-end", "the last host and child are gone", 0);
	return 0;
}
