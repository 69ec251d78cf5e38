/* SPDX-License-Identifier: MIT */
/* See idle.h. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "due.h"
#include "idle.h"
#include "rest.h"
#include "stale.h"
#include "traffic.h"

#define SHORTEST_MS 100
#define LONGEST_MS  10000
static const struct cp_options *options;
static struct cp_candidate *candidates;
static size_t room;
static uint32_t round_number;
static uint64_t next_ms;

void
cp_idle_init(const struct cp_options *o)
{
	cp_rest_reset();
	cp_traffic_reset();
	options = o;
	next_ms = 0;
}

/* Duplex: of a one-way child silence says nothing. */
static bool
matters(const struct cp_ward *w)
{
	return w->duplex && w->looked && !w->host->dead && !w->host->leaving &&
	    w->step == CP_STEP_WATCH && (!w->dead || w->handed);
}

void
cp_idle_meet(struct cp_ward *w, uint64_t now)
{
	if (options != NULL && options->idle_ms != 0 && w->duplex && !w->dead)
		(void)cp_traffic_watch(w, CP_TRAFFIC_IDLE, now);
}

static void
assess(struct cp_candidate *c, uint64_t now)
{
	struct cp_ward *w = c->ward;
	struct cp_rest *r = cp_rest_of(w);

	if (r == NULL)
		return;
	r->round = round_number;
	(void)cp_traffic_watch(w, CP_TRAFFIC_IDLE, now);
	c->idle_ms = cp_rest_sample(w, r, false, now);
	c->eligible = c->idle_ms != 0 && !w->spare;
	if (c->idle_ms < options->idle_ms) {
		r->told = r->wanted = false;
		w->retired = w->surplus = false;
	}
}

static bool
add_candidate(struct cp_ward *w, size_t n)
{
	struct cp_candidate *more;

	if (n == room) {
		more = reallocarray(candidates, 2 * n + 16, sizeof(*more));
		if (more == NULL)
			return false;
		candidates = more;
		room = 2 * n + 16;
	}
	candidates[n] = (struct cp_candidate){ .ward = w,
		.host = cp_facts_host_index(w->host),
		.serial = w->serial,
		.key = w->key,
		.rank_ms = w->rank_ms };
	return true;
}

/* Leaves out the groups that are small enough. */
static size_t
drop_small(size_t n)
{
	size_t kept = 0, len;

	cp_stale_sort(candidates, n);
	for (size_t i = 0; i < n; i += len) {
		len = cp_stale_group(&candidates[i], n - i);
		if (len <= options->keep)
			continue;
		memmove(&candidates[kept], &candidates[i],
		    len * sizeof(*candidates));
		kept += len;
	}
	return kept;
}

/* Those that are to be sampled. */
static size_t
collect(void)
{
	size_t n = 0;

	if (cp_facts_wards() <= options->keep)
		return 0;
	for (struct cp_ward *w = cp_facts_next_ward(NULL); w != NULL;
	     w = cp_facts_next_ward(w)) {
		if (!matters(w))
			continue;
		/* It had not been exec'd when it was looked at. */
		if (options->keep != 0 && w->key == 0)
			w->key = cp_command_key(w);
		if (options->keep != 0 && w->key == 0)
			continue;
		if (!add_candidate(w, n))
			break;
		n++;
	}
	return options->keep != 0 ? drop_small(n) : n;
}

/* Nobody is signalled for this: a line in the journal will do. */
static void
want_report(struct cp_ward *w, struct cp_rest *r, uint64_t now)
{
	if (r->told || r->wanted)
		return;
	r->wanted = true;
	cp_due(w, now);
}

