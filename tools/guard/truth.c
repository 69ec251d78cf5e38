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
#include <unistd.h>

#include "../../shim/common/procfs.h"
#include "sockdiag.h"
#include "truth.h"

#define PIPEFS 0x50495045 /* PIPEFS_MAGIC of <linux/magic.h> */

static struct cp_truth *
truth_of(struct cp_census *c, uint8_t kind, uint64_t ino)
{
	return (struct cp_truth *)(uintptr_t)cp_census_truth(c,
	    (enum cp_kind)kind, ino);
}

/*
 * Opens the pipe end FD of process PID anew.  The number may stand for another
 * file by now, and opening some files does something.  So first take hold of
 * the inode (O_PATH does not open it), and open it if it is the right one.
 */
static int
open_anew(pid_t pid, int fd, uint64_t ino, int mode)
{
	char path[CP_PATH_SIZE];
	struct statfs fs;
	struct stat st;
	size_t len;
	int held, anew = -1;

	len = cp_procfs_path(path, sizeof(path), pid, "/fd/");
	if (len == 0)
		return -1;
	cp_procfs_decimal(path + len, (uint64_t)fd);
	held = open(path, O_PATH | O_CLOEXEC);
	if (held == -1)
		return -1;
	if (fstat(held, &st) == 0 && st.st_ino == ino &&
	    fstatfs(held, &fs) == 0 && fs.f_type == PIPEFS) {
		len = cp_procfs_path(path, sizeof(path), getpid(), "/fd/");
		cp_procfs_decimal(path + len, (uint64_t)held);
		anew = open(path, mode | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	}
	close(held);
	return anew;
}

/*
 * Whether anybody has the other side of a pipe, asked through end E of a
 * process.  A pipe, unlike a FIFO, says POLLHUP to a newly opened reader too.
 */
static enum cp_open
other_side(const struct cp_census *c, const struct cp_end *e)
{
	bool reader = (e->access & CP_READ) != 0;
	struct pollfd p = { .events = 0 };
	enum cp_open answer = CP_OPEN_UNKNOWN;

	p.fd = open_anew(c->procs[e->proc].pid, e->fd, e->ino,
	    reader ? O_RDONLY : O_WRONLY);
	if (p.fd == -1)
		return answer;
	if (poll(&p, 1, 0) != -1)
		answer = p.revents & (reader ? POLLHUP : POLLERR) ? CP_OPEN_NO :
								    CP_OPEN_YES;
	close(p.fd);
	return answer;
}

static void
ask_pipes(struct cp_census *c)
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
	/* A holder may be gone by now: ask the next one then. */
	for (size_t i = 0; i < c->n_ends; i++) {
		const struct cp_end *e = &c->ends[i];
		struct cp_truth *t;

		if (e->kind != CP_KIND_PIPE)
			continue;
		t = truth_of(c, e->kind, e->ino);
		if (t->writers == CP_OPEN_UNKNOWN)
			t->writers = (uint8_t)other_side(c, e);
		else if (t->readers == CP_OPEN_UNKNOWN)
			t->readers = (uint8_t)other_side(c, e);
	}
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
	ask_pipes(c);
	/* What was told before a failure still holds; the rest is unknown. */
	if (sockets)
		(void)cp_sockdiag_unix(tell_peer, c);
	return 0;
}
