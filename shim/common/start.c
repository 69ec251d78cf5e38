/* SPDX-License-Identifier: MIT */
/*
 * Starts the guard as nobody's child, from any process and any thread of it.
 *
 *	caller -clone-> between: setsid -clone-> guard: fds, signals, exec
 *
 * Both clones share the memory and stop their parent, as vfork does, but on
 * stacks of their own, so a caller that is itself a vfork child keeps its
 * frames, a large host pays for no page tables, and the error of a failed exec
 * comes back in a variable.  The one between has no exit signal: neither
 * SIGCHLD nor waitpid(-1) tells the host of it.
 *
 * Raw system calls throughout: libc's are wrapped by the shim, which links
 * this, and may be cancellation points.
 */
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "raw.h"
#include "start.h"
#include "wire.h"

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

#define STACK	    32768 /* for each of the two; mapped, not used up */
#define ENV_MAX	    1024
#define KERNEL_SET  8 /* sizeof(sigset_t) of the kernel */
#define KERNEL_NSIG 64

struct start {
	const char *path;
	char *argv[3];
	int socket;
	int error; /* errno of a failed exec, or 0 */
	struct room *room;
};

/* Mapped: the caller may be a thread with a very small stack. */
struct room {
	char *envp[ENV_MAX];
	char between[STACK];
	char guard[STACK];
};

/* Ignored signals pass an exec, handlers do not: all go to the default. */
static void
reset_signals(void)
{
	/* Larger than the kernel's struct sigaction: SIG_DFL, no flags. */
	static const uint64_t none[8];
	static const uint64_t empty;

	for (long sig = 1; sig <= KERNEL_NSIG; sig++)
		(void)syscall(SYS_rt_sigaction, sig, none, NULL, KERNEL_SET);
	(void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &empty, NULL,
	    KERNEL_SET);
}

/* fd 3 is the socket, 0 to 2 are /dev/null, nothing else is left. */
static void
arrange_descriptors(int sock)
{
	int null;

	if (sock == CP_GUARD_FD)
		(void)syscall(SYS_fcntl, sock, F_SETFD, 0);
	else
		(void)syscall(SYS_dup3, sock, CP_GUARD_FD, 0);
	null = (int)syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR, 0);
	for (int fd = 0; fd < 3 && null != -1; fd++)
		if (fd != null)
			(void)syscall(SYS_dup3, null, fd, 0);
	/* Before 5.9 the guard does this, a moment after its exec. */
	(void)syscall(SYS_close_range, CP_GUARD_FD + 1, ~0u, 0);
}

static int
become_guard(void *arg)
{
	struct start *s = arg;

	arrange_descriptors(s->socket);
	reset_signals();
	(void)syscall(SYS_execve, s->path, s->argv, s->room->envp);
	s->error = errno;
	(void)syscall(SYS_exit, 127);
	return 127;
}

static int
between(void *arg)
{
	struct start *s = arg;

	(void)syscall(SYS_setsid);
	if (clone(become_guard, s->room->guard + STACK,
		CLONE_VM | CLONE_VFORK | SIGCHLD, s) == -1)
		s->error = errno;
	(void)syscall(SYS_exit, 0);
	return 0;
}

static int
bind_socket(const char *name)
{
	struct sockaddr_un sun;
	socklen_t len = cp_wire_address(name, &sun);
	int on = 1, saved, fd;

	if (len == 0) {
		errno = EINVAL;
		return -1;
	}
	fd = (int)syscall(SYS_socket, AF_UNIX,
	    SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -1;
	/* Before anybody can send, so that no sender goes unattested. */
	if (syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_PASSCRED, &on,
		sizeof(on)) == 0 &&
	    syscall(SYS_bind, fd, &sun, len) == 0)
		return fd;
	saved = errno;
	cp_raw_close(fd);
	errno = saved;
	return -1;
}

/* ENVP without the preload, which is not meant for the guard. */
static void
copy_environment(char *const envp[], char *out[ENV_MAX])
{
	size_t n = 0;

	for (; envp != NULL && *envp != NULL && n < ENV_MAX - 1; envp++)
		if (strncmp(*envp, "LD_PRELOAD=", 11) != 0)
			out[n++] = *envp;
	out[n] = NULL;
}

static int
run(struct start *s, char *const envp[])
{
	struct room *room = mmap(NULL, sizeof(*room), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	uint64_t all = ~(uint64_t)0, mask;
	int pid, status, saved;

	if (room == MAP_FAILED)
		return -1;
	copy_environment(envp, room->envp);
	s->room = room;
	(void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &mask, KERNEL_SET);
	pid = clone(between, room->between + STACK, CLONE_VM | CLONE_VFORK, s);
	saved = errno;
	/* A host that waits with __WALL may have been first: ECHILD. */
	while (pid != -1 &&
	    syscall(SYS_wait4, pid, &status, __WALL, NULL) == -1 &&
	    errno == EINTR)
		;
	(void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, KERNEL_SET);
	(void)syscall(SYS_munmap, room, sizeof(*room));
	errno = pid == -1 ? saved : s->error;
	return errno == 0 ? 0 : -1;
}

int
cp_guard_start(const char *name, const char *path, char *const envp[])
{
	static char argv0[] = "childproof-guard";
	char copy[CP_NAME_MAX + 1];
	struct start s = { .path = path, .argv = { argv0, copy, NULL } };
	int rc, saved = errno;

	/* Else the name would take messages for a moment, and lose them. */
	if (syscall(SYS_faccessat, AT_FDCWD, path, X_OK) == -1)
		return -1;
	s.socket = bind_socket(name);
	if (s.socket == -1)
		return -1;
	memcpy(copy, name, strlen(name) + 1);
	rc = run(&s, envp);
	if (rc == -1) /* the one that could not exec may still hold it */
		(void)syscall(SYS_shutdown, s.socket, SHUT_RDWR);
	cp_raw_close(s.socket);
	if (rc == 0)
		errno = saved;
	return rc;
}
