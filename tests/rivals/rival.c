/* SPDX-License-Identifier: MIT */
/*
 * A rival preload: wraps the functions that we wrap most, says on descriptor
 * RIVAL_FD what it has seen, and goes on to the next.  Whichever of us comes
 * first, both must see every call once.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static void
say(const char *name)
{
	const char *fd = getenv("RIVAL_FD");
	char line[32];
	size_t n = strlen(name);

	if (fd == NULL || n + 1 > sizeof(line))
		return;
	memcpy(line, name, n);
	line[n] = '\n';
	(void)!write(atoi(fd), line, n + 1);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

pid_t
fork(void)
{
	say("fork");
	return REAL(fork)();
}

int
pipe(int fd[2])
{
	say("pipe");
	return REAL(pipe)(fd);
}

int
pipe2(int fd[2], int flags)
{
	say("pipe2");
	return REAL(pipe2)(fd, flags);
}

int
execve(const char *path, char *const argv[], char *const envp[])
{
	say("execve");
	return REAL(execve)(path, argv, envp);
}

int
execvp(const char *file, char *const argv[])
{
	say("execvp");
	return REAL(execvp)(file, argv);
}

int
sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	say("sigaction");
	return REAL(sigaction)(sig, act, old);
}
