/* SPDX-License-Identifier: MIT */
/*
 * Enters wards into the facts: those that were told of, after what was said
 * has been checked, and those that a census has found.  Context: guard.
 */
#ifndef CP_ENROLL_H
#define CP_ENROLL_H

#include "facts.h"
#include "trust.h"

/*
 * Registers the ward that X speaks of, or forgets it (CP_WARD_UNDO).  Takes
 * the pidfd out of X if it has a use for it.
 */
void cp_enroll(struct cp_heard *x);

/*
 * The same for a child that was gone, at DIED_MS, before anything was looked
 * at, and on whose channels HOST could not talk any more to whoever was left:
 * all that there is to do is to look once.
 */
void cp_enroll_dead(struct cp_host *host, const struct cp_heard *x,
    uint64_t died_ms);

/*
 * A ward found by census: CHANNEL[2] as for a registration.  NULL if it ended
 * meanwhile or the table is full.
 */
struct cp_ward *cp_enroll_found(struct cp_host *host, pid_t pid, uint64_t start,
    const struct cp_channel channel[2], uint64_t now_ms);

#endif
