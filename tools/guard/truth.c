/* SPDX-License-Identifier: MIT */
/*
 * Asking the kernel whether pipes have readers and writers, and sockets peers.
 * It comes after the walk over /proc, so that a NO can't be outdated by what
 * the walk saw.  Keeps no descriptor open.  Context: guard, cli.
 */
#include <sys/stat.h>
#include <sys/vfs.h>

#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../shim/common/procfs.h"
#include "../../shim/common/raw.h"
#include "borrow.h"
#include "crew.h"
#include "sockdiag.h"
#include "truth.h"

#define LEAST 512 /* pipes are worth a thread */

static struct cp_truth *
truth_of(struct cp_census *c, uint8_t kind, uint64_t ino)
{
	return (struct cp_truth *)(uintptr_t)cp_census_truth(c,
	    (enum cp_kind)kind, ino);
}

/* Where ends are found and named while pipes are asked; -1: not yet. */
struct asking {
	struct cp_census *c;
	const uint32_t *first; /* by truth: an end of it, counted from 1 */
	int proc;	       /* /proc */
	int own;	       /* our own descriptors in there */
};

/* Without /proc all that was not seen stays unknown. */
static bool
open_proc(struct asking *a)
{
	if (a->proc == -1)
		a->proc = cp_raw_openat(AT_FDCWD, "/proc",
		    O_PATH | O_DIRECTORY);
	if (a->proc != -1 && a->own == -1)
		a->own = cp_raw_openat(a->proc, "self/fd",
		    O_PATH | O_DIRECTORY);
	return a->own != -1;
}

/* Is HELD the nameless pipe INO? */
static bool
is_pipe(int held, uint64_t ino)
{
	static _Atomic dev_t pipes; /* all are on one device; 0 unknown */
	struct statfs fs;
	struct stat st;

	if (cp_raw_fstat(held, &st) == -1 || st.st_ino != ino)
		return false;
	if (pipes != 0 && st.st_dev == pipes)
		return true;
	if (fstatfs(held, &fs) == -1 || fs.f_type != PIPEFS_MAGIC)
		return false;
	pipes = st.st_dev;
	return true;
}

/*
 * Opens the pipe end E of a process anew.  The number may stand for another
 * file by now, and opening some files does something.  So first take hold of
 * the inode (O_PATH does not open it), and open it if it is the right one.
 */
static int
open_anew(struct asking *a, const struct cp_end *e, int mode)
{
	char path[CP_PATH_SIZE];
	size_t len;
	int held, anew = -1;

	if (!open_proc(a))
		return -1;
	len = cp_procfs_decimal(path, (uint64_t)a->c->procs[e->proc].shown);
	memcpy(path + len, "/fd/", 4);
	cp_procfs_decimal(path + len + 4, (uint64_t)e->fd);
	held = cp_raw_openat(a->proc, path, O_PATH);
	if (held == -1)
		return -1;
	if (is_pipe(held, e->ino)) {
		cp_procfs_decimal(path, (uint64_t)held);
		anew = cp_raw_openat(a->own, path,
		    mode | O_NONBLOCK | O_NOCTTY);
	}
	cp_raw_close(held);
	return anew;
}

/* The end E of a process as it has it.  The number may stand for another. */
static int
borrow(const struct asking *a, const struct cp_end *e)
{
	int copy = cp_borrow_from(a->c->procs[e->proc].pid, e->fd);

	if (copy != -1 && !is_pipe(copy, e->ino)) {
		cp_raw_close(copy);
		copy = -1;
	}
	return copy;
}

/*
 * Whether anybody has the other side of a pipe, asked through end E of a
 * process.  A pipe, unlike a FIFO, says POLLHUP to a newly opened reader too.
 */
