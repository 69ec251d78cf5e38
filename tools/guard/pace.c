/* SPDX-License-Identifier: MIT */
/* See pace.h. */
#include <time.h>

#include "pace.h"

#define LEAST_US 500
#define MOST_US	 1000
#define LAST_US	 4000 /* when all hosts are dead, and only their wards die */
#define STORM_MS 2    /* news that follow each other as fast */

static uint64_t rested;		 /* when the last rest was over */
static long wordless = LEAST_US; /* the next one while nobody speaks */

bool
cp_pace_is_storm(const struct cp_event *events, int n, uint64_t now_ms)
{
	bool before = now_ms - rested <= STORM_MS, any = false;

	for (int i = 0; i < n; i++) {
		if (events[i].tag == CP_TAG_SIGNAL ||
		    events[i].tag == CP_TAG_SENTINEL)
			return false;
		any = any || events[i].tag != CP_TAG_TIMER;
	}
	if (any && !before)
		wordless = LEAST_US;
	if (any)
		rested = now_ms;
	return any && before;
}

void
cp_pace_rest(int messages, int queue, bool hosts_live)
{
	static long us = LEAST_US;
	long *which = messages > 0 ? &us : &wordless;
	long most = hosts_live ? MOST_US : LAST_US;
	struct timespec pause = { 0, 0 };

	if (messages > 0)
		us = us * queue / 2 / messages;
	if (*which < LEAST_US)
		*which = LEAST_US;
	if (*which > most)
		*which = most;
	pause.tv_nsec = *which * 1000;
	if (messages == 0)
		wordless *= 2;
	(void)nanosleep(&pause, NULL);
	rested = cp_watch_now();
}
