/* SPDX-License-Identifier: MIT */
/*
 * open, read and close by syscall(2).  The libc functions are cancellation
 * points: a host whose thread is cancelled inside fork() must not end in our
 * code with a descriptor left open.  Nor are these met by other preloads.
 * Context of every function: any.
 */
#ifndef CP_RAW_H
#define CP_RAW_H

#include <sys/syscall.h>
#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

/* Always O_CLOEXEC; files are not created. */
static inline int
cp_raw_openat(int dir, const char *path, int flags)
{
	return (int)syscall(SYS_openat, dir, path, flags | O_CLOEXEC, 0);
}

/* Keeps errno. */
static inline void
cp_raw_close(int fd)
{
	int saved = errno;

	(void)syscall(SYS_close, fd);
	errno = saved;
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
