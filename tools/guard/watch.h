/* SPDX-License-Identifier: MIT */
/*
 * What wakes the guard: one epoll over pidfds, its socket, signals and one
 * timer.  Nothing else does; with nothing pending it sleeps.
 */
#ifndef CP_WATCH_H
#define CP_WATCH_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

enum cp_tag {
	CP_TAG_SOCKET = 0,
	CP_TAG_TIMER,
	CP_TAG_SIGNAL,
	CP_TAG_SENTINEL,
	CP_TAG_CLOSES,
	CP_TAG_HOST,	/* a pidfd of facts' host `index` */
	CP_TAG_WARD,	/* a pidfd of facts' ward `index`, or of a member */
	CP_TAG_NEWBORN, /* the pidfd of a child that waits, see newborn.h */
};

struct cp_event {
	enum cp_tag tag;
	uint32_t index; /* below 2^24 */
	uint32_t serial;
};

/* Opens epoll and the timer.  Returns 0 or -1 with errno. */
int cp_watch_init(void);

/*
 * Watches FD until it is closed, or as another from now on; a pidfd is told of
 * once.  Returns 0 or -1 with errno.
 */
int cp_watch_add(int fd, enum cp_tag tag, uint32_t index, uint32_t serial);

/*
 * Waits for MS at most, -1: without a limit.  Returns the number of events, 0
 * after that time or EINTR, or -1 with errno.
 */
int cp_watch_wait(struct cp_event *events, int max, int ms);

/* Sets the timer to AT_MS (CLOCK_MONOTONIC), 0: off. */
void cp_watch_timer(uint64_t at_ms);

/* Milliseconds of CLOCK_MONOTONIC: it stands still while suspended. */
uint64_t cp_watch_now(void);

/*
 * A pidfd of the process PID that began at START.  Returns it, or -1 with
 * errno: ESRCH if it has ended or the PID is another's by now.
 */
int cp_watch_pidfd(pid_t pid, uint64_t start);

/*
 * May FD, of a host or else of a ward, stay open, so that enough descriptors
 * are left to look at /proc?
 */
bool cp_watch_may_keep(int fd, enum cp_tag tag);

/*
 * Watches PIDFD, which may be -1, as cp_watch_add() does.  Returns it, or
 * closes it and returns -1 with errno: ESRCH if the process has ended, EMFILE
 * if it may not stay open.
 */
int cp_watch_keep(int pidfd, enum cp_tag tag, uint32_t index, uint32_t serial);

/* The parent of the process PID, of which PIDFD is; 0: nobody can tell. */
pid_t cp_watch_parent(int pidfd, pid_t pid);

/* Has the process of this pidfd ended? */
bool cp_watch_ended(int pidfd);

#endif
