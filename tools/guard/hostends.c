/* SPDX-License-Identifier: MIT */
/*
 * The census of a host that tells us nothing: which ends it holds itself is
 * what to look for in the others.  Context: guard, cli.
 */
#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../shim/common/procfs.h"
#include "interest.h"
#include "process.h"
#include "sockdiag.h"

struct set {
	struct cp_interest *all;
	size_t n;
	size_t size;
	struct cp_interest *sockets; /* those of `all`, sorted */
	size_t n_sockets;
	bool failed;
};

static void
add(struct set *s, uint8_t kind, uint64_t ino)
{
	struct cp_interest *p = s->all;

	if (s->n == s->size) {
		size_t size = s->size == 0 ? 64 : s->size * 2;

		p = reallocarray(s->all, size, sizeof(*p));
		if (p == NULL) {
			s->failed = true;
			return;
		}
		s->all = p;
		s->size = size;
	}
	p[s->n++] = (struct cp_interest){ .kind = kind, .ino = ino };
}

static bool
is_own_stdio(const struct cp_end_id stdio[3], const struct cp_end_id *end)
{
	for (int fd = 0; fd < 3; fd++)
		if (stdio[fd].kind == end->kind && stdio[fd].ino == end->ino)
			return true;
	return false;
}

/* The entries come in the order of their numbers: 0 to 2 are met first. */
static int
collect(struct set *s, int fddir)
{
	struct cp_end_id stdio[3] = { { 0 } }, end;
	uint64_t buf[1024];
	struct cp_dir dir;
	const char *name;
	int fd;

	cp_procfs_dir(&dir, fddir, buf, sizeof(buf));
	while ((fd = cp_procfs_next(&dir, &name)) != -1 && !s->failed) {
		if (cp_procfs_end_at(fddir, name, &end) == -1) {
			if (errno != ENOENT && errno != ENODATA)
				return -1;
			continue;
		}
		if (fd < 3)
			stdio[fd] = end;
		else if (end.kind == CP_KIND_PTMX)
			add(s, CP_KIND_PTY, end.ino);
		else if ((end.kind == CP_KIND_PIPE ||
			     end.kind == CP_KIND_UNIX) &&
		    !is_own_stdio(stdio, &end))
			add(s, end.kind, end.ino);
	}
	if (s->failed)
		errno = ENOMEM;
	return s->failed || errno != 0 ? -1 : 0;
}

static int
collect_at(struct set *s, const struct cp_place *at)
{
	errno = at->error;
	return at->error == 0 ? collect(s, at->dir) : -1;
}

/* Where only the main thread has ended, from another. */
static int
collect_from(struct set *s, const struct cp_place *at)
{
	struct cp_place task;
	struct cp_proc unused;
	struct cp_stat st;
	int result;

	if (cp_place_stat(at, &st) == -1)
		return -1;
	if (!cp_process_is_dead(&st))
		return collect_at(s, at);
	if (cp_process_task(at, &st, &unused, &task) == -1)
		return -1;
	result = collect_at(s, &task);
	cp_place_close(&task);
	return result;
}

static int
collect_of(pid_t host, struct set *s)
{
	char path[CP_PATH_SIZE];
	struct cp_place at;
	int result;

	if (cp_procfs_path(path, sizeof(path), host, "") == 0 ||
	    cp_place_open(AT_FDCWD, path, &at) == -1)
		return -1;
	result = collect_from(s, &at);
	cp_place_close(&at);
	return result;
}

static void
add_peer(void *arg, uint64_t ino, enum cp_open peer, uint64_t peer_ino)
{
	struct set *s = arg;

	if (peer == CP_OPEN_YES &&
	    cp_interest_has(s->sockets, s->n_sockets, CP_KIND_UNIX, ino))
		add(s, CP_KIND_UNIX, peer_ino);
}

/* Without sock_diag the peers stay unknown, and their holders unseen. */
static int
add_peers(struct set *s)
{
	s->n_sockets = s->n;
	s->sockets = cp_interest_sort(s->all, &s->n_sockets);
	if (s->sockets == NULL)
		return -1;
	if (s->n_sockets > 0 &&
	    s->sockets[s->n_sockets - 1].kind >= CP_KIND_UNIX)
		(void)cp_sockdiag_unix(add_peer, s);
	free(s->sockets);
	if (s->failed)
		errno = ENOMEM;
	return s->failed ? -1 : 0;
}

int
cp_census_of_host(pid_t host, struct cp_census *c)
{
	struct set s = { 0 };
	int result, saved;

	memset(c, 0, sizeof(*c));
	result = collect_of(host, &s);
	if (result == 0)
		result = add_peers(&s);
	if (result == 0)
		result = cp_census_take(s.all, s.n, c);
	saved = errno;
	free(s.all);
	errno = saved;
	return result;
}
