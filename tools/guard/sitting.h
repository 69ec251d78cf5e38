/* SPDX-License-Identifier: MIT */
/*
 * One census for all wards that are due; each is judged by it, and what follows
 * is done.  Context: guard.
 */
#ifndef CP_SITTING_H
#define CP_SITTING_H

#include <stdbool.h>
#include <stdint.h>

#include "../../shim/common/options.h"

/*
 * Attends to the wards that are due at NOW_MS.  HURRY: what is proven gets no
 * grace.  BATCHED: some of them have waited for it, see batch.h.
 */
void cp_sitting(const struct cp_options *options, bool hurry, bool batched,
    uint64_t now_ms);

#endif
