/* SPDX-License-Identifier: MIT */
/*
 * PDEATHSIG is the line of defence for when there is no guard.  It is not used
 * beside one, because it comes too early and for too much: it arrives together
 * with the EOF, and so cuts short a server that saves its state on EOF; and
 * the kernel sends it when the *thread* that forked ends (main's pthread_exit)
 * or another thread of the host execs, with the host alive.
 */
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "arm.h"
#include "common/raw.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

static bool
is_readable(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	struct timespec zero = { 0, 0 };

	return syscall(SYS_ppoll, &p, 1, &zero, NULL, 0) == 1;
}

bool
cp_arm(pid_t host)
{
	int saved = errno, set = 0, pidfd;
	bool alive;

	/* The host's own, or that of a stricter frame around it. */
	if (syscall(SYS_prctl, PR_GET_PDEATHSIG, &set) == -1 || set != 0) {
		cp_errno(saved);
		return false;
	}
	pidfd = (int)syscall(SYS_pidfd_open, host, 0);
	alive = cp_raw_getppid() == host &&
	    syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGTERM) == 0;
	/* It may have died before the kernel was told. */
	if (alive &&
	    (cp_raw_getppid() != host || (pidfd != -1 && is_readable(pidfd)))) {
		cp_disarm();
		alive = false;
	}
	if (pidfd != -1)
		cp_raw_close(pidfd);
	cp_errno(saved);
	return alive;
}

void
cp_disarm(void)
{
	int saved = errno;

	(void)syscall(SYS_prctl, PR_SET_PDEATHSIG, 0);
	cp_errno(saved);
}
