/* SPDX-License-Identifier: MIT */
/*
 * See due.h.  In a storm thousands wait for the next batch, and the guard wakes
 * each millisecond: nothing may go through all of them.
 */
#include <stdbool.h>
#include <stddef.h>

#include "due.h"

static int
compare(const struct cp_ward *a, const struct cp_ward *b)
{
	if (a->due_ms != b->due_ms)
		return a->due_ms < b->due_ms ? -1 : 1;
	return a < b ? -1 : a > b;
}

static RB_HEAD(cp_waiting, cp_ward) waiting = RB_INITIALIZER(&waiting);
static struct cp_ripe ripe = TAILQ_HEAD_INITIALIZER(ripe);

static uint64_t ripened_ms;

/* Not static: libbsd 0.11 has no __unused for that. */
RB_PROTOTYPE(cp_waiting, cp_ward, waits, compare)
RB_GENERATE(cp_waiting, cp_ward, waits, compare)

static void
take_off(struct cp_ward *w)
{
	if (w->is_ripe)
		TAILQ_REMOVE(&ripe, w, ripe);
	else if (w->due_ms != 0)
		RB_REMOVE(cp_waiting, &waiting, w);
	w->is_ripe = false;
}

void
cp_due(struct cp_ward *ward, uint64_t due_ms)
{
	bool is_ripe = due_ms != 0 && due_ms <= ripened_ms;

	if (ward->is_ripe && is_ripe) {
		ward->due_ms = due_ms;
		return;
	}
	take_off(ward);
	ward->due_ms = due_ms;
	ward->is_ripe = is_ripe;
	if (is_ripe)
		TAILQ_INSERT_TAIL(&ripe, ward, ripe);
	else if (due_ms != 0)
		RB_INSERT(cp_waiting, &waiting, ward);
}

struct cp_ripe *
cp_due_by(uint64_t now_ms)
{
	struct cp_ward *w;

	if (now_ms > ripened_ms)
		ripened_ms = now_ms;
	while ((w = RB_MIN(cp_waiting, &waiting)) != NULL &&
	    w->due_ms <= ripened_ms) {
		RB_REMOVE(cp_waiting, &waiting, w);
		w->is_ripe = true;
		TAILQ_INSERT_TAIL(&ripe, w, ripe);
	}
	return &ripe;
}

bool
cp_due_is(const struct cp_ward *w, uint64_t now)
{
	return w->due_ms != 0 && w->due_ms <= now;
}

uint64_t
cp_due_next(void)
{
	const struct cp_ward *w = TAILQ_FIRST(&ripe);

	if (w == NULL)
		w = RB_MIN(cp_waiting, &waiting);
	return w == NULL ? 0 : w->due_ms;
}

void
cp_due_reset(void)
{
	RB_INIT(&waiting);
	TAILQ_INIT(&ripe);
	ripened_ms = 0;
}
