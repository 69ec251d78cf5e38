/* SPDX-License-Identifier: MIT */
/*
 * A ward for the end-to-end tests: a stdio server that says at the meeting
 * point that it is there, and then lives in one of the ways that servers do.
 *
 *	ward MODE MEET TAG
 *
 * But for `echo` it writes nothing to its stdio, which may be the host's own.
 * Linked twice, dynamically and statically (ward.static).
 */
#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parts/meet.h"

static const char *where, *tag;

static void
announce(const char *name)
{
	char answer[16], line[128];

	snprintf(line, sizeof(line), "ward %s", name);
	if (meet(where, line, answer, sizeof(answer)) == -1)
		err(1, "%s", where);
}

static void
deaf(void)
{
	static const int all[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE,
		SIGUSR1, SIGUSR2, SIGALRM };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		signal(all[i], SIG_IGN);
}

static void
stay(void)
{
	for (;;)
		pause();
}

/* Reads until EOF; a pty whose master has gone says EIO instead. */
static void
drain(int to)
{
	char buf[512];
	ssize_t n;

	while ((n = read(0, buf, sizeof(buf))) > 0)
		if (to != -1 && write(to, buf, n) != n)
			err(1, "write");
}

static void
null_stdio(void)
{
	int fd;

	fd = open("/dev/null", O_RDWR);
	if (fd == -1)
		err(1, "/dev/null");
	for (int i = 0; i < 3; i++)
		if (dup2(fd, i) == -1)
			err(1, "dup2");
	if (fd > 2)
		close(fd);
}

/* A file beside the meeting point, named after us: proof of work done. */
static int
proof(const char *suffix)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s.%s.%s", where, tag, suffix);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd == -1)
		err(1, "%s", path);
	return fd;
}

/* Goes on as a child of itself. */
static void
leave_parent(void)
{
	pid_t pid;

	pid = fork();
	if (pid == -1)
		err(1, "fork");
	if (pid != 0)
		_exit(0);
}

/* Ignores EOF and every signal that can be ignored. */
static void
stubborn(void)
{
	deaf();
	announce(tag);
	stay();
}

static void
obeys_eof(void)
{
	deaf();
	announce(tag);
	drain(-1);
}

/* Needs a moment after EOF, and would lose its work to a SIGTERM. */
static void
obeys_eof_slowly(void)
{
	announce(tag);
	drain(-1);
	poll(NULL, 0, 100);
	if (write(proof("done"), "done\n", 5) != 5)
		err(1, "write");
}

static void
copies(void)
{
	int fd;

	fd = proof("copy");
	announce(tag);
	drain(fd);
}

/* A server that answers; a signal that can end it does. */
static void
echoes(void)
{
	announce(tag);
	drain(1);
}

static void
obeys_term(void)
{
	deaf();
	signal(SIGTERM, SIG_DFL);
	announce(tag);
	stay();
}

/* As the Python SDK's server: the wire on private descriptors. */
static void
moved(void)
{
	int null;

	deaf();
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null == -1 || fcntl(0, F_DUPFD, 10) == -1 ||
	    fcntl(1, F_DUPFD, 10) == -1 || dup2(null, 0) == -1 ||
	    dup2(2, 1) == -1)
		err(1, "moving the wire");
	close(null);
	announce(tag);
	stay();
}

static void
forks_twice(void)
{
	deaf(); /* a pty's session leader that ends sends SIGHUP */
	leave_parent();
	leave_parent();
	stubborn();
}

static void
forks_twice_setsid(void)
{
	deaf();
	leave_parent();
	setsid();
	leave_parent();
	stubborn();
}

/* Means to be a daemon: it lets go of its stdio. */
static void
becomes_daemon(void)
{
	deaf();
	leave_parent();
	setsid();
	leave_parent();
	null_stdio();
	stubborn();
}

/* Has a helper of its own, which holds no channel. */
static void
has_child(void)
{
	char name[64];
	pid_t pid;

	pid = fork();
	if (pid == -1)
		err(1, "fork");
	if (pid == 0) {
		null_stdio();
		deaf();
		snprintf(name, sizeof(name), "%s.child", tag);
		announce(name);
		stay();
	}
	stubborn();
}

static void *
outlives(void *first)
{
	pthread_join(*(pthread_t *)first, NULL);
	stubborn();
	return NULL;
}

/* Its main thread ends at once: the process is the other one's. */
static void
headless(void)
{
	static pthread_t first, other;

	first = pthread_self();
	if (pthread_create(&other, NULL, outlives, &first) != 0)
		errx(1, "no thread");
	pthread_exit(NULL);
}

/* The same, and a child has its stdio, and nothing else of it. */
static void
headless_parent(void)
{
	pid_t pid;

	pid = fork();
	if (pid == -1)
		err(1, "fork");
	if (pid == 0) {
		closefrom(3);
		deaf();
		stay();
	}
	headless();
}

static const struct mode {
	const char *name;
	void (*live)(void);
} modes[] = {
	{ "stubborn", stubborn },
	{ "eof", obeys_eof },
	{ "slow", obeys_eof_slowly },
	{ "copy", copies },
	{ "echo", echoes },
	{ "term", obeys_term },
	{ "moved", moved },
	{ "fork2", forks_twice },
	{ "fork2sid", forks_twice_setsid },
	{ "daemon", becomes_daemon },
	{ "child", has_child },
	{ "headless", headless },
	{ "headless-parent", headless_parent },
};

int
main(int argc, char *argv[])
{
	if (argc != 4)
		errx(2, "usage: ward MODE MEET TAG");
	where = argv[2];
	tag = argv[3];
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(argv[1], modes[i].name) == 0) {
			modes[i].live();
			return 0;
		}
	errx(2, "no mode %s", argv[1]);
}
