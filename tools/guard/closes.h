/* SPDX-License-Identifier: MIT */
/*
 * Hearing that a host has closed its end of a channel, by one inotify(7) for
 * all wards.  A close is a hint that a census has to confirm: the end may be
 * open elsewhere.  Facts used (measured on Linux 6.18): the close event of a
 * pipe's or a socket's inode comes when the last descriptor of an open file is
 * gone in all processes, and IN_DELETE in /dev/pts when a pty's master is.
 *
 * No descriptor of ours is an open end: the inode is taken hold of by O_PATH.
 * Context: guard.
 */
#ifndef CP_CLOSES_H
#define CP_CLOSES_H

#include "facts.h"

/* Opens it anew; without inotify nothing can be watched.  To be called once
 * in each guard, after cp_watch_init(). */
void cp_closes_init(void);

/*
 * Watches the host ends of the duplex WARD whose host lives, if that is not
 * done yet.  Sets ward->swept if no event can be relied on; the first such
 * failure is journalled.  Ends that are closed already count as closing now.
 */
void cp_closes_watch(struct cp_ward *ward, uint64_t now_ms);

/* For cp_facts_forget_ward(). */
void cp_closes_unwatch(struct cp_ward *ward);

/* Hears what has closed; wards without a host end left become due. */
void cp_closes_hear(uint64_t now_ms);

#endif
