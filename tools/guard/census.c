/* SPDX-License-Identifier: MIT */
/*
 * One walk over /proc.  It is listed bit by bit, and a bit looked at before
 * the next is listed: of what is born meanwhile most is seen.
 * Context: guard, cli.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../shim/common/procfs.h"
#include "../../shim/common/raw.h"
#include "crew.h"
#include "interest.h"
#include "truth.h"
#include "walk.h"

#define BATCH 1024 /* processes */
#define LEAST 64   /* of them are worth a thread */

struct taking {
	struct cp_walk walks[CP_CREW_MAX]; /* the first has all in the end */
	pid_t batch[BATCH];
	size_t n;
	uint64_t names[4096]; /* for getdents64(2) of /proc */
};

static void
visit(void *arg, size_t part, size_t from, size_t to)
{
	struct taking *t = arg;

	for (size_t i = from; i < to; i++)
		cp_walk_visit(&t->walks[part], t->batch[i]);
}

/* Returns 0 also if some are gone or can't be told, -1 with ENOMEM. */
static int
visit_batch(struct taking *t)
{
	cp_crew_run(t->n, LEAST, visit, t);
	t->n = 0;
	for (size_t i = 1; i < CP_CREW_MAX; i++)
		if (cp_walk_take(&t->walks[0], &t->walks[i]) == -1)
			return -1;
	errno = ENOMEM;
	return t->walks[0].failed ? -1 : 0;
}

/* Returns 0, or -1 with ENOMEM; what can't be listed is not complete. */
static int
visit_all(struct taking *t, int proc)
{
	struct cp_dir dir;
	pid_t pid, last = 0;

	cp_procfs_dir(&dir, proc, t->names, sizeof(t->names));
	while ((pid = cp_procfs_next(&dir, NULL)) != -1) {
		/* The kernel lists them in order; the search relies on it. */
		if (pid <= last) {
			t->walks[0].found.complete = false;
			continue;
		}
		last = pid;
		t->batch[t->n++] = pid;
		if (t->n == BATCH && visit_batch(t) == -1)
			return -1;
	}
	if (errno != 0)
		t->walks[0].found.complete = false;
	return visit_batch(t);
}

/* Not getpid(2): this /proc may be another PID namespace's. */
static pid_t
self_in(int proc)
{
	char text[CP_DECIMAL_SIZE];
	const char *p = text;
	ssize_t len = readlinkat(proc, "self", text, sizeof(text));
	uint64_t pid;

	return len > 0 && cp_procfs_number(&p, text + len, &pid) ? (pid_t)pid :
								   0;
}

static int
walk(struct taking *t, const struct cp_interest *wanted, size_t n)
{
	bool ptys = false;
	int proc, result;
	pid_t self;

	proc = cp_raw_openat(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY);
	if (proc == -1)
		return -1;
	self = self_in(proc);
	for (size_t i = 0; i < n; i++)
		ptys |= wanted[i].kind == CP_KIND_PTY;
	for (size_t i = 0; i < CP_CREW_MAX; i++) {
		struct cp_walk *w = &t->walks[i];

		w->wanted = wanted;
		w->n_wanted = n;
		w->ptys = ptys;
		w->proc = proc;
		w->self = self;
		w->found.complete = true;
	}
	result = visit_all(t, proc);
	cp_raw_close(proc);
	return result;
}

int
cp_census_take(const struct cp_interest *interest, size_t n,
    struct cp_census *c)
{
	struct cp_interest *sorted;
	struct taking *t;
	int result = -1, saved;

	memset(c, 0, sizeof(*c));
	t = calloc(1, sizeof(*t));
	sorted = cp_interest_sort(interest, &n);
	if (t != NULL && sorted != NULL)
		result = walk(t, sorted, n);
	if (t != NULL)
		*c = t->walks[0].found;
	if (result == 0)
		result = cp_truth_fill(c, sorted, n);
	saved = errno;
	for (size_t i = 1; t != NULL && i < CP_CREW_MAX; i++)
		cp_census_free(&t->walks[i].found);
	free(sorted);
	free(t);
	if (result == -1)
		cp_census_free(c);
	errno = saved;
	return result;
}
