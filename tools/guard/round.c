/* SPDX-License-Identifier: MIT */
/* See round.h. */
#include "round.h"
#include "batch.h"
#include "closes.h"
#include "death.h"
#include "due.h"
#include "hold.h"
#include "idle.h"
#include "look.h"
#include "mailbox.h"
#include "newborn.h"
#include "process.h"
#include "reaper.h"
#include "sitting.h"
#include "told.h"
#include "traffic.h"
#include "unwaited.h"

/* A host that tells nothing is searched so often. */
#define CENSUS_HOST_MS 1000
/* After a look for unregistered children that found none. */
#define CALM_MS 10000
/* One of whose end nobody tells is looked at this often. */
#define UNWATCHED_MS 5000

/*
 * Most that are shut out obey EOF and are gone after this.  To the others
 * nothing happens before their grace is over: a tenth of it, if that is less.
 */
#define EOF_MS 20

static bool batched; /* of those that are due some have waited for it */
static bool hurried;
static uint64_t unwatched_ms; /* when to look at hosts, 0: not */

/*
 * What couldn't be watched may be watched now: forkpty's parent can have told
 * of a child that has not opened its terminal yet.
 */
static void
try_again(struct cp_ward *w, uint64_t now)
{
	if (!w->swept)
		return;
	w->swept = false;
	cp_closes_watch(w, now);
}

/* It lives, and its host has closed all: not looked at since then. */
static bool
is_shut_out(const struct cp_ward *w)
{
	return w->shut_ms != 0 && !w->dead && w->rounds == 0 &&
	    w->step == CP_STEP_WATCH && !w->host->dead && !w->host->leaving &&
	    !w->urged && !hurried;
}

/* Is there more to come, for which a look at WARD had better wait? */
static bool
is_premature(struct cp_ward *w, const struct cp_options *options, uint64_t now)
{
	uint64_t eof_ms = options->grace_ms / 10;

	if (eof_ms > EOF_MS)
		eof_ms = EOF_MS;
	if (is_shut_out(w) &&
	    (now < w->shut_ms + eof_ms ||
		(now < w->shut_ms + CP_DYING_MS &&
		    cp_process_is_dying(w->pid)))) {
		cp_due(w, now + (eof_ms != 0 ? eof_ms : 1));
		return true;
	}
	return cp_death_is_awaited(w, now);
}

/* The first look at WARD.  Is that not enough? */
static bool
look_first(struct cp_ward *w, const struct cp_options *options, uint64_t now)
{
	if (cp_look_at(w, options, now))
		return true;
	if (!w->used) /* it was none */
		return false;
	if (is_premature(w, options, now))
		return false;
	if (cp_batch_is_urgent(w, options) || w->shut_ms != 0)
		return true;
	cp_due(w, cp_look_next(w, now));
	return false;
}

static bool
host_has_any(const struct cp_ward *w)
{
	return cp_host_has(w->host, &w->channel[0]) ||
	    cp_host_has(w->host, &w->channel[1]);
}

/* A ward that is swept is looked at in vain most of the time. */
static bool
needs_census(struct cp_ward *w, const struct cp_options *options, uint64_t now)
{
	if (!w->looked)
		return look_first(w, options, now);
	cp_reaper_watch_again(w, now);
	if (!cp_look_is_swept(w) || cp_batch_is_urgent(w, options) || w->dead ||
	    w->shut_ms != 0 || !host_has_any(w))
		return true;
	try_again(w, now);
	if (w->shut_ms != 0)
		return true;
	cp_due(w, cp_look_next(w, now));
	return false;
}

