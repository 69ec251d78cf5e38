/* SPDX-License-Identifier: MIT */
/* See rest.h. */
#include <stdlib.h>

#include "rest.h"
#include "traffic.h"

/*
 * A request that has no answer after this was none: a notification, or the
 * end of somebody's patience.
 */
#define ANSWER_MS 600000

static LIST_HEAD(, cp_rest) records = LIST_HEAD_INITIALIZER(records);
/* Untouched pages cost nothing. */
static struct cp_rest *by_ward[CP_WARDS_MAX];
static struct cp_sample *samples;
static size_t samples_room;

static void
forget(struct cp_rest *r)
{
	by_ward[r->index] = NULL;
	LIST_REMOVE(r, link);
	cp_baseline_free(&r->base);
	free(r);
}

struct cp_rest *
cp_rest_find(const struct cp_ward *w)
{
	struct cp_rest *r = by_ward[cp_facts_ward_index(w)];

	return r != NULL && r->serial == w->serial ? r : NULL;
}

struct cp_rest *
cp_rest_of(const struct cp_ward *w)
{
	uint32_t index = cp_facts_ward_index(w);
	struct cp_rest *r = cp_rest_find(w);

	if (r != NULL)
		return r;
	if (by_ward[index] != NULL)
		forget(by_ward[index]);
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return NULL;
	r->index = index;
	r->serial = w->serial;
	by_ward[index] = r;
	LIST_INSERT_HEAD(&records, r, link);
	return r;
}

static bool
make_room(size_t n)
{
	struct cp_sample *more;

	if (n <= samples_room)
		return true;
	more = realloc(samples, 2 * n * sizeof(*more));
	if (more == NULL)
		return false;
	samples = more;
	samples_room = 2 * n;
	return true;
}

static enum cp_used
add_sample(pid_t pid, uint64_t start, bool thorough, size_t *n)
{
	enum cp_used used;
	struct cp_sample *s;

	if (!make_room(*n + 1))
		return CP_USED_UNKNOWN;
	s = &samples[*n];
	*s = (struct cp_sample){ .pid = pid, .start = start };
	used = cp_usage_read(pid, start, &s->usage);
	if (used != CP_USED_KNOWN)
		return used;
	if (thorough)
		s->usage.busy = cp_usage_busy(pid);
	(*n)++;
	return used;
}

/* Has nothing changed in what all of the ward have used? */
static bool
sample(struct cp_ward *w, struct cp_rest *r, bool thorough, uint64_t now)
{
	struct cp_member *m;
	enum cp_used used = CP_USED_GONE;
	bool unknown;
	size_t n = 0;

	if (!w->dead)
		used = add_sample(w->pid, w->start, thorough, &n);
	unknown = used == CP_USED_UNKNOWN;
	SLIST_FOREACH(m, &w->members, link) {
		used = add_sample(m->pid, m->start, thorough, &n);
		unknown = unknown || used == CP_USED_UNKNOWN;
	}
	if (!unknown)
		return cp_baseline_feed(&r->base, samples, n, now);
	cp_baseline_void(&r->base);
	return false;
}

/* Is there a request that the ward may still be working on? */
static bool
is_asked(const struct cp_traffic *t, uint64_t now)
{
	return t->asked_ms != 0 && now - t->asked_ms < ANSWER_MS;
}

uint64_t
cp_rest_since(const struct cp_ward *w, const struct cp_rest *r)
{
	const struct cp_traffic *t = cp_traffic_of(w);
	uint64_t since = r->base.since_ms;

	return t != NULL && since < t->moved_ms ? t->moved_ms : since;
}

uint64_t
cp_rest_sample(struct cp_ward *w, struct cp_rest *r, bool thorough,
    uint64_t now)
{
	const struct cp_traffic *t = cp_traffic_of(w);
	uint64_t since;

	if (!sample(w, r, thorough, now) || t == NULL || is_asked(t, now))
		return 0;
	since = cp_rest_since(w, r);
	return now > since ? now - since : 0;
}

void
cp_rest_sweep(uint32_t round)
{
	struct cp_rest *r, *next;

	LIST_FOREACH_SAFE(r, &records, link, next)
		if (r->round != round)
			forget(r);
}

void
cp_rest_reset(void)
{
	struct cp_rest *r, *next;

	LIST_FOREACH_SAFE(r, &records, link, next)
		forget(r);
}
