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

static bool
is_dead(const struct cp_stat *st)
{
	return st->state == 'Z' || st->state == 'X' || st->state == 'x';
}

static bool
is_gone(int error)
{
	return error == ENOENT || error == ESRCH;
}

/* Opens task TID and reads its stat.  -1 with errno, ESRCH if it is dead. */
static int
open_living(int tasks, const char *tid, struct cp_stat *st)
{
	int task;

	task = cp_raw_openat(tasks, tid, O_PATH | O_DIRECTORY);
	if (task == -1)
		return -1;
	if (cp_procfs_stat_at(task, "stat", st) == 0) {
		if (!is_dead(st))
			return task;
		errno = ESRCH;
	}
	cp_raw_close(task);
	return -1;
}

int
cp_process_task(int piddir, const struct cp_stat *st, struct cp_proc *p)
{
	uint64_t buf[512];
	struct cp_stat other;
	struct cp_dir dir;
	const char *tid;
	int tasks, task = -1;

	if (!is_dead(st))
		return piddir;
	errno = ESRCH;
	if (st->threads < 2)
		return -1;
	tasks = cp_raw_openat(piddir, "task", O_RDONLY | O_DIRECTORY);
	if (tasks == -1)
		return -1;
	cp_procfs_dir(&dir, tasks, buf, sizeof(buf));
	while (cp_procfs_next(&dir, &tid) != -1) {
		task = open_living(tasks, tid, &other);
		if (task != -1 || !is_gone(errno))
			break;
	}
	if (task != -1) {
		p->state = other.state;
		p->image = other.image;
	} else if (errno == 0)
		errno = ESRCH;
	cp_raw_close(tasks);
	return task;
}

bool
cp_process_ended(int piddir)
{
	struct cp_stat st;

	if (cp_procfs_stat_at(piddir, "stat", &st) == -1)
		return is_gone(errno);
	return is_dead(&st) && st.threads < 2;
}

bool
cp_process_is_dying(pid_t pid)
{
	char path[CP_PATH_SIZE];
	struct cp_proc p = { 0 };
	struct cp_stat st;
	int piddir = -1, task = -1;
	bool known = false;

	if (cp_procfs_path(path, sizeof(path), pid, "") != 0)
		piddir = cp_raw_openat(AT_FDCWD, path, O_PATH | O_DIRECTORY);
	if (piddir != -1 && cp_procfs_stat_at(piddir, "stat", &st) == 0) {
		p.image = st.image;
		task = cp_process_task(piddir, &st, &p);
		known = task != -1;
	}
	if (!known)
		known = is_gone(errno);
	if (task != -1 && task != piddir)
		cp_raw_close(task);
	if (piddir != -1)
		cp_raw_close(piddir);
	return known && p.image == 0;
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
cp_process_exe(int dir)
{
	struct statx sx;
	uint64_t mixed;
	int saved = errno;

	if (stat_cached(dir, "exe", &sx) == -1) {
		errno = saved;
		return 0;
	}
	mixed = makedev(sx.stx_dev_major, sx.stx_dev_minor);
	mixed = (mixed + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ sx.stx_ino;
	return mixed == 0 ? 1 : mixed;
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
