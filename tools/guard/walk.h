/* SPDX-License-Identifier: MIT */
/*
 * The census's look at one process after the other.  Several walks may be
 * under way at a time, each in a thread of its own: they share nothing that
 * changes.  Context: guard, cli.
 */
#ifndef CP_WALK_H
#define CP_WALK_H

#include "../../shim/common/procfs.h"
#include "census.h"

struct cp_walk {
	const struct cp_interest *wanted; /* sorted */
	size_t n_wanted;
	bool ptys;  /* some of them are */
	int proc;   /* /proc */
	pid_t self; /* we, as that names us; 0 unknown */
	struct cp_census found;
	size_t procs_size;
	size_t ends_size;
	bool failed;	    /* for want of memory */
	uint64_t fds[4096]; /* for getdents64(2) of a PID/fd */
};

/* Adds process PID and its ends to what was found, if it is there. */
void cp_walk_visit(struct cp_walk *w, pid_t pid);

/* A new process, all zero, at the end; NULL with ENOMEM. */
struct cp_proc *cp_walk_add(struct cp_walk *w);

/* An end of the last process; DEV as in cp_end.  0, or -1 with ENOMEM. */
int cp_walk_add_end(struct cp_walk *w, int fd, const struct cp_end_id *id,
    uint32_t dev);

/* Adds what FROM has found, and empties that.  0, or -1 with ENOMEM. */
int cp_walk_take(struct cp_walk *w, struct cp_walk *from);

#endif
