/* SPDX-License-Identifier: MIT */
/* Sets of channel ends, for the census.  Context: guard, cli. */
#ifndef CP_INTEREST_H
#define CP_INTEREST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "census.h"

/*
 * A sorted copy without duplicates, to be freed; *N is adjusted.  NULL with
 * ENOMEM.
 */
struct cp_interest *cp_interest_sort(const struct cp_interest *set, size_t *n);

/* Whether the sorted SET has it. */
bool cp_interest_has(const struct cp_interest *set, size_t n, uint8_t kind,
    uint64_t ino);

#endif
