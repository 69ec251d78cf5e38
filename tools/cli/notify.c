/* SPDX-License-Identifier: MIT */
/*
 * Measuring inotify on what has no name: pipes, sockets and ptys, by which the
 * guard learns that the last copy of an end was closed.  Owns nothing.
 * Context: cli.
 */
#include <sys/inotify.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../shim/common/procfs.h"
#include "probe.h"

/* Waits for one of EVENTS on the inotify descriptor. */
static int
wait_event(int in, uint32_t events)
{
	union {
		struct inotify_event e;
		char bytes[sizeof(struct inotify_event) + 256];
	} buf;
	int error = cp_probe_wait(in);

	if (error != 0)
		return error;
	if (read(in, &buf, sizeof(buf)) < (ssize_t)sizeof(buf.e))
		return errno;
	return buf.e.mask & events ? 0 : ETIME;
}

/* Watches PATH for EVENTS, closes FD, and waits for that to be told. */
static int
closing_is_told(const char *path, uint32_t events, int *fd)
{
	int in = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), error = 0;

	if (in < 0)
		return errno;
	if (inotify_add_watch(in, path, events) < 0)
		error = errno;
	(void)close(*fd);
	*fd = -1;
	if (error == 0)
		error = wait_event(in, events);
	(void)close(in);
	return error;
}

/* The same by way of the open descriptor OTHER (may be *FD). */
static int
end_is_told(int other, uint32_t events, int *fd)
{
	char path[CP_PATH_SIZE];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", other);
	return closing_is_told(path, events, fd);
}

int
cp_probe_inotify_pipe(void)
{
	int fds[2], error;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return errno;
	error = end_is_told(fds[0], IN_CLOSE_WRITE, &fds[1]);
	if (error == 0)
		error = end_is_told(fds[0], IN_CLOSE_NOWRITE, &fds[0]);
	cp_probe_close(fds);
	return error;
}

int
cp_probe_inotify_socket(void)
{
	int fds[2], error;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
		return errno;
	error = end_is_told(fds[0], IN_CLOSE, &fds[0]);
	cp_probe_close(fds);
	return error;
}

int
cp_probe_inotify_pty(void)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return errno;
	return closing_is_told("/dev/pts", IN_DELETE, &fd);
}
