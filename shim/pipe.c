/* SPDX-License-Identifier: MIT */
/* The calls that make channels.  Context: as the wrapped ones, host mostly. */
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/raw.h"
#include "init.h"
#include "made.h"
#include "real.h"
#include "report.h"

/*
 * After the call, so that a failed one leaves no trace.  In a vfork child it
 * is not the host's channel, and the host's table is not for it to write.
 */
static void
made(int kind, const int fd[2], bool cloexec)
{
	int saved = errno;

	if (cp_enter(true)) {
		cp_made_keep(kind, fd, cloexec);
		cp_report_made();
	}
	cp_errno(saved);
}

CP_EXPORT int
pipe(int fd[2])
{
	int rc = cp_real(pipe)(fd);

	if (rc == 0)
		made(CP_KIND_PIPE, fd, false);
	return rc;
}

CP_EXPORT int
pipe2(int fd[2], int flags)
{
	int rc = cp_real(pipe2)(fd, flags);

	if (rc == 0)
		made(CP_KIND_PIPE, fd, flags & O_CLOEXEC);
	return rc;
}

CP_EXPORT int
socketpair(int domain, int type, int protocol, int fd[2])
{
	int rc = cp_real(socketpair)(domain, type, protocol, fd);

	if (rc == 0 && domain == AF_UNIX)
		made(CP_KIND_UNIX, fd, type & SOCK_CLOEXEC);
	return rc;
}

CP_EXPORT int
openpty(int *master, int *slave, char *name, const struct termios *termios,
    const struct winsize *size)
{
	int rc = cp_real(openpty)(master, slave, name, termios, size);

	if (rc == 0) {
		const int fd[2] = { *master, *slave };

		made(CP_KIND_PTY, fd, false);
	}
	return rc;
}
