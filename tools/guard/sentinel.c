/* SPDX-License-Identifier: MIT */
/* See sentinel.h. */
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "sentinel.h"

/* Shared with the guard: it has ended because its work is done. */
static volatile int *done;
static pid_t sentinel;

/* Sleeps until the guard has died.  Exits if it was done. */
static void
stand_by(int guard, int socket)
{
	struct pollfd p = { .fd = guard, .events = POLLIN };

	/* Nothing of the guard's but its socket is kept open. */
	if (guard != socket + 1) {
		(void)dup2(guard, socket + 1);
		p.fd = socket + 1;
	}
	closefrom(socket + 2);
	setproctitle("-childproof: sentinel of guard %d", (int)getppid());
	/* Whatever poll fails of, two guards at once are worse. */
	while (poll(&p, 1, -1) != 1)
		continue;
	if (*done)
		_exit(0);
	close(p.fd);
}

int
cp_sentinel_start(int socket)
{
	int guard, fd;
	pid_t pid;

	if (done == NULL) {
		void *p = mmap(NULL, sizeof(*done), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			return -1;
		done = p;
	}
	*done = 0;
	/* Opened before the fork: it can only name this process. */
	guard = (int)syscall(SYS_pidfd_open, getpid(), 0);
	if (guard < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		stand_by(guard, socket);
		return -2;
	}
	close(guard);
	if (pid < 0)
		return -1;
	sentinel = pid;
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	return fd;
}

void
cp_sentinel_ended(int pidfd)
{
	close(pidfd);
	(void)waitpid(sentinel, NULL, 0);
}

void
cp_sentinel_stop(int pidfd)
{
	if (done != NULL)
		*done = 1;
	if (pidfd < 0)
		return;
	(void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	cp_sentinel_ended(pidfd);
}
