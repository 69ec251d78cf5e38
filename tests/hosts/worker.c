/* SPDX-License-Identifier: MIT */
/*
 * A stdio server that is busy in the way that it is told: its arguments are
 * the same whatever it does, so that several are of one command.
 *
 *	worker [WORD…]
 *
 * Each line on stdin is a request: `say` is answered at once, `hang` never;
 * `burn`, `move` and `child` are answered, and from then on it uses the
 * processor, moves bytes, or has a child of its own that does, for ever.
 */
#include <sys/prctl.h>

#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define STEP_MS 20 /* of work, and of rest */

static bool burns, moves;

static long
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
work(void)
{
	static int null = -1;
	long end = now_ms() + STEP_MS;

	if (moves && null == -1)
		null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (moves && write(null, "x", 1) != 1)
		err(1, "/dev/null");
	while (burns && now_ms() < end)
		continue;
}

/* It has none of our stdio, and goes when we do. */
static void
have_child(void)
{
	pid_t parent = getpid();

	if (fork() != 0)
		return;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	burns = true;
	while (getppid() == parent) {
		work();
		(void)poll(NULL, 0, STEP_MS);
	}
	_exit(0);
}

static void
obey(const char *line)
{
	if (strcmp(line, "hang\n") == 0)
		return;
	burns = burns || strcmp(line, "burn\n") == 0;
	moves = moves || strcmp(line, "move\n") == 0;
	if (strcmp(line, "child\n") == 0)
		have_child();
	if (write(1, "done\n", 5) != 5)
		err(1, "stdout");
}

int
main(void)
{
	struct pollfd p = { .fd = 0, .events = POLLIN };
	char line[64];
	ssize_t n;

	for (;;) {
		if (poll(&p, 1, burns || moves ? STEP_MS : -1) == 0) {
			work();
			continue;
		}
		n = read(0, line, sizeof(line) - 1);
		if (n <= 0)
			return 0;
		line[n] = '\0';
		obey(line);
	}
}
