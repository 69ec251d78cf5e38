/* SPDX-License-Identifier: MIT */
/* The channels made in this process. */
#ifndef CP_CHANNEL_H
#define CP_CHANNEL_H

#include <sys/types.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/channel_id.h"
#include "common/procfs.h"

#define CP_CHANNELS 4096 /* at most; a power of two */

/*
 * A channel as it was made: its two ends, with the descriptors they had.
 * PIPE: end 0 is read, end 1 written, ino[0] == ino[1].  PTY: end 0 is the
 * master, end 1 the slave, ino is the number.  -1: no descriptor known.
 */
struct cp_made {
	uint8_t kind; /* PIPE, UNIX or PTY */
	bool cloexec; /* as created */
	int32_t fd[2];
	uint64_t ino[2];
};

/* The table, see channel.c.  Zeros: an empty one. */
struct cp_channels {
	_Atomic uint64_t tickets;
	_Atomic uint64_t review;  /* where cp_channel_review() goes on */
	_Atomic int32_t shedding; /* entries with a SHED mark, about */
	_Atomic uint32_t doubled; /* how often; it only grows */
	struct cp_entry {
		_Atomic uint64_t state;
		struct cp_made made;
	} entry[CP_CHANNELS];
};

/*
 * What one process remembers, for another that nobody sees yet: TO is empty.
 * Context: host.
 */
void cp_channel_copy(struct cp_channels *to, const struct cp_channels *from);

/* Remembers a channel; the oldest one is forgotten.  Context: host. */
void cp_channel_add(const struct cp_made *made);

/* So that those of so many wards are remembered, at least.  Context: host. */
void cp_channel_room(unsigned wards);

/* Looks at the two descriptors and remembers the channel.  Context: host. */
void cp_channel_add_fds(int kind, const int fd[2], bool cloexec);

/* Was any made here?  Context: any. */
bool cp_channel_any(void);

/*
 * The newest channel of which END is an end: returns which one (0 or 1) and
 * fills *MADE, or returns -1.  Context: any.
 */
int cp_channel_find(const struct cp_end_id *end, struct cp_made *made);

/* Which end of *MADE is END?  -1: none, or nobody can tell.  Context: any. */
int cp_channel_end_of(const struct cp_made *made, const struct cp_end_id *end);

/* Is *HOST the end opposite to *CHILD, which is end K of *MADE?  any. */
bool cp_channel_opposite(const struct cp_made *made, int k,
    const struct cp_end_id *host);

/*
 * The channel of which CHILD is the child end belongs to a ward from now on:
 * no other child shall inherit its host end by accident.  Context: host.
 */
void cp_channel_warded(const struct cp_channel *child);

/*
 * The channels made since the last one that a ward has, newest first, at most
 * MAX; returns how many.  Context: host.
 */
int cp_channel_unclaimed(struct cp_made *out, int max);

/*
 * Marks as close-on-exec, in this child, the host ends of other wards that it
 * has inherited by accident.  Context: child.
 */
void cp_channel_shed(void);

/*
 * Forgets some marks of host ends that the host has closed or made
 * close-on-exec itself, so that shedding stays cheap.  Context: host.
 */
void cp_channel_review(void);

#endif
