/* SPDX-License-Identifier: MIT */
/*
 * Children that hold descriptors for the census to find, for the tests of the
 * census.  They live until the test closes the gate, or dies.
 */
#ifndef CP_HOLDERS_H
#define CP_HOLDERS_H

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "../../tools/guard/census.h"

#define MAX_FD 64

static int gate[2];

static inline void
open_gate(void)
{
	cr_assert_eq(pipe(gate), 0);
}

static inline void
close_gate(void)
{
	close(gate[1]);
	while (wait(NULL) > 0)
		;
}

/* In a child: drops every descriptor from 3 on that is not in KEEP. */
static inline void
keep_only(const int *keep, size_t n)
{
	for (int fd = 3; fd < MAX_FD; fd++) {
		bool kept = fd == gate[0];

		for (size_t i = 0; i < n; i++)
			kept |= fd == keep[i];
		if (!kept)
			close(fd);
	}
}

static inline void
wait_at_gate(void)
{
	char c;

	_exit(read(gate[0], &c, 1) == 0 ? 0 : 1);
}

/*
 * Forks a child that holds just KEEP, and calls THEN, if any, before it waits
 * at the gate.  When this returns, it is there.
 */
static inline pid_t
holder(const int *keep, size_t n, void (*then)(void))
{
	int ready[2];
	pid_t pid;
	char c;

	cr_assert_eq(pipe(ready), 0);
	pid = fork();
	cr_assert_neq(pid, -1);
	if (pid == 0) {
		dup2(ready[1], MAX_FD);
		keep_only(keep, n);
		if (then != NULL)
			then();
		(void)!write(MAX_FD, "", 1);
		close(MAX_FD);
		wait_at_gate();
	}
	close(ready[1]);
	cr_assert_eq(read(ready[0], &c, 1), 1);
	/* It says so before it closes; the second read tells that it has. */
	cr_assert_eq(read(ready[0], &c, 1), 0);
	close(ready[0]);
	return pid;
}

static inline uint64_t
inode(int fd)
{
	struct stat st;

	cr_assert_eq(fstat(fd, &st), 0);
	return st.st_ino;
}

/* The only end of INO that PID has; NULL if none, a failure if more. */
static inline const struct cp_end *
end_of(const struct cp_census *c, pid_t pid, uint8_t kind, uint64_t ino)
{
	const struct cp_end *found = NULL;

	for (size_t i = 0; i < c->n_ends; i++) {
		const struct cp_end *e = &c->ends[i];

		cr_assert(e->proc < c->n_procs);
		if (c->procs[e->proc].pid != pid || e->kind != kind ||
		    e->ino != ino)
			continue;
		cr_assert_null(found, "seen twice");
		found = e;
	}
	return found;
}

/* Takes a census that must succeed. */
static inline void
take(struct cp_census *c, const struct cp_interest *interest, size_t n)
{
	cr_assert_eq(cp_census_take(interest, n, c), 0);
	cr_assert(c->complete);
}

/* What the kernel is said to tell of one pipe. */
static inline void
expect_pipe(const struct cp_census *c, uint64_t ino, enum cp_open readers,
    enum cp_open writers)
{
	const struct cp_truth *t = cp_census_truth(c, CP_KIND_PIPE, ino);

	cr_assert_not_null(t);
	cr_assert_eq(t->readers, readers, "readers %d", t->readers);
	cr_assert_eq(t->writers, writers, "writers %d", t->writers);
}

#endif
