/* SPDX-License-Identifier: MIT */
/*
 * Since when nothing has changed in what a few processes have used: pure, but
 * for memory.  Context: guard.
 */
#ifndef CP_BASELINE_H
#define CP_BASELINE_H

#include "usage.h"

struct cp_sample {
	pid_t pid;
	uint64_t start;
	struct cp_usage usage;
};

/* All zero to begin with. */
struct cp_baseline {
	struct cp_sample *v; /* sorted by pid */
	size_t n;
	size_t room;
	uint64_t since_ms; /* unchanged since then; 0: no sample yet */
};

/*
 * Holds N samples (sorted here) against those of last time.  Any process that
 * is new, has gone, or has used or is using something starts the time anew.
 * Returns whether nothing has changed.
 */
bool cp_baseline_feed(struct cp_baseline *b, struct cp_sample *v, size_t n,
    uint64_t now_ms);

/* It was busy just now, or can't be told: the next sample begins anew. */
void cp_baseline_void(struct cp_baseline *b);

void cp_baseline_free(struct cp_baseline *b);

/* What all have used together. */
struct cp_usage cp_baseline_sum(const struct cp_baseline *b);

#endif
