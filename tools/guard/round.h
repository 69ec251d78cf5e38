/* SPDX-License-Identifier: MIT */
/*
 * One round of the guard: the looks that are due, then one census for all
 * wards that need one, judged and acted on.  Context: guard.
 */
#ifndef CP_ROUND_H
#define CP_ROUND_H

#include <stdbool.h>
#include <stdint.h>

#include "../../shim/common/options.h"

/*
 * Does all that is due at NOW_MS (CLOCK_MONOTONIC); see cp_due().  HURRY:
 * what is proven gets no grace.
 */
void cp_round(const struct cp_options *options, bool hurry, uint64_t now_ms);

/* When the newborn want the next one, or 0: none waits. */
uint64_t cp_round_next(void);

#endif
