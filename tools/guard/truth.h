/* SPDX-License-Identifier: MIT */
/* The last step of a census: what the kernel says of the ends; see census.h. */
#ifndef CP_TRUTH_H
#define CP_TRUTH_H

#include "census.h"

/*
 * Fills C->truths, allocated here, for the PIPE and UNIX entries of INTEREST
 * (N entries, sorted, no duplicates).  Returns 0, or -1 with ENOMEM.
 */
int cp_truth_fill(struct cp_census *c, const struct cp_interest *interest,
    size_t n);

#endif
