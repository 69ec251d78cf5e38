/* SPDX-License-Identifier: MIT */
/*
 * Who is idle, and what follows: wards of a command of which there are more
 * than `keep` are retired, or with `idle` alone reported.  Idle is who, with
 * all that goes with it, has used no CPU time and moved no bytes, and has no
 * request to answer; see usage.h and traffic.h.
 *
 * While neither option is set nothing is looked at.  Otherwise traffic is
 * collected by the kernel, which wakes nobody, and usage is sampled only of
 * wards that may be too many.
 *
 * Context: guard.
 */
#ifndef CP_IDLE_H
#define CP_IDLE_H

#include "../../shim/common/options.h"
#include "facts.h"
#include "journal.h"

/* Room for what cp_idle_numbers() tells. */
#define CP_IDLE_NUMBERS 6

/* OPTIONS must stay; what was known is forgotten. */
void cp_idle_init(const struct cp_options *options);

/* A ward that was told of or found: its bytes count from now on. */
void cp_idle_meet(struct cp_ward *ward, uint64_t now_ms);

/* Samples, if it is time to.  Sets w->retired, and when to look at it. */
void cp_idle_round(uint64_t now_ms);

/* When the next sample is due; 0: nothing is to be sampled. */
uint64_t cp_idle_next(void);

/* Since when WARD is idle; 0: it is not, or nobody looks. */
uint64_t cp_idle_since(const struct cp_ward *ward);

/*
 * After a census has shown who goes with WARD: was all of it idle for as long
 * as the user wants?  If not, its time begins anew.
 */
bool cp_idle_confirmed(struct cp_ward *ward, uint64_t now_ms);

/* The same for a ward that is only reported; once for each idle time. */
void cp_idle_attended(struct cp_ward *ward, uint64_t now_ms);

/* What led to it, ended by a name that is NULL. */
void cp_idle_numbers(const struct cp_ward *ward, uint64_t now_ms,
    struct cp_number out[CP_IDLE_NUMBERS]);

#endif
