/* SPDX-License-Identifier: MIT */
/* See sitting.h. */
#include <stdlib.h>
#include <time.h>

#include "batch.h"
#include "due.h"
#include "reaper.h"
#include "sitting.h"
#include "watch.h"

/* What failed for want of memory is tried again after this. */
#define AGAIN_MS 1000

static void
add_interest(struct cp_interest *v, size_t *n, const struct cp_channel *ch)
{
	if (ch->kind == CP_KIND_NONE)
		return;
	v[(*n)++] = (struct cp_interest){ ch->kind, ch->child };
	if (ch->kind == CP_KIND_UNIX && ch->host != 0)
		v[(*n)++] = (struct cp_interest){ ch->kind, ch->host };
}

/* No memory or no descriptor: that may pass, but not by asking all day. */
static void
put_off(uint64_t now)
{
	struct cp_ward *w, *next;

	TAILQ_FOREACH_SAFE(w, cp_due_by(now), ripe, next)
		cp_due(w, now + AGAIN_MS);
}

static void
attend_all(const struct cp_options *options, const struct cp_census *census,
    bool hurry, uint64_t now)
{
	struct cp_ward *w, *next;
	struct cp_index index;
	struct cp_case c = { .options = options,
		.index = &index,
		.find_ward = cp_facts_find_ward_const,
		.now_ms = now };

	if (cp_index_build(census, &index) != 0) {
		put_off(now);
		return;
	}
	TAILQ_FOREACH_SAFE(w, cp_due_by(now), ripe, next) {
		/* Who was told of since the looks waits for the next round. */
		if (!w->looked || !cp_due_is(w, now))
			continue;
		c.ward = w;
		c.hurried = hurry || w->urged;
		cp_reaper_attend(w, &c);
	}
	cp_index_free(&index);
}

/* Of all threads. */
static uint64_t
cpu_ms(void)
{
	struct timespec t = { 0, 0 };

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void
cp_sitting(const struct cp_options *options, bool hurry, bool batched,
    uint64_t now)
{
	struct cp_interest *interest;
	struct cp_census census;
	struct cp_ward *w;
	uint64_t began = cpu_ms(), took;
	size_t n = 0, k = 0;

	TAILQ_FOREACH(w, cp_due_by(now), ripe)
		n++;
	interest = calloc(4 * n + 1, sizeof(*interest));
	if (interest == NULL) {
		put_off(now);
		return;
	}
	TAILQ_FOREACH(w, cp_due_by(now), ripe) {
		add_interest(interest, &k, &w->channel[0]);
		add_interest(interest, &k, &w->channel[1]);
	}
	cp_facts_tally()->censuses++;
	if (cp_census_take(interest, k, &census) == 0) {
		attend_all(options, &census, hurry, now);
		cp_census_free(&census);
	} else
		put_off(now);
	free(interest);
	took = cp_watch_now() - now;
	if (took < cpu_ms() - began)
		took = cpu_ms() - began;
	cp_batch_taken(now, took, batched);
}
