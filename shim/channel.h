/* SPDX-License-Identifier: MIT */
/* The channels made in this process. */
#ifndef CP_CHANNEL_H
#define CP_CHANNEL_H

#include <stdbool.h>

#include "made.h"

/* Was any made here?  Context: any. */
bool cp_channel_any(void);

/*
 * The newest channel of which END is an end: returns which one (0 or 1) and
 * fills *MADE, or returns -1.  Context: any.
 */
int cp_channel_find(const struct cp_end_id *end, struct cp_made *made);

/*
 * The channel of which CHILD is the child end belongs to a ward from now on:
 * no other child shall inherit its host end by accident.  Context: host.
 */
void cp_channel_warded(const struct cp_channel *child);

/*
 * The channels made since the last one that a ward has, newest first, at most
 * MAX; returns how many.  Context: host.
 */
int cp_channel_unclaimed(struct cp_made *out, int max);

#endif
