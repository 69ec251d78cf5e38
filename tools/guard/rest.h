/* SPDX-License-Identifier: MIT */
/*
 * How long a ward, with all that goes with it, has been at rest: no CPU time
 * used, no bytes moved, and no request to answer.  See usage.h and traffic.h.
 * Context: guard.
 */
#ifndef CP_REST_H
#define CP_REST_H

#include "baseline.h"
#include "facts.h"

/* Of a ward that is sampled. */
struct cp_rest {
	uint32_t index; /* of the ward, with its serial */
	uint32_t serial;
	uint32_t round; /* of the last sample, for cp_rest_sweep() */
	uint32_t live;	/* how many there were of its group when chosen */
	bool wanted;	/* a census is to confirm that it is at rest */
	bool told;	/* the journal knows of this time of rest */
	struct cp_baseline base;
	LIST_ENTRY(cp_rest) link;
};

/* The record of WARD, or NULL. */
struct cp_rest *cp_rest_find(const struct cp_ward *ward);

/* The same, made if there is none yet; NULL: no memory. */
struct cp_rest *cp_rest_of(const struct cp_ward *ward);

/*
 * Samples the ward of R, whose members are known, and returns for how long it
 * has been at rest; 0 if it is not, or can't be told.  What has moved on its
 * channels must have been drained.  THOROUGH: looks at each thread.
 */
uint64_t cp_rest_sample(struct cp_ward *ward, struct cp_rest *r, bool thorough,
    uint64_t now_ms);

/* Since when nothing has changed, if it is at rest. */
uint64_t cp_rest_since(const struct cp_ward *ward, const struct cp_rest *r);

/* Forgets those whose last sample is of another round: they have no past. */
void cp_rest_sweep(uint32_t round);

/* Forgets all. */
void cp_rest_reset(void);

#endif
