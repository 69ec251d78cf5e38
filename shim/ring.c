/* SPDX-License-Identifier: MIT */
/* See ring.h. */
#include <errno.h>
#include <stddef.h>

#include "common/raw.h"
#include "owner.h"
#include "ring.h"

#define PER_WARD 3 /* stdin, stdout and stderr */

struct cp_ring *
cp_ring(void)
{
	struct cp_shared *s = cp_owner_shared();

	return s == NULL ? NULL : &s->ring;
}

/* Writes an entry over what was in it. */
static void
put(struct cp_ring *r, struct cp_slice *e, const struct cp_made *made,
    uint64_t state)
{
	uint64_t old = atomic_exchange(&e->state, state | CP_RING_WRITING);

	if (old & CP_RING_SHED_ANY)
		atomic_fetch_sub(&r->shedding, 1);
	atomic_thread_fence(memory_order_release);
	e->made = *made;
	atomic_store_explicit(&e->state, state, memory_order_release);
}

/*
 * Where entries lie depends on the size, so some of them move.  One that is
 * added meanwhile may stay where it was: it is found there, too, but it is not
 * the last to be overwritten.
 */
static void
rearrange(struct cp_ring *r, uint32_t size)
{
	for (uint32_t i = 0; i < size; i++) {
		struct cp_slice *e = &r->entry[i], *to;
		struct cp_made made;
		uint64_t state = cp_ring_look(e, &made);

		if (state == 0 ||
		    (to = cp_ring_entry(r, (state >> CP_RING_BITS) - 1)) == e)
			continue;
		put(r, to, &made, state);
		(void)atomic_compare_exchange_strong(&e->state, &state, 0);
	}
}

static void
grow(struct cp_ring *r)
{
	uint32_t doubled = atomic_load(&r->doubled);
	uint32_t size = CP_RING_FIRST << doubled;

	if (size < CP_RING_MOST &&
	    atomic_compare_exchange_strong(&r->doubled, &doubled, doubled + 1))
		rearrange(r, size);
}

/* Its wards are to come: no ward has it yet, and we have both of its ends. */
static bool
is_waiting(const struct cp_slice *e)
{
	struct cp_end_id end;
	struct cp_made made;
	uint64_t state = cp_ring_look(e, &made);

	if (state == 0 || state & CP_RING_CLAIMED)
		return false;
	for (int k = 0; k < 2; k++)
		if (made.fd[k] >= 0 &&
		    (cp_procfs_own_end(made.fd[k], &end) == -1 ||
			end.kind == CP_KIND_NONE ||
			(made.kind != CP_KIND_PTY && end.ino != made.ino[k])))
			return false;
	return true;
}

/*
 * Many threads that spawn at once have made more than there is room for before
 * their first ward is known.  Two are looked at, since one may be a host's own
 * for good, and would be met at each turn of the ring.
 */
void
cp_ring_add(const struct cp_made *made)
{
	struct cp_ring *r = cp_ring();
	int saved = errno;
	uint64_t ticket;

	if (r == NULL)
		return;
	ticket = atomic_fetch_add(&r->tickets, 1);
	if (is_waiting(cp_ring_entry(r, ticket)) &&
	    is_waiting(cp_ring_entry(r, ticket + cp_ring_size(r) / 2)))
		grow(r);
	put(r, cp_ring_entry(r, ticket), made, (ticket + 1) << CP_RING_BITS);
	cp_errno(saved);
}

void
cp_ring_room(unsigned wards)
{
	struct cp_ring *r = cp_ring();
	uint32_t size;

	while (r != NULL && (size = cp_ring_size(r)) < CP_RING_MOST &&
	    size < CP_RING_FIRST / 2 + wards * PER_WARD)
		grow(r);
}

void
cp_ring_copy(struct cp_ring *to, const struct cp_ring *from)
{
	uint32_t doubled = atomic_load(&from->doubled);

	atomic_store(&to->doubled, doubled);
	atomic_store(&to->tickets, atomic_load(&from->tickets));
	for (uint32_t i = 0; i < CP_RING_FIRST << doubled; i++) {
		struct cp_made made;
		uint64_t state = cp_ring_look(&from->entry[i], &made);

		if (state == 0)
			continue;
		put(to, &to->entry[i], &made, state);
		if (state & CP_RING_SHED_ANY)
			atomic_fetch_add(&to->shedding, 1);
	}
}