static enum cp_open
other_side(struct asking *a, const struct cp_end *e)
{
	bool reader = (e->access & CP_READ) != 0;
	struct pollfd p = { .events = 0 };
	enum cp_open answer = CP_OPEN_UNKNOWN;

	p.fd = borrow(a, e);
	if (p.fd == -1)
		p.fd = open_anew(a, e, reader ? O_RDONLY : O_WRONLY);
	if (p.fd == -1)
		return answer;
	/* At that number there may be one by now that is not open (O_PATH). */
	if (poll(&p, 1, 0) != -1 && (p.revents & POLLNVAL) == 0)
		answer = p.revents & (reader ? POLLHUP : POLLERR) ? CP_OPEN_NO :
								    CP_OPEN_YES;
	cp_raw_close(p.fd);
	return answer;
}

static void
note_seen(struct cp_census *c, uint32_t *first)
{
	for (size_t i = 0; i < c->n_ends; i++) {
		const struct cp_end *e = &c->ends[i];
		struct cp_truth *t;

		if (e->kind != CP_KIND_PIPE)
			continue;
		t = truth_of(c, e->kind, e->ino);
		if (e->access & CP_READ)
			t->readers = CP_OPEN_YES;
		if (e->access & CP_WRITE)
			t->writers = CP_OPEN_YES;
		if (first[t - c->truths] == 0)
			first[t - c->truths] = (uint32_t)i + 1;
	}
}

/* Asks what E can tell of the pipe T, if that is not known. */
static void
ask(struct asking *a, const struct cp_end *e, struct cp_truth *t)
{
	if (t->writers == CP_OPEN_UNKNOWN)
		t->writers = (uint8_t)other_side(a, e);
	else if (t->readers == CP_OPEN_UNKNOWN)
		t->readers = (uint8_t)other_side(a, e);
}

static void
ask_first(void *arg, size_t part, size_t from, size_t to)
{
	struct asking *a = (struct asking *)arg + part;

	for (size_t i = from; i < to; i++)
		if (a->first[i] != 0)
			ask(a, &a->c->ends[a->first[i] - 1], &a->c->truths[i]);
}

/* A holder may be gone by now: the next one is asked then. */
static void
ask_others(struct asking *a)
{
	for (size_t i = 0; i < a->c->n_ends; i++) {
		const struct cp_end *e = &a->c->ends[i];

		if (e->kind == CP_KIND_PIPE)
			ask(a, e, truth_of(a->c, e->kind, e->ino));
	}
}

static int
fill_pipes(struct cp_census *c)
{
	struct asking parts[CP_CREW_MAX];
	uint32_t *first = calloc(c->n_truths + 1, sizeof(*first));

	if (first == NULL)
		return -1;
	for (size_t i = 0; i < CP_CREW_MAX; i++)
		parts[i] = (struct asking){ c, first, -1, -1 };
	note_seen(c, first);
	cp_crew_run(c->n_truths, LEAST, ask_first, parts);
	ask_others(&parts[0]);
	for (size_t i = 0; i < CP_CREW_MAX; i++) {
		if (parts[i].own != -1)
			cp_raw_close(parts[i].own);
		if (parts[i].proc != -1)
			cp_raw_close(parts[i].proc);
	}
	free(first);
	return 0;
}

static void
tell_peer(void *arg, uint64_t ino, enum cp_open peer, uint64_t peer_ino)
{
	struct cp_truth *t = truth_of(arg, CP_KIND_UNIX, ino);

	if (t != NULL) {
		t->peer = (uint8_t)peer;
		t->peer_ino = peer_ino;
	}
}

int
cp_truth_fill(struct cp_census *c, const struct cp_interest *interest, size_t n)
{
	bool sockets = false;

	c->truths = calloc(n + 1, sizeof(*c->truths));
	if (c->truths == NULL)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (interest[i].kind != CP_KIND_PIPE &&
		    interest[i].kind != CP_KIND_UNIX)
			continue;
		c->truths[c->n_truths].kind = interest[i].kind;
		c->truths[c->n_truths].ino = interest[i].ino;
		c->n_truths++;
		sockets |= interest[i].kind == CP_KIND_UNIX;
	}
	if (fill_pipes(c) == -1)
		return -1;
	/* What was told before a failure still holds; the rest is unknown. */
	if (sockets)
		(void)cp_sockdiag_unix(tell_peer, c);
	return 0;
}
