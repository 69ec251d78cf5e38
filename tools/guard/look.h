/* SPDX-License-Identifier: MIT */
/*
 * Closer looks that need no census: at a ward that has grown old enough to be
 * worth it, and at the children of a host that spawns in ways the shim can't
 * see.  They read a few files of the processes concerned.
 *
 * Context: guard.
 */
#ifndef CP_LOOK_H
#define CP_LOOK_H

#include "../../shim/common/options.h"
#include "census.h"
#include "facts.h"

/* How old a ward must be for a closer look; most don't live that long. */
#define CP_LOOK_MS 50

/*
 * The first look at WARD, CP_LOOK_MS after it was told of: checks what the
 * teller could not verify, remembers its descendants, and tells the journal.
 * Returns true if a census should settle something; false if not, or if WARD
 * turned out to be none and its record is gone.
 */
bool cp_look_at(struct cp_ward *ward, const struct cp_options *options,
    uint64_t now_ms);

/*
 * No event can be relied on to tell when the host closes its ends of WARD:
 * they can't be watched, or its other children may have inherited them, or it
 * is a link that is to be closed.
 */
bool cp_look_is_swept(const struct cp_ward *ward);

/*
 * When such a ward is looked at next, and 0 if events will tell: after its age
 * once more, which is soon at first, and every 5 s at last.
 */
uint64_t cp_look_next(const struct cp_ward *ward, uint64_t now_ms);

/*
 * Looks for children of HOST that hold channels to it and never registered,
 * and makes them wards; with ALL those without channels too, but not its fork
 * copies.  Returns how many were found.
 */
int cp_look_for_children(struct cp_host *host, bool all, uint64_t now_ms);

/*
 * The pure half: what CHANNEL[2] does the process at index P of the census
 * have to HOST?  Returns whether there is any.
 */
bool cp_look_channels(const struct cp_census *census, const struct cp_proc *p,
    const struct cp_host *host, struct cp_channel channel[2]);

#endif
