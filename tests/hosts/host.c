/* SPDX-License-Identifier: MIT */
/*
 * A host for the end-to-end tests: spawns wards as its arguments say, reports
 * to the meeting point, and dies as its arguments say.
 *
 *	host MEET DEATH[,BEFORE…] [SPEC…]
 *
 * DEATH `wait` leaves the death to the driver, `atonce` is SIGKILL by its own
 * hand without waiting for anybody.  BEFORE: `nofds` closes every
 * descriptor above stderr first; `daemon` calls daemon(3) right after the
 * spawns, `latedaemon` when the driver answers to "early"; `shut` closes the
 * ends of the first SPEC's wards when the driver answers.
 * SPEC is explained in spawn.h.  Linked twice, dynamically and statically.
 */
#define _GNU_SOURCE
#include <sys/resource.h>
#include <sys/signalfd.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parts/meet.h"
#include "parts/shut.h"
#include "parts/spawn.h"

static char here[PATH_MAX]; /* the directory that holds us and the wards */
static char *where;
static volatile sig_atomic_t told_to_end;

struct group {
	struct spec spec;
	char tag[16];
	sem_t spawned;
};

static void
on_signal(int sig)
{
	told_to_end = sig;
}

static void
on_signal_exit(int sig)
{
	(void)sig;
	_exit(4);
}

static void
handle(int sig, void (*handler)(int))
{
	struct sigaction sa = { .sa_handler = handler };

	if (sigaction(sig, &sa, NULL) == -1)
		err(1, "sigaction");
}

static void
find_here(void)
{
	ssize_t n;

	n = readlink("/proc/self/exe", here, sizeof(here) - 1);
	if (n == -1)
		err(1, "/proc/self/exe");
	here[n] = '\0';
	*strrchr(here, '/') = '\0';
}

static void
write_text(int fd)
{
	FILE *to;

	to = fdopen(fd, "w");
	if (to == NULL || fputs("unflushed\n", to) == EOF)
		err(1, "fdopen");
}

/* What to run for SPEC: a ward, or a shell around one or two. */
static void
spawn_one(const struct spec *spec, char *tag)
{
	static char *empty[] = { NULL };
	char sh[] = "/bin/sh", dash_c[] = "-c", script[32] = "\"$@\"; true";
	char ward[PATH_MAX + 16], mode[16];
	char *direct[] = { ward, mode, where, tag, NULL };
	char *shell[] = { sh, dash_c, script, sh, ward, mode, where, tag,
	    NULL };
	struct job job = { .spec = spec, .argv = direct, .envp = environ };

	snprintf(ward, sizeof(ward), "%s/%s", here,
	    strcmp(spec->prog, "static") == 0 ? "ward.static" : "ward");
	strcpy(mode, spec->mode);
	if (strcmp(spec->prog, "pipeline") == 0)
		strcpy(script, "(\"$@\" | \"$@\") &");
	if (strcmp(spec->prog, "sh") == 0 ||
	    strcmp(spec->prog, "pipeline") == 0)
		job.argv = shell;
	if ((spec->with & WITH_NOENV) != 0)
		job.envp = empty;
	wire_make(spec, &job.wire);
	job_spawn(&job);
	wire_handed_over(&job.wire);
	ends_keep(atoi(tag + 1), &job);
	if ((spec->with & WITH_TEXT) != 0)
		write_text(job.wire.host_in);
}

static void *
spawn_group(void *arg)
{
	struct group *g = arg;

	for (int i = 0; i < g->spec.n; i++)
		spawn_one(&g->spec, g->tag);
	sem_post(&g->spawned);
	while (strcmp(g->spec.from, "worker") == 0)
		pause();
	return NULL;
}

