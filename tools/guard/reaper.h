/* SPDX-License-Identifier: MIT */
/*
 * The reaper: does what the judge found, in steps (see steps.h) that each leave
 * a line in the journal.  Signals go to processes through pidfds whose start
 * ticks were checked, never to groups (see company.h).
 *
 * Context: guard.
 */
#ifndef CP_REAPER_H
#define CP_REAPER_H

#include "judge.h"

/* Deaths come in bursts: one census serves all of this many milliseconds. */
#define CP_SETTLE_MS 5

/*
 * Judges the ward of *C and takes the step that is due.  The ward's record
 * may be gone afterwards.
 */
void cp_reaper_attend(struct cp_ward *ward, const struct cp_case *c);

/* Has WARD, for which there was no descriptor, ended; or is there one now? */
void cp_reaper_watch_again(struct cp_ward *ward, uint64_t now_ms);

/* Some process of WARD has ended: looks which, and when to look closer. */
void cp_reaper_stirred(struct cp_ward *ward, uint64_t now_ms);

#endif
