/* SPDX-License-Identifier: MIT */
/* See socket.h. */
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../shim/common/procfs.h"
#include "socket.h"
#include "watch.h"

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76 /* Linux 6.5 */
#endif
#ifndef SCM_PIDFD
#define SCM_PIDFD 0x04
#endif

/* So many messages are taken from the socket at once. */
#define BATCH 16
/* net.unix.max_dgram_qlen, if it can't be read, and what counts as many. */
#define QUEUE	   10
#define QUEUE_MOST 512

static int sock = -1;
static int queue; /* so many messages wait in the socket, and one more */

static int
queue_size(void)
{
	char buf[16];
	ssize_t len = cp_procfs_read(AT_FDCWD,
	    "/proc/sys/net/unix/max_dgram_qlen", buf, sizeof(buf) - 1);
	long n;

	if (len <= 0)
		return QUEUE;
	buf[len] = '\0';
	n = strtol(buf, NULL, 10);
	return n > 0 && n < QUEUE_MOST ? (int)n : QUEUE_MOST;
}

int
cp_socket_open(int fd)
{
	int on = 1;

	sock = fd;
	queue = queue_size();
	(void)setsockopt(sock, SOL_SOCKET, SO_PASSPIDFD, &on, sizeof(on));
	if (setsockopt(sock, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0) {
		sock = -1; /* the guard that we replace had closed it */
		return errno == EBADF || errno == ENOTSOCK ? 0 : -1;
	}
	return cp_watch_add(sock, CP_TAG_SOCKET, 0, 0);
}

int
cp_socket(void)
{
	return sock;
}

/* The first is of interest, and no other. */
static void
take_files(struct cmsghdr *c, struct cp_heard *x)
{
	size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	int fd;

	for (size_t i = 0; i < n; i++) {
		memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
		if (x->file < 0)
			x->file = fd;
		else
			close(fd);
	}
}

/* Takes credentials and descriptors out of the control data. */
static bool
attested(struct msghdr *mh, struct cp_heard *x)
{
	bool known = false;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c != NULL;
	     c = CMSG_NXTHDR(mh, c)) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_CREDENTIALS &&
		    c->cmsg_len == CMSG_LEN(sizeof(x->from))) {
			memcpy(&x->from, CMSG_DATA(c), sizeof(x->from));
			known = true;
		} else if (c->cmsg_type == SCM_PIDFD &&
		    c->cmsg_len == CMSG_LEN(sizeof(int))) {
			memcpy(&x->pidfd, CMSG_DATA(c), sizeof(int));
		} else if (c->cmsg_type == SCM_RIGHTS) {
			take_files(c, x);
		}
	}
	return known;
}

/* Where messages are put. */
struct letter {
	struct cp_heard heard;
	struct sockaddr_un from;
	struct iovec iov;
	union {
		char buf[128];
		struct cmsghdr align;
	} control;
};

/* Returns how many were waiting: at most MAX, and BATCH. */
static int
receive(struct letter *letters, struct mmsghdr *v, int max, uint64_t now_ms)
{
	int n = max < BATCH ? max : BATCH;

	for (int i = 0; i < n; i++) {
		struct letter *l = &letters[i];

		l->heard.pidfd = l->heard.file = -1;
		l->heard.told_ns = 0;
		l->heard.gone = false;
		l->heard.heard_ms = l->heard.now_ms = now_ms;
		l->heard.address = &l->from;
		l->from.sun_path[0] = '\0';
		l->iov = (struct iovec){ &l->heard.msg, sizeof(l->heard.msg) };
		v[i].msg_hdr = (struct msghdr){ .msg_name = &l->from,
			.msg_namelen = sizeof(l->from),
			.msg_iov = &l->iov,
			.msg_iovlen = 1,
			.msg_control = &l->control,
			.msg_controllen = sizeof(l->control) };
	}
	n = recvmmsg(sock, v, (unsigned int)n, MSG_DONTWAIT | MSG_CMSG_CLOEXEC,
	    NULL);
	return n < 0 ? 0 : n;
}

static void
open_letter(struct letter *l, struct mmsghdr *v,
    void (*hear)(struct cp_heard *))
{
	struct cp_heard *x = &l->heard;

	x->address_len = v->msg_hdr.msg_namelen;
	if (attested(&v->msg_hdr, x) && v->msg_len == sizeof(x->msg) &&
	    (v->msg_hdr.msg_flags & MSG_TRUNC) == 0)
		hear(x);
	if (x->pidfd >= 0)
		close(x->pidfd);
	if (x->file >= 0)
		close(x->file);
}

int
cp_socket_hear(uint64_t now_ms, int max, void (*hear)(struct cp_heard *))
{
	struct letter letters[BATCH];
	struct mmsghdr v[BATCH];
	int n = 0, got = BATCH;

	while (n < max && sock >= 0 && got == BATCH) {
		got = receive(letters, v, max - n, now_ms);
		for (int i = 0; i < got; i++)
			open_letter(&letters[i], &v[i], hear);
		n += got;
	}
	return n;
}

int
cp_socket_queue(void)
{
	return queue;
}

bool
cp_socket_shut(void)
{
	if (sock < 0)
		return false;
	(void)shutdown(sock, SHUT_RD);
	return true;
}

void
cp_socket_close(void)
{
	close(sock);
	sock = -1;
}
