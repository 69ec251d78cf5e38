/* SPDX-License-Identifier: MIT */
/*
 * Tells a channel from inherited stdio.  A child that writes into its host's
 * own stdout, or whose stdin a neighbour in a pipeline feeds, is nobody's
 * ward: what counts is that the host holds the *opposite* end.
 *
 * The channel table knows where to look: at one descriptor of the host, which a
 * child has a copy of, or else through /proc.  Owns a note of what the host had
 * for its own stdio.
 */
#include <sys/prctl.h>

#include <fcntl.h>
#include <linux/kcmp.h>
#include <unistd.h>

#include "channel.h"
#include "common/raw.h"
#include "kept.h"
#include "made.h"
#include "owner.h"

#define SCAN_MAX 256 /* descriptors of a host that are looked at */

struct quest {
	pid_t host; /* 0: we are the host ourselves */
	pid_t self; /* 0: our descriptors are his, but for what we did since */
	bool alike; /* whether they are still may be asked (kcmp) */
	bool known; /* the channel is in the table */
	int k;	    /* which end of `made` the child has */
	struct cp_made made;
};

/* The host's own stdin, stdout and stderr, when it became one. */
static struct cp_end_id stdio[3];

void
cp_kept_note(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (cp_procfs_own_end(fd, &stdio[fd]) == -1)
			stdio[fd].kind = CP_KIND_NONE;
}

static bool
is_same(const struct cp_end_id *own, const struct cp_end_id *end)
{
	return own->kind == end->kind && own->ino == end->ino &&
	    own->birth == end->birth &&
	    (own->kind != CP_KIND_PIPE ||
		(own->access & end->access) == end->access);
}

/* As a rule a child that is no ward has what its host had from the start. */
static bool
is_noted(const struct quest *q, const struct cp_end_id *end)
{
	if (q->host != 0 && q->host != cp_owner_host())
		return false;
	for (int fd = 0; fd < 3; fd++)
		if (is_same(&stdio[fd], end))
			return true;
	return false;
}

static int
see(const struct quest *q, int fd, struct cp_end_id *end)
{
	return q->host == 0 ? cp_procfs_own_end(fd, end) :
			      cp_procfs_end(q->host, fd, end);
}

/* The host's own stdin, stdout or stderr, passed on? */
static bool
is_inherited(const struct quest *q, const struct cp_end_id *end)
{
	struct cp_end_id own;

	for (int fd = 0; fd < 3; fd++)
		if (see(q, fd, &own) == 0 && is_same(&own, end))
			return true;
	return false;
}

/*
 * Dying counts: a process loses its memory, then its descriptors, and only
 * then its children.  So does one that we may not look into.
 */
static bool
is_dead(const struct quest *q)
{
	struct cp_stat st;

	return q->host != 0 &&
	    (cp_procfs_stat(q->host, &st) == -1 || st.image == 0 ||
		st.state == 'Z' || st.state == 'X');
}

/* Goes through the host's descriptors; *HOST_FD is where it was found. */
static enum cp_kept
scan(const struct quest *q, int *host_fd)
{
	char path[CP_PATH_SIZE];
	struct cp_end_id end;
	struct cp_dir walk;
	uint64_t buf[256];
	const char *name;
	enum cp_kept kept = CP_KEPT_MAYBE;
	int dir, fd, n = 0;

	if (cp_procfs_path(path, sizeof(path),
		q->host != 0 ? q->host : cp_raw_getpid(), "/fd") == 0)
		return CP_KEPT_NO;
	dir = cp_raw_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
	if (dir == -1)
		return errno == ENOENT || errno == ESRCH ? CP_KEPT_NO :
							   CP_KEPT_MAYBE;
	cp_procfs_dir(&walk, dir, buf, sizeof(buf));
	while (n++ < SCAN_MAX) {
		fd = cp_procfs_next(&walk, &name);
		if (fd == -1) {
			if (errno == 0)
				kept = CP_KEPT_NO;
			break;
		}
		if (cp_procfs_end_at(dir, name, &end) == 0 &&
		    cp_made_opposite(&q->made, q->k, &end)) {
			*host_fd = fd;
			kept = CP_KEPT_YES;
			break;
		}
	}
	cp_raw_close(dir);
	return kept;
}

/* The table does not have it: what the kernel's names alone can tell. */
static void
describe_unknown(struct quest *q, const struct cp_end_id *end)
{
	q->made = (struct cp_made){ .kind = end->kind, .fd = { -1, -1 } };
	q->k = end->kind == CP_KIND_PIPE && end->access == CP_READ ? 0 : 1;
	if (end->kind == CP_KIND_UNIX)
		q->made.ino[q->k] = end->ino;
	else
		q->made.ino[0] = q->made.ino[1] = end->ino;
}

