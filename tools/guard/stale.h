/* SPDX-License-Identifier: MIT */
/*
 * Which children of one command are too many: a pure function.  The surplus
 * over `keep` goes, longest idle first; never the newest, and nobody who was
 * not idle for `idle`.  Context: any.
 */
#ifndef CP_STALE_H
#define CP_STALE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cp_ward;

struct cp_candidate {
	struct cp_ward *ward;
	uint32_t host;	  /* which host; with KEY it makes the group */
	uint32_t serial;  /* a higher one was told of later */
	uint64_t key;	  /* see key.h */
	uint64_t rank_ms; /* a higher one is newer */
	uint64_t idle_ms; /* how long it has been idle */
	bool eligible;	  /* known to be idle, and not spared */
	bool retire;	  /* the answer */
};

/* Sorts V by group. */
void cp_stale_sort(struct cp_candidate *v, size_t n);

/* How many at the start of V, sorted, are one group. */
size_t cp_stale_group(const struct cp_candidate *v, size_t n);

/*
 * Of one group of N living ones: sets RETIRE, and returns how many it set.
 * The order of V is changed.
 */
size_t cp_stale_choose(struct cp_candidate *v, size_t n, uint32_t keep,
    uint64_t idle_ms);

#endif
