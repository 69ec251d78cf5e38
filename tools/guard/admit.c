/* SPDX-License-Identifier: MIT */
/*
 * See admit.h.  All that is remembered here is worth a minute at most, and is
 * lost with the guard.
 */
#include <errno.h>

#include "admit.h"
#include "brake.h"
#include "journal.h"
#include "watch.h"

#define PLACES_MAX 256
#define PLACE_MS   2000
#define LIMITS_MAX 64
#define MINUTE_MS  60000

/* Kept for a child that the host is about to spawn. */
struct place {
	struct cp_spawner by; /* key 0: free */
	uint64_t until_ms;
	uint64_t rank_ms;
};

/* Whom the journal was told of, and when. */
struct limited {
	struct cp_spawner by;
	uint64_t told_ms;
};

static const struct cp_options *options;
/* Untouched pages cost nothing, hence the high-water marks. */
static struct place places[PLACES_MAX];
static int n_places;
static struct limited limits[LIMITS_MAX];
static int n_limits;

void
cp_admit_init(const struct cp_options *o)
{
	options = o;
	n_places = n_limits = 0;
	cp_brake_reset();
}

static struct cp_spawner
spawner(const struct cp_host *h, uint32_t thread, uint64_t key)
{
	return (struct cp_spawner){ .host = cp_facts_host_index(h),
		.host_serial = h->serial,
		.thread = thread,
		.key = key };
}

static bool
same_group(const struct cp_spawner *a, const struct cp_spawner *b)
{
	return a->host == b->host && a->host_serial == b->host_serial &&
	    a->key == b->key;
}

/* The guard may not have been woken yet for one that has just ended. */
static bool
is_living(const struct cp_ward *w)
{
	if (w->step != CP_STEP_WATCH && w->step != CP_STEP_DOOMED)
		return false;
	return w->handed ||
	    (!w->dead && (w->pidfd < 0 || !cp_watch_ended(w->pidfd)));
}

static uint32_t
count(const struct cp_request *r, const struct cp_spawner *by)
{
	const struct cp_ward *w;
	uint32_t n = 0;

	LIST_FOREACH(w, &r->host->wards, sibling)
		if (w != r->ward && w->key == r->key && is_living(w))
			n++;
	for (int i = 0; i < n_places; i++)
		if (places[i].by.key != 0 && r->now_ms < places[i].until_ms &&
		    same_group(&places[i].by, by))
			n++;
	return n;
}

/* The place that was kept for a child of that thread, or NULL. */
static struct place *
find_place(const struct cp_spawner *by, uint64_t now)
{
	for (int i = 0; i < n_places; i++) {
		struct place *p = &places[i];

		if (p->by.key != 0 && now < p->until_ms &&
		    same_group(&p->by, by) && p->by.thread == by->thread)
			return p;
	}
	return NULL;
}

static bool
take_place(struct cp_ward *w, const struct cp_spawner *by, uint64_t now)
{
	struct place *p = find_place(by, now);

	if (p == NULL)
		return false;
	if (p->rank_ms != 0)
		w->rank_ms = p->rank_ms;
	p->by.key = 0;
	return true;
}

/* A free place, or the one that was kept the longest. */
static void
keep_place(const struct cp_spawner *by, uint64_t rank, uint64_t now)
{
	struct place *p = &places[0];

	for (int i = 1; i < n_places && p->by.key != 0; i++)
		if (places[i].by.key == 0 || places[i].until_ms < p->until_ms)
			p = &places[i];
	if (n_places == 0 || (p->by.key != 0 && n_places < PLACES_MAX))
		p = &places[n_places++];
	*p = (struct place){ *by, now + PLACE_MS, rank };
}

/* Once a minute for a host and command. */
static bool
is_news(const struct cp_spawner *by, uint64_t now)
{
	struct limited *oldest = &limits[0];

	for (int i = 0; i < n_limits; i++) {
		struct limited *l = &limits[i];

		if (l->told_ms != 0 && now - l->told_ms < MINUTE_MS &&
		    same_group(&l->by, by))
			return false;
		if (l->told_ms < oldest->told_ms)
			oldest = l;
	}
	if (n_limits < LIMITS_MAX)
		oldest = &limits[n_limits++];
	*oldest = (struct limited){ *by, now };
	return true;
}

static void
tell_limit(const struct cp_request *r, uint32_t others)
{
	const struct cp_number numbers[] = {
		{ "live", others },
		{ "limit", options->limit },
		{ NULL, 0 },
	};

	cp_journal(&(struct cp_entry){ .event = "limit",
	    .reason = options->dry_run ?
		"as many of this command as limit= allows live; a dry run "
		"lets another one in" :
		"as many of this command as limit= allows live; another one's "
		"exec fails",
	    .host = r->host,
	    .name = r->name,
	    .numbers = numbers });
}

static void
tell_brake(const struct cp_request *r, uint32_t others,
    const struct cp_braking *b)
{
	const struct cp_number numbers[] = {
		{ "live", others },
		{ "keep", options->keep },
		{ "comebacks", b->times },
		{ "wait", b->wait_ms / 1000.0 },
		{ NULL, 0 },
	};

	cp_journal(&(struct cp_entry){ .event = "brake",
	    .reason = "what was retired keeps coming back while keep= others "
		      "live; its exec fails for a while",
	    .host = r->host,
	    .name = r->name,
	    .numbers = numbers });
}

int
cp_admit(const struct cp_request *r)
{
	struct cp_spawner by = spawner(r->host, r->thread, r->key);
	struct cp_braking b = { 0 };
	uint32_t others;

	if (options == NULL || r->key == 0 ||
	    (options->limit == 0 && options->keep == 0) ||
	    (!r->asks && take_place(r->ward, &by, r->now_ms)))
		return 0;
	others = count(r, &by);
	if (r->asks && options->limit != 0 && others >= options->limit) {
		if (is_news(&by, r->now_ms))
			tell_limit(r, others);
		if (!options->dry_run) {
			cp_facts_tally()->refused++;
			return EAGAIN;
		}
	}
	if (options->keep != 0)
		b = cp_brake_attempt(&(struct cp_attempt){ .by = by,
		    .pid = r->ward != NULL ? r->ward->pid : 0,
		    .may_refuse = r->asks,
		    .others = others,
		    .keep = options->keep,
		    .now_ms = r->now_ms });
	if (b.began)
		tell_brake(r, others, &b);
	if (b.refuse) {
		cp_facts_tally()->refused++;
		return EAGAIN;
	}
	if (r->ward == NULL)
		keep_place(&by, b.rank_ms, r->now_ms);
	else if (b.rank_ms != 0)
		r->ward->rank_ms = b.rank_ms;
	return 0;
}

void
cp_admit_give_back(const struct cp_request *r)
{
	struct cp_spawner by = spawner(r->host, r->thread, r->key);
	struct place *p = find_place(&by, r->now_ms);

	if (p != NULL)
		p->by.key = 0;
}

/* Only what a thread spawned last is missed by it. */
void
cp_admit_retired(const struct cp_ward *w, uint64_t now_ms)
{
	struct cp_spawner by = spawner(w->host, w->thread, w->key);
	const struct cp_ward *o;

	LIST_FOREACH(o, &w->host->wards, sibling)
		if (o->key == w->key && o->thread == w->thread &&
		    o->serial > w->serial && is_living(o))
			return;
	cp_brake_retired(&by, w->rank_ms, now_ms);
}
