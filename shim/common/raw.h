/* SPDX-License-Identifier: MIT */
/*
 * open, read and close by syscall(2).  The libc functions are cancellation
 * points: a host whose thread is cancelled inside fork() must not end in our
 * code with a descriptor left open.  Nor are these met by other preloads.
 * Others for what they cost: each function of libc's is a symbol to be looked
 * up at the start of every process, and a page that a fork child may have to
 * fault in.
 * Context of every function: any.
 */
#ifndef CP_RAW_H
#define CP_RAW_H

#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

static inline pid_t
cp_raw_getpid(void)
{
	return (pid_t)syscall(SYS_getpid);
}

static inline pid_t
cp_raw_getppid(void)
{
	return (pid_t)syscall(SYS_getppid);
}

static inline pid_t
cp_raw_gettid(void)
{
	return (pid_t)syscall(SYS_gettid);
}

/*
 * CLOCK_BOOTTIME, of which the start times of processes are, in nanoseconds.
 * That of the vDSO is quicker, but not in a fork child, which has to fault it
 * in, and the libc's page that calls it.
 */
static inline uint64_t
cp_raw_now(void)
{
	struct timespec t = { 0, 0 };

	(void)syscall(SYS_clock_gettime, CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static inline int
cp_raw_fcntl(int fd, int cmd, int arg)
{
	return (int)syscall(SYS_fcntl, fd, cmd, arg);
}

/*
 * The libc's own asks for an empty path, which the kernel takes for one.  Only
 * where both are known to speak of one struct.
 */
static inline int
cp_raw_fstat(int fd, struct stat *st)
{
#if defined(__LP64__) && (defined(__x86_64__) || defined(__aarch64__))
	return (int)syscall(SYS_fstat, fd, st);
#else
	return fstat(fd, st);
#endif
}

/* Always O_CLOEXEC; files are not created. */
static inline int
cp_raw_openat(int dir, const char *path, int flags)
{
	return (int)syscall(SYS_openat, dir, path, flags | O_CLOEXEC, 0);
}

/*
 * Puts errno back.  Not written if that is what it is: a thread's page that
 * nobody writes to is not copied for each fork.
 */
static inline void
cp_errno(int saved)
{
	if (errno != saved)
		errno = saved;
}

/* Keeps errno. */
static inline void
cp_raw_close(int fd)
{
	int saved = errno;

	(void)syscall(SYS_close, fd);
	cp_errno(saved);
}

/* Reads until SIZE bytes are there or the file ends. */
static inline ssize_t
cp_raw_read(int fd, char *buf, size_t size)
{
	size_t len = 0;

	while (len < size) {
		long n = syscall(SYS_read, fd, buf + len, size - len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

#endif