static void
choose(struct cp_candidate *v, size_t n, uint64_t now)
{
	if (cp_stale_choose(v, n, options->keep, options->idle_ms) == 0)
		return;
	for (size_t i = 0; i < n; i++) {
		struct cp_rest *r = cp_rest_find(v[i].ward);

		if (!v[i].retire || r == NULL)
			continue;
		r->live = (uint32_t)n;
		v[i].ward->surplus = true;
		if (options->dry_run) {
			want_report(v[i].ward, r, now);
		} else if (!v[i].ward->retired) {
			v[i].ward->retired = true;
			cp_due(v[i].ward, now);
		}
	}
}

static void
decide(size_t n, uint64_t now)
{
	size_t len = 1;

	for (size_t i = 0; i < n; i += len) {
		struct cp_candidate *c = &candidates[i];
		struct cp_rest *r = cp_rest_find(c->ward);

		if (options->keep != 0) {
			len = cp_stale_group(c, n - i);
			choose(c, len, now);
		} else if (r != NULL && c->eligible &&
		    c->idle_ms >= options->idle_ms) {
			want_report(c->ward, r, now);
		}
	}
}

static uint64_t
period(void)
{
	uint64_t ms = options->idle_ms / 4;

	return ms < SHORTEST_MS ? SHORTEST_MS :
	    ms > LONGEST_MS	? LONGEST_MS :
				  ms;
}

void
cp_idle_round(uint64_t now)
{
	size_t n;

	if (options == NULL || options->idle_ms == 0 ||
	    (next_ms != 0 && now < next_ms))
		return;
	n = collect();
	if (n == 0 && next_ms == 0)
		return;
	cp_traffic_drain(now, NULL);
	round_number++;
	for (size_t i = 0; i < n; i++)
		assess(&candidates[i], now);
	decide(n, now);
	cp_rest_sweep(round_number);
	next_ms = n > 0 ? now + period() : 0;
}

uint64_t
cp_idle_next(void)
{
	return next_ms;
}

uint64_t
cp_idle_since(const struct cp_ward *w)
{
	const struct cp_rest *r = cp_rest_find(w);

	return r != NULL ? cp_rest_since(w, r) : 0;
}

bool
cp_idle_confirmed(struct cp_ward *w, uint64_t now)
{
	struct cp_rest *r = cp_rest_find(w);

	if (r == NULL || !matters(w))
		return false;
	cp_traffic_drain(now, NULL);
	return cp_rest_sample(w, r, true, now) >= options->idle_ms;
}

void
cp_idle_attended(struct cp_ward *w, uint64_t now)
{
	struct cp_rest *r = cp_rest_find(w);
	struct cp_number numbers[CP_IDLE_NUMBERS];

	if (r == NULL || !r->wanted)
		return;
	r->wanted = false;
	if (!cp_idle_confirmed(w, now))
		return;
	r->told = true;
	cp_idle_numbers(w, now, numbers);
	cp_journal(&(
	    struct cp_entry){ .event = options->keep != 0 ? "dry-run" : "idle",
	    .reason = options->keep != 0 ?
		"more than keep= of the same command, and it was idle" :
		"no CPU time, no bytes and no request for idle=",
	    .host = w->host,
	    .ward = w,
	    .numbers = numbers });
}

void
cp_idle_numbers(const struct cp_ward *w, uint64_t now,
    struct cp_number out[CP_IDLE_NUMBERS])
{
	struct cp_rest *r = cp_rest_find(w);
	struct cp_usage sum = { 0 };
	size_t n = 0;

	if (r != NULL && r->live != 0) {
		out[n++] = (struct cp_number){ "live", r->live };
		out[n++] = (struct cp_number){ "keep", options->keep };
	}
	if (r != NULL) {
		sum = cp_baseline_sum(&r->base);
		out[n++] = (struct cp_number){ "idle",
			(double)(now - cp_rest_since(w, r)) / 1000 };
		out[n++] = (struct cp_number){ "cpu",
			(double)sum.cpu / (double)sysconf(_SC_CLK_TCK) };
		out[n++] = (struct cp_number){ "bytes", (double)sum.bytes };
	}
	out[n] = (struct cp_number){ NULL, 0 };
}
