/* SPDX-License-Identifier: MIT */
/*
 * Which wards a census is taken for at once, and which wait for the next that
 * serves many.  Context: guard.
 */
#ifndef CP_BATCH_H
#define CP_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "../../shim/common/options.h"
#include "facts.h"

/* Something is proven or about to be: it does not wait for the batch. */
bool cp_batch_is_urgent(const struct cp_ward *ward,
    const struct cp_options *options);

/* When WARD, which is not urgent, is to be looked at. */
uint64_t cp_batch_not_before(const struct cp_ward *ward,
    const struct cp_options *options);

/* When the next batch may be. */
uint64_t cp_batch_floor(void);

/*
 * A census was begun at BEGAN_MS and took so long, by the wall or the
 * processors together, whichever is more; BATCHED: for some who had waited.
 */
void cp_batch_taken(uint64_t began_ms, uint64_t took_ms, bool batched);

#endif
