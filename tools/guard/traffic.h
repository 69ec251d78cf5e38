/* SPDX-License-Identifier: MIT */
/*
 * Do bytes move on a ward's channels?  An inotify instance that wakes nobody:
 * the kernel collects what happens, and whoever asks drains it first.
 *
 * A byte shows when it is read or written with read(2), write(2) and their
 * kin; send(2) and recv(2) on a socket leave no mark.
 *
 * Context: guard.
 */
#ifndef CP_TRAFFIC_H
#define CP_TRAFFIC_H

#include "facts.h"

/* Who wants to know; each watches and unwatches for itself. */
enum cp_traffic_why {
	CP_TRAFFIC_IDLE = 1,
	CP_TRAFFIC_GONE = 2,
};

struct cp_traffic {
	uint64_t since_ms; /* watched since then */
	uint64_t moved_ms; /* when bytes were last seen to move; 0: not yet */
	/*
	 * When the ward was last seen to read, if it has not written since:
	 * work in flight, it may be.  0:
	 * there is none.  Of a ward that had been exec'd before it was watched
	 * that is not known, so it is the time of the watch to begin with.
	 */
	uint64_t asked_ms;
};

/*
 * Forgets everything.  Nothing is closed: in a guard that took over from
 * another the descriptor's number is somebody else's.
 */
void cp_traffic_reset(void);

/*
 * Watches the channels of WARD from now on.  Returns 0, also if it does
 * already; or -1 if one of them can't be watched: then nothing is known, which
 * means that they may be busy.
 */
int cp_traffic_watch(struct cp_ward *ward, enum cp_traffic_why why,
    uint64_t now_ms);
void cp_traffic_unwatch(const struct cp_ward *ward, enum cp_traffic_why why);

/*
 * The direct child of WARD has ended.  Under a living host whoever goes on
 * with its stdio may begin at once: what moves from now on counts.
 */
void cp_traffic_child_died(struct cp_ward *ward, uint64_t now_ms);

/*
 * Takes in what has happened until NOW_MS, and forgets wards that are no more.
 * MOVED, if it isn't NULL, is called for each ward whose bytes have moved, with
 * whether the last was a request.
 */
void cp_traffic_drain(uint64_t now_ms,
    void (*moved)(struct cp_ward *ward, bool asked));

/* What is known of WARD; NULL if it is not watched. */
const struct cp_traffic *cp_traffic_of(const struct cp_ward *ward);

#endif
