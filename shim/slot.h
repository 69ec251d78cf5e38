/* SPDX-License-Identifier: MIT */
/*
 * Records that a child leaves for its host between fork and exec.  They lie in
 * memory that fork and vfork children share with the host, so nothing here
 * points anywhere, and a child that is killed half-way leaves nothing locked.
 */
#ifndef CP_SLOT_H
#define CP_SLOT_H

#include <sys/types.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/channel_id.h"

#define CP_SLOTS 96

struct cp_record {
	int32_t pid;
	uint32_t flags; /* CP_WARD_DUPLEX, CP_WARD_UNDO */
	/*
	 * CLOCK_BOOTTIME in nanoseconds when PID was this child of the host's,
	 * which tells it from whoever bears the PID later.  0: it is no child.
	 */
	uint64_t seen;
	struct cp_channel channel[2];
};

struct cp_slot {
	_Atomic uint64_t state; /* see slot.c */
	struct cp_record record;
};

struct cp_slots {
	_Atomic uint32_t used; /* slots that are not free, about */
	struct cp_slot slot[CP_SLOTS];
};

/* What cp_slot_put() filled; good for cp_slot_take_back(). */
struct cp_ticket {
	int index; /* -1: none */
	uint64_t state;
};

/*
 * Leaves *RECORD.  Returns the ticket, whose index is -1 if all slots are
 * taken: then only the guard knows of the child.  Context: any.
 */
struct cp_ticket cp_slot_put(struct cp_slots *s,
    const struct cp_record *record);

/*
 * Takes the record back; false if the host has it already.  Context: any.
 */
bool cp_slot_take_back(struct cp_slots *s, const struct cp_ticket *ticket);

/* Are there records, or may there be?  Context: any. */
bool cp_slot_any(struct cp_slots *s);

/*
 * Moves one record to *RECORD and frees its slot.  Starts at *CURSOR (first
 * 0) and advances it; false when the end is reached, or none is left.  Slots
 * whose filler died half-way are freed as well.  Context: any.
 */
bool cp_slot_next(struct cp_slots *s, int *cursor, struct cp_record *record);

/* The same, but the record stays: it is the host's to take.  Context: any. */
bool cp_slot_peek(struct cp_slots *s, int *cursor, struct cp_record *record);

#endif
