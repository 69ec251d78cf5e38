/* SPDX-License-Identifier: MIT */
/* The wards of this host. */
#ifndef CP_WARD_H
#define CP_WARD_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "slot.h"

struct cp_stat;

/*
 * Adds a child of this process, or forgets it if its record says UNDO.
 * Context: host.
 */
void cp_ward_add(const struct cp_record *record);

/*
 * Calls VISIT for each ward, the dead ones that nobody has swept included;
 * false from it ends the walk.  Context: host, the cloak's handler included.
 */
void cp_ward_each(bool (*visit)(const struct cp_record *, void *), void *arg);

/*
 * Is the ward dead, and nobody left on the other side of those of its channels
 * that we still have?  Context: any.
 */
bool cp_ward_is_over(const struct cp_record *r);

/* Is the process that *ST is of, with the PID of *R, that ward?  any. */
bool cp_ward_is(const struct cp_record *r, const struct cp_stat *st);

/* How many there are, the dead ones included that were not seen yet.  any. */
unsigned cp_ward_count(void);

/*
 * A fork child has none of them.  To be called before daemon(3), for the heir:
 * makes a copy that is not wiped; and if nothing came of it.  Context: host.
 */
void cp_ward_save(void);
void cp_ward_forget_saved(void);

/* We go on in their host's place: what was saved is ours.  Context: host. */
void cp_ward_inherit(void);
/* Did we, so that some are children of who we were?  Context: any. */
bool cp_ward_inherited(void);

#endif
