/* SPDX-License-Identifier: MIT */
/*
 * The ways to spawn, one function each, and the child's part between fork and
 * exec.  Called in the host program, from any of its threads.
 */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spawn.h"

/* Each member of the exec family is an entry point of its own. */
static void
exec_as(const char *form, char *const argv[], char *const envp[])
{
	int fd;

	if (strcmp(form, "execve") == 0) {
		execve(argv[0], argv, envp);
	} else if (strcmp(form, "execv") == 0) {
		execv(argv[0], argv);
	} else if (strcmp(form, "execvp") == 0) {
		execvp(argv[0], argv);
	} else if (strcmp(form, "execvpe") == 0) {
		execvpe(argv[0], argv, envp);
	} else if (strcmp(form, "execl") == 0) {
		execl(argv[0], argv[0], argv[1], argv[2], argv[3],
		    (char *)NULL);
	} else if (strcmp(form, "execlp") == 0) {
		execlp(argv[0], argv[0], argv[1], argv[2], argv[3],
		    (char *)NULL);
	} else if (strcmp(form, "execle") == 0) {
		execle(argv[0], argv[0], argv[1], argv[2], argv[3],
		    (char *)NULL, envp);
	} else if (strcmp(form, "execveat") == 0) {
		execveat(AT_FDCWD, argv[0], argv, envp, 0);
	} else if (strcmp(form, "fexecve") == 0) {
		fd = open(argv[0], O_RDONLY | O_CLOEXEC);
		fexecve(fd, argv, envp);
	}
}

void
child_side(const struct job *job)
{
	const struct wire *w = &job->wire;
	unsigned with = job->spec->with;

	if ((with & WITH_SETSID) != 0)
		setsid();
	if ((with & WITH_SETPGID) != 0)
		setpgid(0, 0);
	if ((with & WITH_DOUBLE) != 0 && fork() != 0)
		_exit(0);
	if ((w->in != -1 && dup2(w->in, 0) == -1) ||
	    (w->out != -1 && dup2(w->out, 1) == -1))
		_exit(126);
	if ((with & WITH_NOCLO) != 0)
		wire_handed_over(w);
	if ((with & WITH_NOCLO) != 0 && (with & WITH_LEAKY) == 0) {
		close(w->host_in);
		close(w->host_out);
	}
	exec_as(job->spec->exec, job->argv, job->envp);
	_exit(127);
}

static void
by_fork(struct job *job)
{
	pid_t pid;

	pid = fork();
	if (pid == -1)
		err(1, "fork");
	if (pid == 0)
		child_side(job);
	if ((job->spec->with & WITH_DOUBLE) != 0)
		waitpid(pid, NULL, 0);
}

static void
by__Fork(struct job *job)
{
	pid_t pid;

	pid = _Fork();
	if (pid == -1)
		err(1, "_Fork");
	if (pid == 0)
		child_side(job);
}

static void
by_vfork(struct job *job)
{
	pid_t pid;

	pid = vfork();
	if (pid == 0)
		child_side(job);
	if (pid == -1)
		err(1, "vfork");
}

/* As Go and gcc do it: fork without libc, then libc's exec. */
static void
by_raw_clone(struct job *job)
{
	long pid;

	pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid == -1)
		err(1, "clone");
	if (pid == 0)
		child_side(job);
}

static int
clone_child(void *job)
{
	child_side(job);
}

static void
by_clone_vm(struct job *job)
{
	static char stack[65536] __attribute__((__aligned__(16)));

	if (clone(clone_child, stack + sizeof(stack),
		CLONE_VM | CLONE_VFORK | SIGCHLD, job) == -1)
		err(1, "clone");
}

/* Of which AROUND and AROUND + 1 are nothing of ours. */
#define AROUND 900

