/* SPDX-License-Identifier: MIT */
/*
 * See walk.h.  Each process is held by a descriptor of its directory while it
 * is looked at, so that a PID that is reused meanwhile can't mix two processes
 * up.  Linear in processes and descriptors.
 */
#include <sys/stat.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "../../shim/common/procfs.h"
#include "../../shim/common/raw.h"
#include "interest.h"
#include "process.h"
#include "walk.h"

/*
 * Descriptors looked at per process.  One who holds more is not readable:
 * unknown, rather than a way to keep the guard busy.
 */
#define MAX_FDS 65536

/* Both ends of a pty are asked for by its number. */
static bool
is_wanted(const struct cp_walk *w, const struct cp_end_id *id)
{
	return cp_interest_has(w->wanted, w->n_wanted,
	    id->kind == CP_KIND_PTMX ? CP_KIND_PTY : id->kind, id->ino);
}

/*
 * Records descriptor NAME of the directory FDDIR if it is wanted.  Returns 0,
 * or -1 with errno; ENOENT: it has been closed.
 */
static int
look_at(struct cp_walk *w, int fddir, const char *name, int fd)
{
	char text[64]; /* a link that does not fit is no channel */
	struct cp_end_id id;
	uint32_t dev = 0;
	ssize_t len;

	len = readlinkat(fddir, name, text, sizeof(text));
	if (len == -1)
		return -1;
	cp_procfs_parse_link(text, (size_t)len, &id);
	if (id.kind == CP_KIND_NONE)
		return 0;
	if (id.kind == CP_KIND_PTMX &&
	    (!w->ptys || cp_procfs_number_at(fddir, name, &id.ino) == -1))
		return w->ptys && errno != ENODATA ? -1 : 0;
	if (!is_wanted(w, &id))
		return 0;
	if (cp_procfs_access_at(fddir, name, &id.access) == -1)
		return -1;
	if (id.access == 0)
		return 0; /* O_PATH: keeps nothing open */
	if (id.kind == CP_KIND_PTY ||
	    (id.kind == CP_KIND_PTMX && len > (ssize_t)strlen("/dev/ptmx")))
		dev = cp_process_dev(fddir, name, &id.birth);
	return cp_walk_add_end(w, fd, &id, dev);
}

/*
 * Is FD of ours none of a channel's?  The guard has a pidfd for each ward,
 * and no channel at all: this is told sooner than by the links.
 */
static bool
is_plain(int fd)
{
	struct stat st;

	return cp_raw_fstat(fd, &st) == 0 && !S_ISFIFO(st.st_mode) &&
	    !S_ISSOCK(st.st_mode) && !S_ISCHR(st.st_mode);
}

/* Returns 0 if all of PID could be listed, or -1 with errno. */
static int
list_ends(struct cp_walk *w, pid_t pid, int fddir)
{
	struct cp_dir dir;
	const char *name;
	int fd;

	cp_procfs_dir(&dir, fddir, w->fds, sizeof(w->fds));
	for (int i = 0; i < MAX_FDS; i++) {
		fd = cp_procfs_next(&dir, &name);
		if (fd == -1)
			return errno == 0 ? 0 : -1;
		if (pid == w->self && is_plain(fd))
			continue;
		if (look_at(w, fddir, name, fd) == -1 && errno != ENOENT)
			return -1;
	}
	errno = EPERM; /* too many: as if it were another's */
	return -1;
}

static bool
is_refused(int error)
{
	return error == EACCES || error == EPERM;
}

/* Does the last process have an end from number END on above its stdio? */
static bool
has_any_above(const struct cp_census *c, size_t end)
{
	for (; end < c->n_ends; end++)
		if (c->ends[end].fd > 2)
			return true;
	return false;
}

/* Lists the ends of the process, or thread, AT.  0, or -1 with errno. */
static int
visit_files(struct cp_walk *w, struct cp_proc *p, const struct cp_place *at)
{
	size_t before = w->found.n_ends;
	int result;

	if (at->error != 0) {
		errno = at->error;
		return -1;
	}
	result = list_ends(w, p->pid, at->dir);
	if (has_any_above(&w->found, before))
		p->exe = cp_place_exe(at);
	return result;
}

