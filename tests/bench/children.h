/* SPDX-License-Identifier: MIT */
/*
 * The children of the spawning host: three ways to spawn one with both ends
 * of two pipes, and one that makes no channel.
 */
#ifndef CP_BENCH_CHILDREN_H
#define CP_BENCH_CHILDREN_H

#include <sys/types.h>

/* A child and the host ends of its pipes, -1 if it has none. */
struct child {
	pid_t pid;
	int in;	 /* the host writes here */
	int out; /* the host reads here */
};

/*
 * Spawns ARGV.  WAY: "vfork", "fork", "posix_spawn" with pipes on fd 0 and 1,
 * "plain" by vfork with the host's own stdio.  Ends the program if that
 * fails: what was not spawned must not be timed.
 */
void child_spawn(struct child *c, const char *way, char *const argv[]);

/* Is there such a WAY? */
int child_way(const char *way);

/*
 * Waits for the child's first word or its end, as a reader of its output does:
 * the host has both its ends while the child starts.
 */
void child_read(const struct child *c);

/* Closes the host ends and reaps the child. */
void child_end(struct child *c);

#endif
