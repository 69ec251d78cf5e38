/* SPDX-License-Identifier: MIT */
/* Who but us has the host ends of wards, as far as /proc tells. */
#ifndef CP_HELD_H
#define CP_HELD_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slot.h"

#define CP_HELD_MAX 128 /* wards */

/* Zeros: nothing is asked.  Large, and so not for a stack. */
struct cp_held {
	struct {
		pid_t pid; /* 0: not asked of this one */
		bool found;
		struct cp_channel channel[2];
	} of[CP_HELD_MAX];
	uint64_t processes[512], files[128]; /* to read directories into */
};

/*
 * Number I is to be the ward of *R.  False if it has let go of its stdio, or
 * nobody could say who is on the other side.  Context: host.
 */
bool cp_held_add(struct cp_held *h, size_t i, const struct cp_record *r);

static inline void
cp_held_drop(struct cp_held *h, size_t i)
{
	h->of[i].pid = 0;
}

static inline bool
cp_held_asks(const struct cp_held *h, size_t i)
{
	return h->of[i].pid != 0;
}

/*
 * Goes through all processes but us, and sets `found` of those of the N whose
 * host ends somebody else has, or may have: unknown means alive.  What takes
 * longer than until DEADLINE is unknown.  Context: host.
 */
void cp_held_look(struct cp_held *h, size_t n, int64_t deadline);

#endif
