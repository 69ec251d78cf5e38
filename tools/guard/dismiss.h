/* SPDX-License-Identifier: MIT */
/*
 * How it ends with a ward: it is told, counted and forgotten.  Context: guard.
 */
#ifndef CP_DISMISS_H
#define CP_DISMISS_H

#include "facts.h"

/*
 * EVENT, which ends it, goes to the journal with REASON (or NULL), unless it
 * is no news; and it is counted.  The record stays.
 */
void cp_dismiss_tell(struct cp_ward *ward, const char *event,
    const char *reason);

/* The same; its record is gone afterwards. */
void cp_dismiss(struct cp_ward *ward, const char *event, const char *reason);

#endif
