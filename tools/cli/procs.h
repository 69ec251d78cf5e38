/* SPDX-License-Identifier: MIT */
/* All processes with what they use: one walk over /proc.  Context: cli. */
#ifndef CP_PROCS_H
#define CP_PROCS_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cp_used {
	pid_t pid;
	pid_t ppid;
	char state;
	uint64_t start; /* clock ticks since boot */
	uint64_t ticks; /* of processor time, user and system */
	uint64_t rss;	/* bytes */
	uint32_t seen;	/* by which walk, for cp_procs_add */
};

struct cp_procs {
	struct cp_used *at; /* sorted by pid */
	size_t n;
	uint32_t *by_parent;
	uint32_t walk;
};

/* Returns 0, or -1 with errno; to be freed with cp_procs_free. */
int cp_procs_read(struct cp_procs *p);
void cp_procs_free(struct cp_procs *p);

/* Process PID if it began at START; NULL if not. */
struct cp_used *cp_procs_find(const struct cp_procs *p, pid_t pid,
    uint64_t start);

struct cp_sum_used {
	uint64_t rss;
	uint64_t ticks;
	size_t n;
};

/* Starts a sum; what is added twice counts once. */
void cp_procs_begin(struct cp_procs *p);

/* Adds U and all that descend from it to *SUM. */
void cp_procs_add(struct cp_procs *p, struct cp_used *u,
    struct cp_sum_used *sum);

/*
 * The arguments of PID, joined by spaces, fit to be shown; its kernel name in
 * brackets if it has none, or NAME if it is gone.  To be freed; NULL: ENOMEM.
 */
char *cp_procs_command(pid_t pid, const char *name);

#endif
