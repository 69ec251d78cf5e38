/* SPDX-License-Identifier: MIT */
/*
 * The guard's pace.  In a storm of spawns or deaths it looks up now and then
 * only.  More often would be context switches, for whoever spawns as well: to
 * tell a guard that is awake, or asleep on a timer, is cheaper than to wake it.
 * Context: guard.
 */
#ifndef CP_PACE_H
#define CP_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "watch.h"

/* Do these N events follow the last ones as fast, and can the next wait? */
bool cp_pace_is_storm(const struct cp_event *events, int n, uint64_t now_ms);

/*
 * Sleeps as long as it takes to fill half the socket's QUEUE, of which MESSAGES
 * were there; where nobody speaks, but dies or closes, longer each time.  1 ms
 * at most while HOSTS_LIVE: what a child that dies meanwhile has left is not
 * heard so long.  4 ms when there are only their wards, of which each has its
 * own death to attend to, and wants a processor for it.
 */
void cp_pace_rest(int messages, int queue, bool hosts_live);

#endif