static void
spawn_actions(const struct job *job, posix_spawn_file_actions_t *fa)
{
	const int end[2] = { job->wire.in, job->wire.out };
	unsigned with = job->spec->with;

	posix_spawn_file_actions_init(fa);
	for (int k = 0; k < 2; k++) {
		int from = end[k];

		if (from != -1 && (with & WITH_AROUND) != 0) {
			from = AROUND + k;
			posix_spawn_file_actions_adddup2(fa, end[k], from);
		}
		if (from != -1)
			posix_spawn_file_actions_adddup2(fa, from, k);
		if ((with & WITH_REOPEN) != 0 ||
		    (k == 1 && (with & WITH_ONEWAY) != 0))
			posix_spawn_file_actions_addopen(fa, k, "/dev/null",
			    O_RDWR, 0);
	}
}

static void
by_posix_spawn(struct job *job)
{
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	short flags = 0;
	pid_t pid;
	int error;

	spawn_actions(job, &fa);
	posix_spawnattr_init(&attr);
	if ((job->spec->with & WITH_SETSID) != 0)
		flags |= POSIX_SPAWN_SETSID;
	if ((job->spec->with & WITH_SETPGID) != 0)
		flags |= POSIX_SPAWN_SETPGROUP;
	posix_spawnattr_setflags(&attr, flags);
	if (strcmp(job->spec->how, "posix_spawnp") == 0)
		error = posix_spawnp(&pid, job->argv[0], &fa, &attr, job->argv,
		    job->envp);
	else
		error = posix_spawn(&pid, job->argv[0], &fa, &attr, job->argv,
		    job->envp);
	if (error != 0) {
		errno = error;
		err(1, "posix_spawn");
	}
}

static void
by_popen(struct job *job)
{
	char command[1024];
	char *const *a = job->argv;

	snprintf(command, sizeof(command), "exec %s %s %s %s", a[0], a[1], a[2],
	    a[3]);
	if (popen(command,
		strcmp(job->spec->how, "popen_w") == 0 ? "we" : "re") == NULL)
		err(1, "popen");
}

static void
by_forkpty(struct job *job)
{
	int master;
	pid_t pid;

	pid = forkpty(&master, NULL, NULL, NULL);
	if (pid == -1)
		err(1, "forkpty");
	if (pid == 0) {
		dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), 2);
		child_side(job);
	}
	fcntl(master, F_SETFD, FD_CLOEXEC);
	job->wire.host_in = job->wire.host_out = master;
}

/* The helper beside us, which execs only when posix_spawn has returned. */
static void
by_helper(struct job *job)
{
	const char *dir = job->argv[0], *slash = strrchr(dir, '/');
	char path[PATH_MAX], fd[3][16];
	char *argv[16] = { path, fd[0], fd[1], fd[2] };
	int word[2], error;
	pid_t pid;

	if (pipe(word) == -1)
		err(1, "pipe");
	snprintf(path, sizeof(path), "%.*s/helper", (int)(slash - dir), dir);
	snprintf(fd[0], sizeof(fd[0]), "%d", word[0]);
	snprintf(fd[1], sizeof(fd[1]), "%d", dup(job->wire.in));
	snprintf(fd[2], sizeof(fd[2]), "%d", dup(job->wire.out));
	for (int i = 0; i < 8 && job->argv[i] != NULL; i++)
		argv[4 + i] = job->argv[i];
	error = posix_spawn(&pid, path, NULL, NULL, argv, job->envp);
	if (error != 0)
		errx(1, "%s: %s", path, strerror(error));
	if (write(word[1], "", 1) != 1)
		err(1, "write");
	for (int i = 0; i < 3; i++)
		close(atoi(fd[i]));
	close(word[1]);
}

static const struct {
	const char *name;
	void (*spawn)(struct job *);
} ways[] = {
	{ "fork", by_fork },
	{ "_Fork", by__Fork },
	{ "vfork", by_vfork },
	{ "clone", by_raw_clone },
	{ "clone_vm", by_clone_vm },
	{ "posix_spawn", by_posix_spawn },
	{ "posix_spawnp", by_posix_spawn },
	{ "popen_r", by_popen },
	{ "popen_w", by_popen },
	{ "forkpty", by_forkpty },
	{ "helper", by_helper },
};

void
job_spawn(struct job *job)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (strcmp(job->spec->how, ways[i].name) == 0) {
			ways[i].spawn(job);
			return;
		}
	errx(2, "no way to spawn %s", job->spec->how);
}
