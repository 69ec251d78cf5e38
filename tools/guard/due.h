/* SPDX-License-Identifier: MIT */
/* When which ward is to be looked at.  Context: guard. */
#ifndef CP_DUE_H
#define CP_DUE_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stdint.h>

#include "facts.h"

TAILQ_HEAD(cp_ripe, cp_ward);

/* Sets the time, ms of cp_watch_now(); 0: it is not looked at any more. */
void cp_due(struct cp_ward *ward, uint64_t due_ms);

/*
 * All whose time is NOW_MS or before, in its order (link: `ripe`).  One whose
 * time is set to a later one leaves the list, one that is set to such a time
 * is appended; everybody else keeps his place.
 */
struct cp_ripe *cp_due_by(uint64_t now_ms);

/* Is it WARD's time?  In a loop over the list an earlier turn may set it. */
bool cp_due_is(const struct cp_ward *ward, uint64_t now_ms);

/* The earliest of all times, 0: there is none. */
uint64_t cp_due_next(void);

/* Forgets all, whose memory is about to be read anew. */
void cp_due_reset(void);

#endif
