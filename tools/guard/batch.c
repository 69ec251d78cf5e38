/* SPDX-License-Identifier: MIT */
/* See batch.h. */
#include <stddef.h>

#include "batch.h"
#include "traffic.h"
#include "watch.h"

/*
 * Censuses that nothing urgent asks for (did a dead child leave somebody
 * behind?) are taken together: at most one in this time, and never more than
 * one part in LEISURE of the processor.
 */
#define BATCH_MS 1000
#define LEISURE	 20

/* After so many closes that proved nothing it waits for the batch as well. */
#define ALARMS_MAX 8
/* What a dead child may have left is looked for at most this often. */
#define SOON_MS 50

static uint64_t batch_floor = 1; /* 0 is no time */
static uint64_t soon_floor;	 /* for what is not quite urgent */
static uint64_t calm_floor;	 /* for what is less so */

/*
 * When it is to be looked for what a dead child has left: soon, if nobody
 * listens yet.  If that has begun late it is asked whether anybody has written,
 * and the sooner, the less anybody has; but in a storm there is always one
 * more.
 */
static uint64_t
soon(const struct cp_ward *w)
{
	if (!w->dead || !w->duplex || w->handed || w->unheard == CP_UNHEARD_ALL)
		return UINT64_MAX;
	if (cp_traffic_of(w) == NULL)
		return soon_floor;
	return w->unheard == CP_UNHEARD_START ? calm_floor : UINT64_MAX;
}

/* When the silence on what a dead child has left is over, at the earliest. */
static uint64_t
silent_until(const struct cp_ward *w, const struct cp_options *options)
{
	return w->dead && w->duplex && !w->handed &&
		w->unheard != CP_UNHEARD_ALL && w->died_ms != 0 ?
	    w->died_ms + options->grace_ms :
	    UINT64_MAX;
}

/*
 * When the host has closed all: at once as long as the child lives; what a dead
 * one may have left has until the end of its grace.
 */
static uint64_t
given_up_at(const struct cp_ward *w, const struct cp_options *options)
{
	if (w->shut_ms == 0 || w->alarms >= ALARMS_MAX)
		return UINT64_MAX;
	return w->dead ? w->shut_ms + options->grace_ms : w->shut_ms;
}

bool
cp_batch_is_urgent(const struct cp_ward *w, const struct cp_options *options)
{
	return w->host->dead || cp_watch_now() >= silent_until(w, options) ||
	    cp_watch_now() >= soon(w) || w->host->leaving ||
	    w->step != CP_STEP_WATCH || w->host->gone_ms != 0 ||
	    w->heir_ms != 0 || w->retired || w->left ||
	    cp_watch_now() >= given_up_at(w, options);
}

uint64_t
cp_batch_not_before(const struct cp_ward *w, const struct cp_options *options)
{
	uint64_t at = batch_floor;

	if (soon(w) < at)
		at = soon(w);
	if (silent_until(w, options) < at)
		at = silent_until(w, options);
	return given_up_at(w, options) < at ? given_up_at(w, options) : at;
}

uint64_t
cp_batch_floor(void)
{
	return batch_floor;
}

void
cp_batch_taken(uint64_t began_ms, uint64_t took_ms, bool batched)
{
	uint64_t took = took_ms * LEISURE;

	soon_floor = began_ms + (took / 2 > SOON_MS ? took / 2 : SOON_MS);
	calm_floor = began_ms + (took > BATCH_MS ? took : BATCH_MS);
	if (batched && took < BATCH_MS)
		took = BATCH_MS;
	/* What is urgent day in, day out must not put off the rest for ever. */
	if (batched || batch_floor < began_ms + took)
		batch_floor = began_ms + took;
}