/* First looks; returns how many wards need a census now. */
static size_t
look_closer(const struct cp_options *options, uint64_t now)
{
	struct cp_ward *w, *next;
	size_t n = 0, leisurely = 0;
	bool urgent = false;

	TAILQ_FOREACH_SAFE(w, cp_due_by(now), ripe, next) {
		if (!cp_due_is(w, now))
			continue;
		if (w->unwaited_ms != 0) {
			cp_unwaited_look(w, now);
			continue;
		}
		if (is_premature(w, options, now) ||
		    !needs_census(w, options, now))
			continue;
		n++;
		if (cp_batch_is_urgent(w, options))
			urgent = true;
		else
			leisurely++;
	}
	batched = leisurely > 0;
	if (urgent || leisurely == 0 || now >= cp_batch_floor())
		return n;
	TAILQ_FOREACH_SAFE(w, cp_due_by(now), ripe, next)
		cp_due(w, cp_batch_not_before(w, options));
	return 0;
}

/* Of whose end nobody tells; without wards it keeps the guard all the same. */
static void
look_at_unwatched(const struct cp_options *options, uint64_t now)
{
	unwatched_ms = 0;
	for (struct cp_host *h = cp_facts_next_host(NULL); h != NULL;
	     h = cp_facts_next_host(h)) {
		if (!h->unwatched || h->dead)
			continue;
		cp_told_rewatch(h, NULL);
		if (h->dead)
			cp_death_of_host(h, now,
			    hurried || options->exit_grace_ms == 0);
		if (h->unwatched)
			unwatched_ms = now + UNWATCHED_MS;
	}
}

static void
look_for_children(const struct cp_options *options, uint64_t now)
{
	bool all = options->children == CP_CHILDREN_ALL;

	for (struct cp_host *h = cp_facts_next_host(NULL); h != NULL;
	     h = cp_facts_next_host(h)) {
		int found;

		if (all && h->look_ms == 0)
			h->look_ms = now + CENSUS_HOST_MS;
		if (h->look_ms == 0 || h->look_ms > now || h->dead)
			continue;
		/* Or they would be found. */
		(void)cp_mailbox_read(now);
		cp_newborn_attend(now, CP_NEWBORN_ALL);
		found = cp_look_for_children(h, all, now);
		h->look_ms = h->census || all || h->looks > 0 ?
		    now + CENSUS_HOST_MS :
		    0;
		if (h->looks > 0)
			h->looks--;
		h->calm_ms = now + (found > 0 ? CENSUS_HOST_MS : CALM_MS);
	}
}

/* Whom nobody knows yet would be taken for a holder of what he shares. */
static bool
meet_siblings(uint64_t now)
{
	struct cp_ward *w, *next;
	bool any = false;

	(void)cp_mailbox_read(now);
	if (cp_newborn_next() == 0)
		return false;
	TAILQ_FOREACH_SAFE(w, cp_due_by(now), ripe, next)
		if (cp_due_is(w, now) && cp_newborn_meet(w, now))
			any = true;
	return any;
}

void
cp_round(const struct cp_options *options, bool hurry, uint64_t now_ms)
{
	size_t due;

	hurried = hurry;
	look_at_unwatched(options, now_ms);
	cp_mailbox_attend(now_ms);
	cp_newborn_attend(now_ms,
	    now_ms >= cp_batch_floor() ? CP_NEWBORN_DEAD : CP_NEWBORN_OLD);
	look_for_children(options, now_ms);
	due = look_closer(options, now_ms);
	if (due > 0 && meet_siblings(now_ms))
		due = look_closer(options, now_ms);
	if (due > 0) {
		cp_traffic_drain(now_ms, NULL);
		cp_sitting(options, hurry, batched, now_ms);
	}
	/* After the first looks; what it wants looked at is due at once. */
	cp_idle_round(now_ms);
}

uint64_t
cp_round_next(void)
{
	uint64_t at = cp_newborn_next();

	if (cp_newborn_any_dead() && (at == 0 || cp_batch_floor() < at))
		at = cp_batch_floor();
	if (cp_mailbox_next() != 0 && (at == 0 || cp_mailbox_next() < at))
		at = cp_mailbox_next();
	if (unwatched_ms != 0 && (at == 0 || unwatched_ms < at))
		at = unwatched_ms;
	return at;
}
