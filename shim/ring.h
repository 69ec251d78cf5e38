/* SPDX-License-Identifier: MIT */
/*
 * Where the channels lie that were made in this process: a ring, as large as
 * its wards are many.  It lies in the memory that the owner shares with its
 * children, so that no fork makes a copy of what was touched of it.
 * Lock-free: a writer takes the next entry by its ticket, a reader copies an
 * entry and looks whether its state word is still the same.
 *
 * Entries are not removed when a descriptor is closed: what an entry says of a
 * descriptor is a hint, which is checked against the kernel before it is used.
 * So is what the owner adds after a child's fork, which that one sees as well.
 *
 * For channel.c and shed.c.  Context: any, but where it says host.
 */
#ifndef CP_RING_H
#define CP_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "made.h"

#define CP_RING_FIRST 128u /* entries at first, of which half are for no ward */
#define CP_RING_MOST  4096

/*
 * State: ticket + 1 in the upper bits, so that 0 is an empty entry; below, 1
 * while it is written, which ends are host ends that children must shed, and
 * whether a ward has it.
 */
#define CP_RING_WRITING	 1u
#define CP_RING_SHED(k)	 (2u << (k))
#define CP_RING_SHED_ANY (CP_RING_SHED(0) | CP_RING_SHED(1))
#define CP_RING_CLAIMED	 8u
#define CP_RING_BITS	 4

/* Zeros: an empty one. */
struct cp_ring {
	_Atomic uint64_t tickets;
	_Atomic uint64_t review;  /* where cp_shed_review() goes on */
	_Atomic int32_t shedding; /* entries with a SHED mark, about */
	_Atomic uint32_t doubled; /* how often; it only grows */
	struct cp_slice {
		_Atomic uint64_t state;
		struct cp_made made;
	} entry[CP_RING_MOST];
};

/* The ring, or NULL as long as nobody owns one. */
struct cp_ring *cp_ring(void);

/* Remembers a channel; the oldest one is forgotten.  Context: host. */
void cp_ring_add(const struct cp_made *made);

/* So that those of so many wards are remembered, at least.  Context: host. */
void cp_ring_room(unsigned wards);

/*
 * What one process remembers, for another that nobody sees yet: TO is empty.
 * Context: host.
 */
void cp_ring_copy(struct cp_ring *to, const struct cp_ring *from);

static inline uint32_t
cp_ring_size(const struct cp_ring *r)
{
	return CP_RING_FIRST << atomic_load(&r->doubled);
}

static inline struct cp_slice *
cp_ring_entry(struct cp_ring *r, uint64_t ticket)
{
	return &r->entry[ticket & (cp_ring_size(r) - 1)];
}

/* The next ticket; how many of those before it are in the ring. */
static inline uint64_t
cp_ring_last(struct cp_ring *r, uint64_t *n)
{
	uint64_t last = r == NULL ? 0 : atomic_load(&r->tickets);
	uint64_t size = r == NULL ? 0 : cp_ring_size(r);

	*n = last < size ? last : size;
	return last;
}

/* A consistent copy of an entry; its state, or 0 if there is none. */
static inline uint64_t
cp_ring_look(const struct cp_slice *e, struct cp_made *made)
{
	uint64_t state = atomic_load_explicit(&e->state, memory_order_acquire);

	if (state == 0 || state & CP_RING_WRITING)
		return 0;
	*made = e->made;
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&e->state, memory_order_relaxed) >>
		    CP_RING_BITS ==
		state >> CP_RING_BITS ?
	    state :
	    0;
}

#endif
