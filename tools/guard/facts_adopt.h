/* SPDX-License-Identifier: MIT */
/*
 * What a guard that takes the place of a dead one does with the facts in the
 * shared tables, before anything else of them is called.  Context: guard.
 */
#ifndef CP_FACTS_ADOPT_H
#define CP_FACTS_ADOPT_H

#include "facts.h"

/*
 * Rebuilds what a dead guard has left in the tables: every record is checked
 * against /proc (PID and start ticks), indexed, and given a new pidfd by
 * OPEN_WATCH, which may be called for hosts (ward NULL) and wards.
 */
void cp_facts_adopt(void (*open_watch)(struct cp_host *, struct cp_ward *));

#endif
