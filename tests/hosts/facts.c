/* SPDX-License-Identifier: MIT */
/*
 * What a host and its children can see of themselves, as text without a PID
 * or an address in it: run bare and guarded, it must be the same to the byte.
 *
 *	facts		spawns itself in every way and tells
 *	facts child	the child's half
 */
#define _GNU_SOURCE
#include <sys/prctl.h>
#include <sys/wait.h>

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const int claimed[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE,
    SIGCHLD, SIGSEGV, SIGABRT };
#define N_CLAIMED (sizeof(claimed) / sizeof(claimed[0]))

static char self[PATH_MAX];
static volatile sig_atomic_t sigchlds;

static void
on_sigchld(int sig)
{
	(void)sig;
	sigchlds++;
}

static void
on_term(int sig)
{
	(void)sig;
}

/* Counts a directory of /proc/self (its own descriptor is one more). */
static void
list(const char *what, const char *path)
{
	struct dirent *e;
	DIR *dir;
	int n = 0;

	dir = opendir(path);
	if (dir == NULL)
		err(1, "%s", path);
	while ((e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.')
			n++;
	closedir(dir);
	printf("%s: %d\n", what, n);
}

static void
status_lines(const char *const wanted[])
{
	char line[256];
	FILE *f;

	f = fopen("/proc/self/status", "re");
	if (f == NULL)
		err(1, "/proc/self/status");
	while (fgets(line, sizeof(line), f) != NULL)
		for (int i = 0; wanted[i] != NULL; i++)
			if (strncmp(line, wanted[i], strlen(wanted[i])) == 0)
				fputs(line, stdout);
	fclose(f);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/*
 * Ours are the only variables that a guarded child may see besides.  Their
 * order is not compared: a shell in between has one of its own.
 */
static void
environment(void)
{
	size_t n = 0;

	while (environ[n] != NULL)
		n++;
	qsort(environ, n, sizeof(environ[0]), by_name);
	for (char **e = environ; *e != NULL; e++)
		if (strncmp(*e, "LD_PRELOAD=", 11) != 0 &&
		    strncmp(*e, "CHILDPROOF_", 11) != 0)
			printf("env %s\n", *e);
}

static int
child(const char *parent)
{
	static const char *const wanted[] = { "SigBlk", "SigIgn", "SigCgt",
	    NULL };
	int deathsig = -1;

	prctl(PR_GET_PDEATHSIG, &deathsig);
	printf("child: parent %s, session %s, pdeathsig %d\n",
	    getppid() == atoi(parent) ? "ok" : "WRONG",
	    getsid(0) == getsid(getppid()) ? "same" : "own", deathsig);
	list("child fds", "/proc/self/fd");
	status_lines(wanted);
	environment();
	return 42;
}

static const char *
name_of(void (*handler)(int))
{
	if (handler == SIG_DFL)
		return "SIG_DFL";
	if (handler == SIG_IGN)
		return "SIG_IGN";
	return handler == on_term ? "mine" : "FOREIGN";
}

/* Flags and mask of SIG_DFL mean nothing, and nothing is promised of them. */
static void
tell_sigaction(int sig)
{
	struct sigaction sa;
	sigset_t none;

	sigemptyset(&none);
	if (sigaction(sig, NULL, &sa) == -1)
		err(1, "sigaction");
	printf("sigaction %d: %s", sig, name_of(sa.sa_handler));
	if (sa.sa_handler != SIG_DFL)
		printf(" flags %x mask %s",
		    (unsigned)sa.sa_flags & ~0x04000000u, /* SA_RESTORER */
		    memcmp(&sa.sa_mask, &none, _NSIG / 8) == 0 ? "empty" :
		    "set");
	putchar('\n');
}

/* Old programs still call it, whatever the header says. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static void
tell_sigset(int sig)
{
	printf("%s ", name_of(sigset(sig, SIG_IGN)));
	printf("%s\n", name_of(sigset(sig, SIG_DFL)));
}
#pragma GCC diagnostic pop

/* Every answer that the signal calls give, on the way there and back. */
static void
dispositions(void)
{
	struct sigaction sa = { .sa_handler = on_term, .sa_flags = SA_RESTART };
	struct sigaction old;

	for (size_t i = 0; i < N_CLAIMED; i++)
		tell_sigaction(claimed[i]);
	for (size_t i = 0; i < 5; i++) {
		printf("signal %d: ", claimed[i]);
		printf("%s ", name_of(signal(claimed[i], SIG_IGN)));
		tell_sigaction(claimed[i]);
		printf("%s ", name_of(signal(claimed[i], on_term)));
		tell_sigaction(claimed[i]);
		printf("%s ", name_of(signal(claimed[i], SIG_DFL)));
		tell_sigaction(claimed[i]);
		printf("%s ", name_of(signal(claimed[i], SIG_DFL)));
		sigaction(claimed[i], &sa, &old);
		printf("%s ", name_of(old.sa_handler));
		sa.sa_handler = SIG_DFL;
		sigaction(claimed[i], &sa, &old);
		printf("%s ", name_of(old.sa_handler));
		sa.sa_handler = on_term;
		tell_sigset(claimed[i]);
	}
	errno = 0;
	printf("sigaction 99: %d", sigaction(99, NULL, &sa));
	printf(" %s\n", strerror(errno));
}

static void
after(const char *way, pid_t pid, int fd)
{
	char buf[8192];
	size_t len = 0;
	ssize_t n;
	int status;

	while ((n = read(fd, buf + len, sizeof(buf) - len)) > 0)
		len += n;
	close(fd);
	if (waitpid(pid, &status, 0) == -1)
		err(1, "waitpid");
	printf("== %s: status %04x, sigchlds %d\n%.*s", way, status,
	    (int)sigchlds, (int)len, buf);
	sigchlds = 0;
	errno = 0;
	printf("waitpid: %d", waitpid(-1, NULL, __WALL));
	printf(" %s\n", strerror(errno));
	list("fds", "/proc/self/fd");
	list("tasks", "/proc/self/task");
}

static pid_t
spawn_self(const char *way, char *argv[], const int in[2], const int out[2])
{
	posix_spawn_file_actions_t fa;
	pid_t pid;
	int error;

	if (strcmp(way, "posix_spawn") == 0) {
		posix_spawn_file_actions_init(&fa);
		posix_spawn_file_actions_adddup2(&fa, in[0], 0);
		posix_spawn_file_actions_adddup2(&fa, out[1], 1);
		error = posix_spawn(&pid, self, &fa, NULL, argv, environ);
		if (error != 0)
			errx(1, "posix_spawn: %s", strerror(error));
		posix_spawn_file_actions_destroy(&fa);
		return pid;
	}
	pid = strcmp(way, "vfork") == 0 ? vfork() : fork();
	if (pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execv(self, argv);
		_exit(127);
	}
	return pid;
}

static void
spawn(const char *way)
{
	char parent[16], word[] = "child";
	char *argv[] = { self, word, parent, NULL };
	int in[2], out[2];
	pid_t pid;

	snprintf(parent, sizeof(parent), "%d", getpid());
	if (pipe2(in, O_CLOEXEC) == -1 || pipe2(out, O_CLOEXEC) == -1)
		err(1, "pipe2");
	pid = spawn_self(way, argv, in, out);
	close(in[0]);
	close(out[1]);
	after(way, pid, out[0]);
	close(in[1]);
}

/* As busybox does it: the error comes back through shared memory. */
static void
failing_vforks(void)
{
	char name[] = "/nonexistent/server";
	char *argv[] = { name, NULL };
	volatile int seen = 0, good = 0;
	int in[2], status;
	pid_t pid;

	if (pipe2(in, O_CLOEXEC) == -1)
		err(1, "pipe2");
	for (int i = 0; i < 1000; i++) {
		seen = 0;
		pid = vfork();
		if (pid == 0) {
			dup2(in[0], 0);
			execve(argv[0], argv, environ);
			seen = errno;
			_exit(99);
		}
		if (waitpid(pid, &status, 0) == pid && seen == ENOENT &&
		    WEXITSTATUS(status) == 99)
			good++;
	}
	close(in[0]);
	close(in[1]);
	printf("failing vforks: %d\n", good);
}

/* The errors of a failing exec and spawn are the kernel's own. */
static void
errors(void)
{
	char name[] = "x";
	char *argv[] = { name, NULL };
	pid_t pid = 12345;

	execv("/nonexistent", argv);
	printf("execv: %s\n", strerror(errno));
	execv("/etc/passwd", argv);
	printf("execv: %s\n", strerror(errno));
	execvp("childproof-no-such-program", argv);
	printf("execvp: %s\n", strerror(errno));
	execve("/", argv, NULL);
	printf("execve: %s\n", strerror(errno));
	printf("posix_spawn: %d", posix_spawn(&pid, "/nonexistent", NULL, NULL,
	    argv, environ));
	printf(" %d\n", (int)pid);
}

/* A fork child that does not exec is a process like any other. */
static void
worker(void)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		tell_sigaction(SIGTERM);
		fflush(stdout);
		raise(SIGTERM);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	printf("worker: status %04x\n", status);
}

static void
last_words(void)
{
	puts("atexit: still here");
}

int
main(int argc, char *argv[])
{
	struct sigaction sa = { .sa_handler = on_sigchld };
	ssize_t n;

	if (argc == 3)
		return child(argv[2]);
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n == -1)
		err(1, "/proc/self/exe");
	atexit(last_words);
	list("fds", "/proc/self/fd");
	list("tasks", "/proc/self/task");
	dispositions();
	sigaction(SIGCHLD, &sa, NULL);
	spawn("fork");
	spawn("vfork");
	spawn("posix_spawn");
	sa.sa_handler = SIG_DFL;
	sigaction(SIGCHLD, &sa, NULL);
	dispositions();
	failing_vforks();
	errors();
	worker();
	list("fds", "/proc/self/fd");
	fputs("stderr: last line\n", stderr);
	return 0;
}
