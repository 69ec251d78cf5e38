/* SPDX-License-Identifier: MIT */
/*
 * Asking the kernel whether pipes have readers and writers, and sockets peers.
 * It comes after the walk over /proc, so that a NO can't be outdated by what
 * the walk saw.  Keeps no descriptor open.  Context: guard, cli.
 */
#include <sys/stat.h>
#include <sys/vfs.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../shim/common/procfs.h"
#include "../../shim/common/raw.h"
#include "sockdiag.h"
#include "truth.h"

#define PIPEFS 0x50495045 /* PIPEFS_MAGIC of <linux/magic.h> */

static struct cp_truth *
truth_of(struct cp_census *c, uint8_t kind, uint64_t ino)
{
	return (struct cp_truth *)(uintptr_t)cp_census_truth(c,
	    (enum cp_kind)kind, ino);
}

/* Where ends are found and named while pipes are asked; -1: not yet. */
struct asking {
	struct cp_census *c;
	int proc; /* /proc */
	int own;  /* our own descriptors in there */
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
	static dev_t pipes; /* the one device that they all are on, 0 unknown */
	struct statfs fs;
	struct stat st;

	if (cp_raw_fstat(held, &st) == -1 || st.st_ino != ino)
		return false;
	if (pipes != 0 && st.st_dev == pipes)
		return true;
	if (fstatfs(held, &fs) == -1 || fs.f_type != PIPEFS)
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
	len = cp_procfs_decimal(path, (uint64_t)a->c->procs[e->proc].pid);
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

	p.fd = open_anew(a, e, reader ? O_RDONLY : O_WRONLY);
	if (p.fd == -1)
		return answer;
	if (poll(&p, 1, 0) != -1)
		answer = p.revents & (reader ? POLLHUP : POLLERR) ? CP_OPEN_NO :
								    CP_OPEN_YES;
	cp_raw_close(p.fd);
	return answer;
}

static void
note_seen(struct cp_census *c)
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
	}
}

/* A holder may be gone by now: the next one is asked then. */
static void
ask_pipes(struct asking *a)
{
	for (size_t i = 0; i < a->c->n_ends; i++) {
		const struct cp_end *e = &a->c->ends[i];
		struct cp_truth *t;

		if (e->kind != CP_KIND_PIPE)
			continue;
		t = truth_of(a->c, e->kind, e->ino);
		if (t->writers == CP_OPEN_UNKNOWN)
			t->writers = (uint8_t)other_side(a, e);
		else if (t->readers == CP_OPEN_UNKNOWN)
			t->readers = (uint8_t)other_side(a, e);
	}
}

static void
fill_pipes(struct cp_census *c)
{
	struct asking a = { c, -1, -1 };

	note_seen(c);
	ask_pipes(&a);
	if (a.own != -1)
		cp_raw_close(a.own);
	if (a.proc != -1)
		cp_raw_close(a.proc);
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
	fill_pipes(c);
	/* What was told before a failure still holds; the rest is unknown. */
	if (sockets)
		(void)cp_sockdiag_unix(tell_peer, c);
	return 0;
}
