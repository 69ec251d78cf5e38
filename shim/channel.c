/* SPDX-License-Identifier: MIT */
/* What is asked of the channels made here; where they lie: ring.h. */
#include <stddef.h>

#include "channel.h"
#include "ring.h"

bool
cp_channel_any(void)
{
	struct cp_ring *r = cp_ring();

	return r != NULL && atomic_load(&r->tickets) != 0;
}

/* A glance, maybe at what is just being written: cp_ring_look() is for sure. */
static bool
may_be(const struct cp_slice *e, uint64_t ino)
{
	const volatile uint64_t *own = e->made.ino;

	return own[0] == ino || own[1] == ino;
}

int
cp_channel_find(const struct cp_end_id *end, struct cp_made *made)
{
	struct cp_ring *r = cp_ring();
	uint64_t n, last = cp_ring_last(r, &n);
	struct cp_made copy;
	int k;

	for (uint64_t i = 1; i <= n; i++)
		if (may_be(cp_ring_entry(r, last - i), end->ino) &&
		    cp_ring_look(cp_ring_entry(r, last - i), &copy) != 0 &&
		    (k = cp_made_end_of(&copy, end)) != -1) {
			*made = copy;
			return k;
		}
	return -1;
}

void
cp_channel_warded(const struct cp_channel *child)
{
	struct cp_end_id end = { .kind = child->kind,
		.access = child->access,
		.ino = child->child };
	struct cp_ring *r = cp_ring();
	uint64_t n, last = cp_ring_last(r, &n);

	for (uint64_t i = 1; i <= n; i++) {
		struct cp_slice *e = cp_ring_entry(r, last - i);
		struct cp_made made;
		uint64_t state = cp_ring_look(e, &made);
		int k = state == 0 ? -1 : cp_made_end_of(&made, &end);
		uint64_t mark;

		if (k == -1)
			continue;
		mark = CP_RING_CLAIMED;
		/* What was created close-on-exec is passed on on purpose. */
		if (!made.cloexec)
			mark |= CP_RING_SHED(1 - k);
		if (atomic_compare_exchange_strong(&e->state, &state,
			state | mark) &&
		    mark & CP_RING_SHED_ANY && !(state & CP_RING_SHED_ANY))
			atomic_fetch_add(&r->shedding, 1);
		return;
	}
}

int
cp_channel_unclaimed(struct cp_made *out, int max)
{
	struct cp_ring *r = cp_ring();
	uint64_t n, last = cp_ring_last(r, &n);
	int found = 0;

	for (uint64_t i = 1; i <= n && found < max; i++) {
		struct cp_made made;
		uint64_t state = cp_ring_look(cp_ring_entry(r, last - i),
		    &made);

		if (state == 0)
			continue;
		if (state & CP_RING_CLAIMED)
			break;
		out[found++] = made;
	}
	return found;
}
