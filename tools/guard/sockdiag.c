/* SPDX-License-Identifier: MIT */
/*
 * One dump of the UNIX sockets by NETLINK_SOCK_DIAG.  Owns a netlink socket
 * for the length of a call.  Context: guard, cli.
 */
#include <sys/socket.h>
#include <sys/time.h>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "sockdiag.h"

#define BOTH_WAYS 3 /* RCV_SHUTDOWN | SEND_SHUTDOWN of the kernel */

/*
 * Whether a socket has a peer.  As measured: a connected one tells its peer's
 * inode; when the peer is closed it goes on to name it, by inode 0, and unless
 * it is a datagram socket it is shut down both ways.  Inode 0 without that is
 * a connection that nobody has accepted yet.
 */
static enum cp_open
peer_state(uint8_t type, const uint32_t *peer, uint8_t shut)
{
	if (peer == NULL)
		return CP_OPEN_NO;
	if (*peer != 0)
		return CP_OPEN_YES;
	return type == SOCK_DGRAM || shut == BOTH_WAYS ? CP_OPEN_NO :
							 CP_OPEN_UNKNOWN;
}

static void
tell(const struct nlmsghdr *h,
    void (*each)(void *, uint64_t, enum cp_open, uint64_t), void *arg)
{
	const struct unix_diag_msg *m = NLMSG_DATA(h);
	const struct rtattr *a = (const struct rtattr *)(m + 1);
	int left = (int)h->nlmsg_len - (int)NLMSG_LENGTH(sizeof(*m));
	uint32_t peer = 0;
	bool has_peer = false;
	uint8_t shut = 0;

	if (left < 0)
		return;
	for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if (a->rta_type == UNIX_DIAG_PEER &&
		    RTA_PAYLOAD(a) >= sizeof(peer)) {
			memcpy(&peer, RTA_DATA(a), sizeof(peer));
			has_peer = true;
		} else if (a->rta_type == UNIX_DIAG_SHUTDOWN &&
		    RTA_PAYLOAD(a) >= sizeof(shut))
			memcpy(&shut, RTA_DATA(a), sizeof(shut));
	}
	/* 0: closed, and still referred to by its peer. */
	if (m->udiag_ino != 0)
		each(arg, m->udiag_ino,
		    peer_state(m->udiag_type, has_peer ? &peer : NULL, shut),
		    peer);
}

static int
request(int fd)
{
	struct {
		struct nlmsghdr header;
		struct unix_diag_req request;
	} m = {
		.header = {
			.nlmsg_len = sizeof(m),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		},
		.request = {
			.sdiag_family = AF_UNIX,
			.udiag_states = UINT32_MAX,
			.udiag_show = UDIAG_SHOW_PEER,
		},
	};
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct timeval limit = { .tv_sec = 1 };

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) ==
	    -1)
		return -1;
	return sendto(fd, &m, sizeof(m), 0, (struct sockaddr *)&kernel,
		   sizeof(kernel)) == (ssize_t)sizeof(m) ?
	    0 :
	    -1;
}

/* Returns 1 at the end of the dump, 0 if there is more, -1 with errno. */
static int
receive(int fd, void (*each)(void *, uint64_t, enum cp_open, uint64_t),
    void *arg)
{
	/* Aligned for nlmsghdr; the kernel fills up to 32 KB at once. */
	uint32_t buf[8192];
	const struct nlmsghdr *h;
	struct nlmsgerr error;
	struct sockaddr_nl from;
	socklen_t fromlen = sizeof(from);
	ssize_t len;

	len = recvfrom(fd, buf, sizeof(buf), MSG_TRUNC,
	    (struct sockaddr *)&from, &fromlen);
	if (len == -1)
		return errno == EINTR ? 0 : -1;
	if ((size_t)len > sizeof(buf) || len == 0) {
		errno = EMSGSIZE;
		return -1;
	}
	if (fromlen != sizeof(from) || from.nl_pid != 0)
		return 0; /* not the kernel */
	for (h = (const struct nlmsghdr *)buf; NLMSG_OK(h, (size_t)len);
	     h = NLMSG_NEXT(h, len)) {
		if (h->nlmsg_type == NLMSG_DONE)
			return 1;
		if (h->nlmsg_type == NLMSG_ERROR) {
			memcpy(&error, NLMSG_DATA(h), sizeof(error));
			errno = error.error == 0 ? EPROTO : -error.error;
			return -1;
		}
		if (h->nlmsg_type == SOCK_DIAG_BY_FAMILY)
			tell(h, each, arg);
	}
	return 0;
}

int
cp_sockdiag_unix(void (*each)(void *arg, uint64_t ino, enum cp_open peer,
		     uint64_t peer_ino),
    void *arg)
{
	int fd, result = -1, saved;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (fd == -1)
		return -1;
	if (request(fd) == 0)
		do
			result = receive(fd, each, arg);
		while (result == 0);
	saved = errno;
	close(fd);
	errno = saved;
	return result == 1 ? 0 : -1;
}