static void
spawn_all(char *specs[], int n)
{
	struct group *g;
	pthread_t thread;

	for (int i = 0; i < n; i++) {
		g = calloc(1, sizeof(*g));
		if (g == NULL || spec_parse(&g->spec, specs[i]) == -1)
			errx(2, "bad spec %s", specs[i]);
		snprintf(g->tag, sizeof(g->tag), "g%d", i);
		sem_init(&g->spawned, 0, 0);
		if (strcmp(g->spec.from, "main") == 0) {
			spawn_group(g);
			continue;
		}
		if (pthread_create(&thread, NULL, spawn_group, g) != 0)
			errx(1, "pthread_create");
		if (strcmp(g->spec.from, "ended") == 0)
			pthread_join(thread, NULL);
		while (sem_wait(&g->spawned) == -1)
			continue;
	}
}

/* Says who we are and waits for the driver's word. */
static void
report(const char *name)
{
	char answer[16], line[96];

	snprintf(line, sizeof(line), "%s %d %d", name, getpid(), getppid());
	if (meet(where, line, answer, sizeof(answer)) == -1 &&
	    told_to_end == 0)
		err(1, "%s", where);
}

/* The signal may come before we are here: pause(2) could miss it. */
static void
wait_for_signal(void)
{
	while (told_to_end == 0)
		poll(NULL, 0, 10);
}

static void
wait_for_signalfd(void)
{
	struct signalfd_siginfo info;
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (fd == -1 || read(fd, &info, sizeof(info)) != sizeof(info))
		err(1, "signalfd");
	_exit(info.ssi_signo == SIGTERM ? 5 : 1);
}

/*
 * Gives up the first group's wards while it lives, and twice asks the others
 * whether they are well: right after, and at the driver's next word.
 */
static void
shut_first(void)
{
	char line[64];

	ends_ask();
	snprintf(line, sizeof(line), "shut %ld", ends_shut(0));
	ends_ask();
	report(line);
	ends_ask();
	report("well");
}

static void
segv(void)
{
	*(volatile int *)NULL = 1;
}

/* Becomes another program; the host ends go by CLOEXEC, or stay. */
static void
become(void)
{
	char self[PATH_MAX + 16];

	snprintf(self, sizeof(self), "%s/host", here);
	execl(self, self, where, "wait,again", (char *)NULL);
	err(1, "%s", self);
}

static void
block_term(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static int
die(const char *death)
{
	if (strcmp(death, "exit") == 0)
		exit(7);
	if (strcmp(death, "_exit") == 0)
		_exit(8);
	if (strcmp(death, "quick_exit") == 0)
		quick_exit(9);
	if (strcmp(death, "abort") == 0)
		abort();
	if (strcmp(death, "segv") == 0)
		segv();
	if (strcmp(death, "exec") == 0)
		become();
	if (strcmp(death, "signalfd") == 0)
		wait_for_signalfd();
	if (strcmp(death, "handler") == 0) {
		wait_for_signal();
		exit(3);
	}
	return strcmp(death, "return") == 0 ? 10 : 0;
}

int
main(int argc, char *argv[])
{
	static const struct rlimit none;
	const char *death, *before;
	char *rest;

	if (argc < 3)
		errx(2, "usage: host MEET DEATH[,BEFORE] [SPEC...]");
	find_here();
	where = argv[1];
	rest = argv[2];
	death = strsep(&rest, ",");
	before = rest == NULL ? "" : rest;
	setrlimit(RLIMIT_CORE, &none);
	if (strcmp(before, "nofds") == 0)
		close_range(3, ~0U, 0);
	if (strcmp(death, "handler") == 0)
		handle(SIGTERM, on_signal);
	if (strcmp(death, "handler_exit") == 0)
		handle(SIGTERM, on_signal_exit);
	if (strcmp(death, "signalfd") == 0)
		block_term();
	spawn_all(argv + 3, argc - 3);
	if (strcmp(death, "atonce") == 0)
		raise(SIGKILL);
	if (strcmp(before, "latedaemon") == 0)
		report("early");
	if (strstr(before, "daemon") != NULL && daemon(1, 1) == -1)
		err(1, "daemon");
	report(strcmp(before, "again") == 0 ? "again" : "host");
	if (strcmp(before, "shut") == 0)
		shut_first();
	while (strcmp(death, "wait") == 0 ||
	    strcmp(death, "handler_exit") == 0)
		pause();
	return die(death);
}
