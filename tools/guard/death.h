/* SPDX-License-Identifier: MIT */
/*
 * How a host dies: first it closes all that it has, which says nothing, then
 * it is gone, and then those of its wards that obey EOF go too.  A look at
 * what is left had better wait for them, but not for ever.  Context: guard.
 */
#ifndef CP_DEATH_H
#define CP_DEATH_H

#include "facts.h"

/* Wards that obey EOF need about this long to be gone. */
#define CP_DEATH_SETTLE_MS 20

/* After a close it is asked for so long whether the host is dying. */
#define CP_DYING_MS 100

/*
 * Is the host about to end?  Its end is told of in a moment then.  /proc is
 * asked once a ms.
 */
bool cp_death_is_near(struct cp_host *host, uint64_t now_ms);

/*
 * The host has died: its wards are looked at after their settling time; if
 * AT_ONCE, after the least.
 */
void cp_death_of_host(struct cp_host *host, uint64_t now_ms, bool at_once);

/* So has this ward: others of its dead host's may be about to. */
void cp_death_of_ward(const struct cp_ward *ward, uint64_t now_ms);

/*
 * Is WARD's host dying, or are its wards still at it?  Then WARD is due when
 * that is over.
 */
bool cp_death_is_awaited(struct cp_ward *ward, uint64_t now_ms);

#endif