/* Where only the main thread has ended.  A zombie has no descriptors. */
static int
visit_thread(struct cp_walk *w, struct cp_proc *p, const struct cp_place *at,
    const struct cp_stat *st)
{
	struct cp_place task;
	int result;

	if (cp_process_task(at, st, p, &task) == -1) {
		if (is_refused(errno))
			errno = EIO;
		return errno == ESRCH ? 0 : -1;
	}
	result = visit_files(w, p, &task);
	cp_place_close(&task);
	/* It has ended meanwhile; others may have what it had. */
	if (result == -1 && (errno == ENOENT || errno == ESRCH))
		errno = cp_process_ended(at) ? ESRCH : EPERM;
	return result;
}

/*
 * Fills in the last process's ends; AT is its place.  Returns 0, or -1 with
 * errno: ENOENT or ESRCH if it is gone.
 */
static int
visit_ends(struct cp_walk *w, struct cp_proc *p, const struct cp_place *at,
    const struct cp_stat *st)
{
	int result;

	result = cp_process_is_dead(st) ? visit_thread(w, p, at, st) :
					  visit_files(w, p, at);
	p->readable = result == 0;
	if (result == 0 || !is_refused(errno))
		return result;
	/* One of ours may just have become a zombie. */
	if (p->uid == geteuid())
		p->readable = cp_process_ended(at);
	return 0;
}

/* Returns 0, or -1 with errno as above. */
static int
visit_open(struct cp_walk *w, pid_t pid, const struct cp_place *at)
{
	size_t ends = w->found.n_ends;
	struct cp_stat st;
	struct cp_proc *p;
	uid_t owner;

	if (cp_place_owner(at, &owner) == -1)
		return -1;
	if (cp_place_stat(at, &st) == -1) {
		if (at->error == 0 || !is_refused(errno))
			return -1;
		memset(&st, 0, sizeof(st));
		st.state = '?';
	}
	p = cp_walk_add(w);
	if (p == NULL)
		return -1;
	p->pid = p->shown = pid;
	p->ppid = st.ppid;
	p->pgid = st.pgid;
	p->sid = st.sid;
	p->uid = owner;
	p->state = st.state;
	p->start = st.start;
	p->image = st.image;
	p->readable = st.kernel; /* has none of its own */
	if (w->n_wanted == 0 || st.kernel || st.state == '?')
		return 0;
	if (visit_ends(w, p, at, &st) == 0) {
		w->found.n_faded += p->readable && p->image == 0;
		return 0;
	}
	if (errno == ENOENT || errno == ESRCH) {
		w->found.n_procs--;
		w->found.n_ends = ends;
	}
	return -1;
}

/*
 * Returns 0, or -1 with errno.  Where no ends are wanted its "fd" is not
 * opened: that costs more than the directory above.
 */
static int
visit_at(struct cp_walk *w, pid_t pid)
{
	char name[CP_DECIMAL_SIZE];
	struct cp_place at = { -1, 0 };
	int result;

	(void)cp_procfs_decimal(name, (uint64_t)pid);
	result = w->n_wanted == 0 ? cp_place_above(w->proc, name, EPERM, &at) :
				    cp_place_open(w->proc, name, &at);
	if (result == 0)
		result = visit_open(w, pid, &at);
	/* It has become another's, or hidden, since its "fd" was opened. */
	if (result == -1 && at.error == 0 && is_refused(errno)) {
		cp_place_close(&at);
		result = cp_place_above(w->proc, name, errno, &at);
		if (result == 0)
			result = visit_open(w, pid, &at);
	}
	if (at.dir != -1)
		cp_place_close(&at);
	return result;
}

void
cp_walk_visit(struct cp_walk *w, pid_t pid)
{
	if (visit_at(w, pid) == 0)
		return;
	if (errno == ENOENT || errno == ESRCH) {
		w->found.n_faded++;
		return;
	}
	w->found.complete = false;
	w->failed = w->failed || errno == ENOMEM;
}
