/* SPDX-License-Identifier: MIT */
/*
 * The least that any guard outside of a PID namespace has to do, with nothing
 * around it: what is measured here is the kernel's share.
 *
 *	floor walk	for each line of stdin a look at every process: one
 *			line with the nanoseconds that it took
 *	floor kill HOST	one line with the number of HOST's children; when HOST
 *			is dead, SIGKILL to each of them
 *	floor prove HOST	the same, with a look at each of them before
 *
 * A look is what a proof can't do without: which process is that, and what
 * does it hold.
 */
#include <sys/resource.h>
#include <sys/syscall.h>

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WARDS_MAX 10000

struct ward {
	int pid;
	int pidfd;
};

static struct ward wards[WARDS_MAX];
static int n_wards;

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Calls ONE(DIR, name) for each entry of DIR whose name is a number. */
static void
each_number(int dir, void (*one)(int, const char *))
{
	struct dirent64 *entry;
	char buf[32768];
	ssize_t n;

	while ((n = getdents64(dir, buf, sizeof(buf))) > 0)
		for (ssize_t at = 0; at < n; at += entry->d_reclen) {
			entry = (struct dirent64 *)(buf + at);
			if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9')
				one(dir, entry->d_name);
		}
}

static void
read_link(int dir, const char *name)
{
	char text[64];

	(void)!readlinkat(dir, name, text, sizeof(text));
}

/* Who is gone has nothing to be looked at. */
static void
look_at(int proc, const char *pid)
{
	char path[32], text[1024];
	int fd;

	snprintf(path, sizeof(path), "%s/stat", pid);
	fd = openat(proc, path, O_RDONLY);
	if (fd == -1)
		return;
	(void)!read(fd, text, sizeof(text));
	close(fd);
	snprintf(path, sizeof(path), "%s/fd", pid);
	fd = openat(proc, path, O_RDONLY | O_DIRECTORY);
	if (fd == -1)
		return;
	each_number(fd, read_link);
	close(fd);
}

static int
open_proc(void)
{
	int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (proc == -1)
		err(1, "/proc");
	return proc;
}

static void
answer(int64_t n)
{
	printf("%lld\n", (long long)n);
	fflush(stdout);
}

static void
walk(void)
{
	char line[16];

	while (fgets(line, sizeof(line), stdin) != NULL) {
		int64_t began = now_ns();
		int proc = open_proc();

		each_number(proc, look_at);
		close(proc);
		answer(now_ns() - began);
	}
}

static int
open_pidfd(int pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd == -1)
		err(1, "process %d", pid);
	return fd;
}

static void
take_children(int host)
{
	char path[64];
	FILE *f;
	int pid;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", host, host);
	f = fopen(path, "re");
	if (f == NULL)
		err(1, "%s", path);
	while (n_wards < WARDS_MAX && fscanf(f, "%d", &pid) == 1)
		wards[n_wards++] = (struct ward){ pid, open_pidfd(pid) };
	fclose(f);
}

static void
look_at_wards(void)
{
	int proc = open_proc();
	char name[16];

	for (int i = 0; i < n_wards; i++) {
		snprintf(name, sizeof(name), "%d", wards[i].pid);
		look_at(proc, name);
	}
}

static void
kill_after(int host, int proven)
{
	struct pollfd p = { .fd = open_pidfd(host), .events = POLLIN };

	take_children(host);
	answer(n_wards);
	if (poll(&p, 1, -1) != 1)
		err(1, "poll");
	if (proven)
		look_at_wards();
	for (int i = 0; i < n_wards; i++)
		(void)syscall(SYS_pidfd_send_signal, wards[i].pidfd, SIGKILL,
		    NULL, 0);
}

static void
raise_descriptor_limit(void)
{
	struct rlimit many;

	if (getrlimit(RLIMIT_NOFILE, &many) == -1)
		err(1, "RLIMIT_NOFILE");
	many.rlim_cur = many.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &many) == -1)
		err(1, "RLIMIT_NOFILE");
}

int
main(int argc, char *argv[])
{
	const char *what = argc > 1 ? argv[1] : "";

	raise_descriptor_limit();
	if (argc == 2 && strcmp(what, "walk") == 0)
		walk();
	else if (argc == 3 && strcmp(what, "kill") == 0)
		kill_after(atoi(argv[2]), 0);
	else if (argc == 3 && strcmp(what, "prove") == 0)
		kill_after(atoi(argv[2]), 1);
	else
		errx(2, "usage: floor walk | kill HOST | prove HOST");
	return 0;
}
