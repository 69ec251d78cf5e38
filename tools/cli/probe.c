/* SPDX-License-Identifier: MIT */
/*
 * Measuring the kernel.  Owns nothing: each probe closes what it opened, and
 * waits for the child that it forked.  Context: cli, single-threaded.
 */
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../guard/children.h"
#include "../guard/sockdiag.h"
#include "probe.h"

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76 /* Linux 6.5 */
#endif
#ifndef SCM_PIDFD
#define SCM_PIDFD 0x04
#endif

/* For an event that has happened already. */
#define CP_SOON_MS 1000

int
cp_probe_wait(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n = poll(&p, 1, CP_SOON_MS);

	return n > 0 ? 0 : n == 0 ? ETIME : errno;
}

static int
pidfd_open(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

int
cp_probe_pidfd(void)
{
	int fd = pidfd_open(getpid()), error = 0;

	if (fd < 0)
		return errno;
	if (syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0) != 0)
		error = errno;
	(void)close(fd);
	return error;
}

int
cp_probe_pidfd_poll(void)
{
	pid_t pid = fork();
	int fd, error;

	if (pid < 0)
		return errno;
	if (pid == 0)
		_exit(0);
	/* It stays until we have waited for it, so this is no other. */
	fd = pidfd_open(pid);
	error = fd >= 0 ? cp_probe_wait(fd) : errno;
	if (fd >= 0)
		(void)close(fd);
	(void)waitpid(pid, NULL, 0);
	return error;
}

/* Takes the message from FD; 0 if a pidfd came with it. */
static int
receive_pidfd(int fd)
{
	char byte, control[CMSG_SPACE(sizeof(int)) + 64];
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	int pidfd;

	if (recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != 1)
		return errno;
	for (c = CMSG_FIRSTHDR(&msg); c != NULL; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_PIDFD)
			continue;
		memcpy(&pidfd, CMSG_DATA(c), sizeof(pidfd));
		if (pidfd < 0)
			return ENODATA;
		(void)close(pidfd);
		return 0;
	}
	return ENODATA;
}

int
cp_probe_sender_pidfd(void)
{
	int fds[2], on = 1, error;

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds) != 0)
		return errno;
	if (setsockopt(fds[0], SOL_SOCKET, SO_PASSPIDFD, &on, sizeof(on)) !=
		0 ||
	    send(fds[1], "", 1, MSG_DONTWAIT) != 1)
		error = errno;
	else
		error = receive_pidfd(fds[0]);
	cp_probe_close(fds);
	return error;
}

void
cp_probe_close(const int fds[2])
{
	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
}

struct pair {
	uint64_t ino[2];
	bool found;
};

static void
see_socket(void *arg, uint64_t ino, enum cp_open peer, uint64_t peer_ino)
{
	struct pair *p = arg;

	(void)peer;
	if (ino == p->ino[0] && peer_ino == p->ino[1])
		p->found = true;
}

int
cp_probe_sockdiag(void)
{
	struct pair p = { 0 };
	struct stat st;
	int fds[2], error = 0;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
		return errno;
	for (int i = 0; i < 2; i++)
		if (fstat(fds[i], &st) == 0)
			p.ino[i] = st.st_ino;
	if (cp_sockdiag_unix(see_socket, &p) != 0)
		error = errno;
	else if (!p.found)
		error = ENODATA;
	cp_probe_close(fds);
	return error;
}

int
cp_probe_wipeonfork(void)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	volatile char *page = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int error = 0, status = 0;
	pid_t pid;

	if (page == MAP_FAILED)
		return errno;
	page[0] = 1;
	if (madvise((void *)page, size, MADV_WIPEONFORK) != 0 ||
	    (pid = fork()) < 0) {
		error = errno;
	} else if (pid == 0) {
		_exit(page[0]);
	} else {
		(void)waitpid(pid, &status, 0);
		error = status != 0 ? ENODATA : 0;
	}
	(void)munmap((void *)page, size);
	return error;
}

/* A child that lives until we have looked. */
int
cp_probe_children(void)
{
	int fds[2], error = ENODATA, n;
	pid_t pid, list[64];
	char byte;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return errno;
	pid = fork();
	if (pid == 0) {
		(void)close(fds[1]);
		(void)!read(fds[0], &byte, 1);
		_exit(0);
	}
	n = pid > 0 ? cp_children(getpid(), list, 64) : -1;
	if (n < 0)
		error = errno;
	for (int i = 0; i < n; i++)
		if (list[i] == pid)
			error = 0;
	cp_probe_close(fds);
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
	return error;
}

/* In a child of its own: what is loaded stays. */
int
cp_probe_load(const char *path, char *why, unsigned size)
{
	int fds[2], status = -1;
	const char *text;
	ssize_t n = 0;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return errno;
	pid = fork();
	if (pid == 0) {
		if (dlopen(path, RTLD_NOW | RTLD_LOCAL) != NULL)
			_exit(0);
		text = dlerror();
		(void)!write(fds[1], text, strlen(text));
		_exit(1);
	}
	(void)close(fds[1]);
	if (pid > 0) {
		n = read(fds[0], why, size - 1);
		(void)waitpid(pid, &status, 0);
	}
	why[n > 0 ? n : 0] = '\0';
	(void)close(fds[0]);
	return status == 0 ? 0 : ENOEXEC;
}
