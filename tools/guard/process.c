/* SPDX-License-Identifier: MIT */
/*
 * Looks at a single process for the census.  Owns nothing.
 * Context: guard, cli.
 */
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../../shim/common/raw.h"
#include "process.h"

/* In the directory above, if that is not where we are. */
#define ABOVE(at, name) (&("../" name)[(at)->error == 0 ? 0 : 3])

bool
cp_process_is_dead(const struct cp_stat *st)
{
	return st->state == 'Z' || st->state == 'X' || st->state == 'x';
}

bool
cp_process_is_over(const struct cp_stat *st)
{
	/* One that has ended is a zombie, whether others live or not. */
	return cp_process_is_dead(st) && st->threads < 2;
}

static bool
is_gone(int error)
{
	return error == ENOENT || error == ESRCH;
}

int
cp_place_open(int proc, const char *name, struct cp_place *at)
{
	char path[CP_PATH_SIZE];
	size_t len = strlen(name);

	if (len + sizeof("/fd") > sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(path, name, len);
	memcpy(path + len, "/fd", sizeof("/fd"));
	at->error = 0;
	at->dir = cp_raw_openat(proc, path, O_RDONLY | O_DIRECTORY);
	if (at->dir != -1)
		return 0;
	return is_gone(errno) ? -1 : cp_place_above(proc, name, errno, at);
}

int
cp_place_above(int proc, const char *name, int error, struct cp_place *at)
{
	at->error = error;
	at->dir = cp_raw_openat(proc, name, O_PATH | O_DIRECTORY);
	return at->dir == -1 ? -1 : 0;
}

void
cp_place_close(const struct cp_place *at)
{
	cp_raw_close(at->dir);
}

int
cp_place_stat(const struct cp_place *at, struct cp_stat *st)
{
	return cp_procfs_stat_at(at->dir, ABOVE(at, "stat"), st);
}

int
cp_place_owner(const struct cp_place *at, uid_t *uid)
{
	struct stat st;

	/* Not that of "fd": it is root's if the process is not dumpable. */
	if (fstatat(at->dir, at->error == 0 ? ".." : "", &st, AT_EMPTY_PATH) ==
	    -1)
		return -1;
	*uid = st.st_uid;
	return 0;
}

/* Opens task TID, if it lives, and reads its stat.  -1 with errno. */
static int
open_living(int tasks, const char *tid, struct cp_place *task,
    struct cp_stat *st)
{
	if (cp_place_open(tasks, tid, task) == -1)
		return -1;
	if (cp_place_stat(task, st) == 0) {
		if (!cp_process_is_dead(st))
			return 0;
		errno = ESRCH;
	}
	cp_place_close(task);
	return -1;
}

int
cp_process_task(const struct cp_place *at, const struct cp_stat *st,
    struct cp_proc *p, struct cp_place *task)
{
	uint64_t buf[512];
	struct cp_stat other;
	struct cp_dir dir;
	const char *tid;
	int tasks, found = -1;

	errno = ESRCH;
	if (st->threads < 2)
		return -1;
	tasks = cp_raw_openat(at->dir, ABOVE(at, "task"),
	    O_RDONLY | O_DIRECTORY);
	if (tasks == -1)
		return -1;
	cp_procfs_dir(&dir, tasks, buf, sizeof(buf));
	while (cp_procfs_next(&dir, &tid) != -1) {
		found = open_living(tasks, tid, task, &other);
		if (found == 0 || !is_gone(errno))
			break;
	}
	if (found == 0) {
		p->state = other.state;
		p->image = other.image;
		p->shown = other.pid;
	} else if (errno == 0)
		errno = ESRCH;
	cp_raw_close(tasks);
	return found;
}

bool
cp_process_ended(const struct cp_place *at)
{
	struct cp_stat st;

	if (cp_place_stat(at, &st) == -1)
		return is_gone(errno);
	return cp_process_is_over(&st);
}

/* Image and `shown` of the process AT, or of a living thread; -1: it is gone. */
static int
look_through(const struct cp_place *at, struct cp_proc *p)
{
	struct cp_place task;
	struct cp_stat st;

	if (cp_place_stat(at, &st) == -1)
		return -1;
	p->image = st.image;
	p->shown = st.pid;
	if (!cp_process_is_dead(&st))
		return 0;
	if (cp_process_task(at, &st, p, &task) == -1)
		return -1;
	cp_place_close(&task);
	return 0;
}

/* The same by PID.  -1 with errno. */
static int
look_up(pid_t pid, struct cp_proc *p)
{
	char path[CP_PATH_SIZE];
	struct cp_place at;
	int result;

	if (cp_procfs_path(path, sizeof(path), pid, "") == 0) {
		errno = EINVAL;
		return -1;
	}
	if (cp_place_above(AT_FDCWD, path, EACCES, &at) == -1)
		return -1;
	result = look_through(&at, p);
	cp_place_close(&at);
	return result;
}

pid_t
cp_process_shown(pid_t pid)
{
	struct cp_proc p = { 0 };

	return look_up(pid, &p) == 0 ? p.shown : pid;
}

bool
cp_process_is_dying(pid_t pid)
{
	struct cp_proc p = { 0 };

	return look_up(pid, &p) == 0 ? p.image == 0 : is_gone(errno);
}

/*
 * Follows a link of /proc.  The file may be on a network or FUSE mount whose
 * server hangs, which must not hang us: what is in the inode will do.
 */
static int
stat_cached(int dir, const char *name, struct statx *sx)
{
	return statx(dir, name, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT,
	    STATX_INO | STATX_CTIME, sx);
}

uint64_t
cp_process_exe(int dir, const char *path)
{
	struct statx sx;
	uint64_t mixed;
	int saved = errno;

	if (stat_cached(dir, path, &sx) == -1) {
		errno = saved;
		return 0;
	}
	mixed = makedev(sx.stx_dev_major, sx.stx_dev_minor);
	mixed = (mixed + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ sx.stx_ino;
	return mixed == 0 ? 1 : mixed;
}

uint64_t
cp_place_exe(const struct cp_place *at)
{
	return cp_process_exe(at->dir, ABOVE(at, "exe"));
}

uint32_t
cp_process_dev(int fddir, const char *name, uint64_t *birth)
{
	struct statx sx;
	dev_t dev;

	if (stat_cached(fddir, name, &sx) == -1)
		return 0;
	dev = makedev(sx.stx_dev_major, sx.stx_dev_minor);
	*birth = cp_procfs_birth(dev, sx.stx_ctime.tv_sec,
	    sx.stx_ctime.tv_nsec);
	return (uint32_t)dev;
}

int
cp_process_find(pid_t pid,
    bool (*is)(const struct cp_channel *, const struct cp_end_id *),
    const struct cp_channel *ch)
{
	_Alignas(uint64_t) char buf[4096];
	char path[CP_PATH_SIZE];
	struct cp_end_id end;
	struct cp_dir dir;
	const char *name;
	int fds, fd;

	if (cp_procfs_path(path, sizeof(path), pid, "/fd") == 0)
		return -1;
	fds = cp_raw_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
	if (fds == -1)
		return -1;
	cp_procfs_dir(&dir, fds, buf, sizeof(buf));
	while ((fd = cp_procfs_next(&dir, &name)) != -1)
		if (cp_procfs_end_at(fds, name, &end) == 0 && is(ch, &end))
			break;
	cp_raw_close(fds);
	return fd;
}

bool
cp_process_has(pid_t pid,
    bool (*is)(const struct cp_channel *, const struct cp_end_id *),
    const struct cp_channel *ch)
{
	return cp_process_find(pid, is, ch) != -1;
}
