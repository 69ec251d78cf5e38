/* SPDX-License-Identifier: MIT */
/* See sentinel.h. */
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "sentinel.h"
#include "slim.h"
#include "watch.h"

#define SENTINELS_MAX 20
/* What failed for want of a process or descriptor is tried again then. */
#define AGAIN_MS 1000

/* Shared with the guard: it has ended because its work is done. */
static volatile int *done;
static pid_t sentinel;
static int pidfd = -1;	  /* of it */
static int lost;	  /* sentinels, and guards, so far */
static uint64_t again_ms; /* when to try once more, 0: there is one */
static int socket_fd;
static void (*take_over)(void);

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
	cp_slim();
	/* Whatever poll fails of, two guards at once are worse. */
	while (poll(&p, 1, -1) != 1)
		continue;
	if (*done)
		_exit(0);
	close(p.fd);
}

/*
 * Returns in the guard with the sentinel's pidfd, or -1 with errno; in the
 * sentinel, when it is the guard, with -2.
 */
static int
start(int socket)
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
	if (fd < 0) { /* of whom we don't hear there must not be two */
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
	}
	return fd;
}

/* In the new guard this returns too, after it has taken over. */
static void
keep(void)
{
	do {
		pidfd = start(socket_fd);
		if (pidfd == -2)
			take_over();
	} while (pidfd == -2 && ++lost < SENTINELS_MAX);
	again_ms = 0;
	if (pidfd >= 0)
		(void)cp_watch_add(pidfd, CP_TAG_SENTINEL, 0, 0);
	else if (pidfd == -1)
		again_ms = cp_watch_now() + AGAIN_MS;
}

void
cp_sentinel_start(int socket, void (*then)(void))
{
	socket_fd = socket;
	take_over = then;
	keep();
}

static void
reap(void)
{
	close(pidfd);
	pidfd = -1;
	(void)waitpid(sentinel, NULL, 0);
}

void
cp_sentinel_lost(void)
{
	reap();
	if (++lost < SENTINELS_MAX)
		keep();
}

void
cp_sentinel_attend(uint64_t now_ms)
{
	if (again_ms != 0 && again_ms <= now_ms)
		keep();
}

uint64_t
cp_sentinel_next(void)
{
	return again_ms;
}

void
cp_sentinel_renew(void)
{
	if (pidfd < 0)
		return;
	cp_sentinel_stop();
	keep();
}

void
cp_sentinel_stop(void)
{
	if (done != NULL)
		*done = 1;
	again_ms = 0;
	if (pidfd < 0)
		return;
	(void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	reap();
}
