/* SPDX-License-Identifier: MIT */
/*
 * A ward for the benchmarks: says one byte when it is up, and then
 *
 *	stub stubborn	ignores EOF and every signal that can be ignored
 *	stub silent	the same, but for SIGTERM
 *	stub eof	ends at EOF on its stdin
 *	stub pong IN OUT	reads IN bytes, writes OUT bytes, until EOF
 */
#include <err.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK_MAX (1 << 20)

static char buf[BLOCK_MAX];

static void
deaf(int but)
{
	for (int sig = 1; sig < NSIG; sig++)
		if (sig != but)
			(void)signal(sig, SIG_IGN);
}

static void
stay(void)
{
	for (;;)
		pause();
}

static void
say(size_t len)
{
	ssize_t n;

	for (size_t done = 0; done < len; done += (size_t)n) {
		n = write(1, buf + done, len - done);
		if (n <= 0)
			exit(0);
	}
}

/* LEN bytes, or the end. */
static void
hear(size_t len)
{
	ssize_t n;

	for (size_t done = 0; done < len; done += (size_t)n) {
		n = read(0, buf + done, len - done);
		if (n <= 0)
			exit(0);
	}
}

static void
pong(size_t in, size_t out)
{
	if (in > BLOCK_MAX || out > BLOCK_MAX)
		errx(2, "blocks of at most %d", BLOCK_MAX);
	say(1);
	for (;;) {
		hear(in);
		say(out);
	}
}

int
main(int argc, char *argv[])
{
	const char *mode = argc > 1 ? argv[1] : "";

	if (strcmp(mode, "pong") == 0 && argc == 4)
		pong((size_t)atol(argv[2]), (size_t)atol(argv[3]));
	if (strcmp(mode, "stubborn") == 0 || strcmp(mode, "silent") == 0) {
		deaf(strcmp(mode, "silent") == 0 ? SIGTERM : 0);
		say(1);
		stay();
	}
	if (strcmp(mode, "eof") == 0) {
		say(1);
		hear(BLOCK_MAX);
		return 0;
	}
	errx(2, "usage: stub stubborn|silent|eof|pong IN OUT");
}
