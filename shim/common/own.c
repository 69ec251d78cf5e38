/* SPDX-License-Identifier: MIT */
/*
 * Our own open files as possible ends of a channel: the part of procfs.h that
 * needs no /proc.  Keeps nothing but the device that pipes are on.  Context of
 * every function: any.
 */
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "procfs.h"
#include "raw.h"

/* Character devices, Documentation/admin-guide/devices.txt. */
#define PTMX_MAJOR 5
#define PTMX_MINOR 2
#define PTS_MAJOR  136

/* All nameless pipes of a kernel are on one device; 0: not known yet. */
static _Atomic dev_t pipe_device;

void
cp_procfs_learn_pipe(int fd, dev_t dev)
{
	struct statfs fs;

	if (dev != atomic_load_explicit(&pipe_device, memory_order_relaxed) &&
	    fstatfs(fd, &fs) == 0 && fs.f_type == PIPEFS_MAGIC)
		atomic_store_explicit(&pipe_device, dev, memory_order_relaxed);
}

static uint8_t
ask_kind(int fd, const struct stat *st, uint64_t *ino)
{
	socklen_t len = sizeof(int);
	struct statfs fs;
	int value;

	if (S_ISFIFO(st->st_mode)) /* one with a name is elsewhere */
		return fstatfs(fd, &fs) == 0 && fs.f_type == PIPEFS_MAGIC ?
		    CP_KIND_PIPE :
		    CP_KIND_NONE;
	if (S_ISSOCK(st->st_mode))
		return syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_DOMAIN,
			   &value, &len) == 0 &&
			value == AF_UNIX ?
		    CP_KIND_UNIX :
		    CP_KIND_NONE;
	if (!S_ISCHR(st->st_mode))
		return CP_KIND_NONE;
	if (major(st->st_rdev) == PTS_MAJOR) {
		*ino = minor(st->st_rdev);
		return CP_KIND_PTY;
	}
	if (major(st->st_rdev) == PTMX_MAJOR &&
	    minor(st->st_rdev) == PTMX_MINOR &&
	    syscall(SYS_ioctl, fd, TIOCGPTN, &value) == 0) {
		*ino = (uint64_t)value;
		return CP_KIND_PTMX;
	}
	return CP_KIND_NONE;
}

/* Keeps errno. */
static uint8_t
own_kind(int fd, const struct stat *st, uint64_t *ino)
{
	uint8_t kind;
	int saved;

	*ino = st->st_ino;
	/* errno lies where a fork child would have to fault a page in. */
	if (S_ISFIFO(st->st_mode) &&
	    st->st_dev ==
		atomic_load_explicit(&pipe_device, memory_order_relaxed))
		return CP_KIND_PIPE;
	saved = errno;
	kind = ask_kind(fd, st, ino);
	cp_errno(saved);
	return kind;
}

int
cp_procfs_own_end(int fd, struct cp_end_id *end)
{
	struct stat st;
	uint64_t ino;
	uint8_t kind;
	int flags;

	if (cp_raw_fstat(fd, &st) == -1 ||
	    (flags = cp_raw_fcntl(fd, F_GETFL, 0)) == -1)
		return -1;
	kind = flags & O_PATH ? CP_KIND_NONE : own_kind(fd, &st, &ino);
	memset(end, 0, sizeof(*end));
	if (kind == CP_KIND_NONE)
		return 0;
	end->kind = kind;
	end->ino = ino;
	/* A slave whose master is gone has been unlinked from devpts. */
	end->deleted = kind == CP_KIND_PTY && st.st_nlink == 0;
	if (kind == CP_KIND_PTY)
		end->birth = cp_procfs_birth(st.st_dev, st.st_ctim.tv_sec,
		    (uint32_t)st.st_ctim.tv_nsec);
	switch (flags & O_ACCMODE) {
	case O_RDONLY:
		end->access = CP_READ;
		break;
	case O_WRONLY:
		end->access = CP_WRITE;
		break;
	default:
		end->access = CP_READ | CP_WRITE;
	}
	return 0;
}