/*
 * kcmp(2) is on the black lists of sandboxes, firejail's for one, and not all
 * of them answer with an error: some kill.  Nobody lacks it: /proc tells too.
 */
bool
cp_kept_sandboxed(void)
{
	return syscall(SYS_prctl, PR_GET_SECCOMP, 0, 0, 0, 0) != 0;
}

bool
cp_kept_same(pid_t pid, int fd, pid_t self, int own)
{
	return syscall(SYS_kcmp, pid, self, KCMP_FILE, fd, own) == 0;
}

/*
 * What we have of his is inherited, and where it is closed on exec we still
 * have it.  Unless he stands still he may have closed it since.
 */
static bool
has_copy(const struct quest *q, int host_fd)
{
	struct cp_end_id host;

	return q->host != 0 && host_fd > 2 &&
	    cp_procfs_own_end(host_fd, &host) == 0 &&
	    cp_made_opposite(&q->made, q->k, &host) &&
	    (q->self == 0 ||
		(q->alike && cp_kept_same(q->host, host_fd, q->self, host_fd)));
}

static enum cp_kept
ask_host(const struct quest *q, const struct cp_end_id *end, int *host_fd)
{
	struct cp_end_id host;

	/* A look at our own descriptors is much cheaper than one at his. */
	if (q->known &&
	    (has_copy(q, *host_fd) ||
		(see(q, *host_fd, &host) == 0 &&
		    cp_made_opposite(&q->made, q->k, &host))))
		return CP_KEPT_YES;
	if (q->known && is_dead(q)) {
		/* Killed since the fork: our own copies are what it had. */
		return cp_procfs_own_end(*host_fd, &host) == 0 &&
			cp_made_opposite(&q->made, q->k, &host) ?
		    CP_KEPT_YES :
		    CP_KEPT_MAYBE;
	}
	if ((!q->known && is_noted(q, end)) || is_inherited(q, end))
		return CP_KEPT_NO;
	/* The peer of such a socket is the guard's to find. */
	if (q->made.ino[1 - q->k] == 0)
		return CP_KEPT_MAYBE;
	return scan(q, host_fd);
}

static void
look_at(const struct quest *quest, const struct cp_end_id *end,
    struct cp_channel *out)
{
	struct quest q = *quest;
	enum cp_kept kept;
	int fd;

	*out = (struct cp_channel){ .kind = CP_KIND_NONE, .host_fd = -1 };
	if (end->kind == CP_KIND_NONE || end->kind == CP_KIND_PTMX ||
	    end->deleted)
		return;
	q.k = cp_channel_find(end, &q.made);
	q.known = q.k != -1;
	if (!q.known)
		describe_unknown(&q, end);
	fd = q.made.fd[1 - q.k];
	kept = ask_host(&q, end, &fd);
	if (kept == CP_KEPT_NO)
		return;
	*out = (struct cp_channel){ .kind = end->kind,
		.access = end->access,
		.kept = (uint8_t)kept,
		.sealed = q.known && q.made.cloexec,
		.host_fd = fd,
		.child = end->ino,
		.host = end->kind == CP_KIND_PTY ? end->birth :
						   q.made.ino[1 - q.k] };
}

bool
cp_kept_look(pid_t host, pid_t self, const struct cp_end_id end[2],
    struct cp_channel out[2])
{
	const struct quest q = { .host = host,
		.self = self,
		.alike = self != 0 && !cp_kept_sandboxed() };

	look_at(&q, &end[0], &out[0]);
	if (end[0].kind == end[1].kind && end[0].ino == end[1].ino &&
	    end[0].access == end[1].access)
		out[1] = out[0]; /* one socket or terminal on both */
	else
		look_at(&q, &end[1], &out[1]);
	return out[0].kind != CP_KIND_NONE || out[1].kind != CP_KIND_NONE;
}

bool
cp_kept_both(const struct cp_channel ch[2])
{
	return ch[0].kind != CP_KIND_NONE && ch[0].kept == CP_KEPT_YES &&
	    ch[1].kind != CP_KIND_NONE && ch[1].kept == CP_KEPT_YES;
}

bool
cp_kept_sure(const struct cp_channel ch[2])
{
	return (ch[0].kind != CP_KIND_NONE && ch[0].kept == CP_KEPT_YES) ||
	    (ch[1].kind != CP_KIND_NONE && ch[1].kept == CP_KEPT_YES);
}
