/* SPDX-License-Identifier: MIT */
/*
 * The respawn brake: a host thread that brings back what was retired (the
 * keepalive thread of a client that nobody uses any more) must not lead to a
 * ping-pong of kill and respawn.  A pure state machine with a bounded table,
 * and no clock but the one passed in.
 *
 * A comeback is a spawn by the thread whose own last ward of that command was
 * retired less than a minute ago.  It takes the rank of the one whose place it
 * takes, so that the last ward that is really new stays the newest.  The third
 * comeback within a minute, while as many as are to be kept live besides, is
 * refused for a time that doubles up to a minute.
 *
 * Context: guard.
 */
#ifndef CP_BRAKE_H
#define CP_BRAKE_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

/* Who spawns what. */
struct cp_spawner {
	uint32_t host; /* index and serial, see facts.h */
	uint32_t host_serial;
	uint32_t thread; /* 0 unknown: as if it were one thread */
	uint64_t key;	 /* see key.h */
};

struct cp_attempt {
	struct cp_spawner by;
	/*
	 * The process that asks for itself, or 0: a search along PATH asks for
	 * each directory, and is one attempt.
	 */
	pid_t pid;
	bool may_refuse;
	uint32_t others; /* how many of the command live besides */
	uint32_t keep;
	uint64_t now_ms;
};

struct cp_braking {
	bool refuse;
	bool began;	  /* a time of refusals has begun */
	uint32_t times;	  /* comebacks within the last minute */
	uint32_t wait_ms; /* began: how long */
	uint64_t rank_ms; /* the rank it takes over, or 0: its own */
};

/* The last ward that BY spawned of its command was retired. */
void cp_brake_retired(const struct cp_spawner *by, uint64_t rank_ms,
    uint64_t now_ms);

struct cp_braking cp_brake_attempt(const struct cp_attempt *a);

/* Forgets everything. */
void cp_brake_reset(void);

#endif
