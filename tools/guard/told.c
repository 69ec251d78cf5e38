/* SPDX-License-Identifier: MIT */
/* See told.h. */
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../shim/common/procfs.h"
#include "../../shim/common/wire.h"
#include "affairs.h"
#include "due.h"
#include "mailbox.h"
#include "newborn.h"
#include "process.h"
#include "query.h"
#include "told.h"
#include "trust.h"
#include "watch.h"

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76 /* Linux 6.5 */
#endif
#ifndef SCM_PIDFD
#define SCM_PIDFD 0x04
#endif

/*
 * Wards that obey EOF need about this long to be gone.  As long as one follows
 * another a look at them would only be in their way.
 */
#define DEATH_SETTLE_MS 20
#define SETTLE_LEAST_MS 2
#define SETTLE_MORE_MS	10
#define SETTLE_MOST_MS	100
/* So many messages are taken from the socket at once. */
#define BATCH 16

/* After this hosts are looked at for what could not be told. */
#define MISSED_LOOK_MS 1000
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
cp_told_open(int socket)
{
	int on = 1;

	sock = socket;
	queue = queue_size();
	(void)setsockopt(sock, SOL_SOCKET, SO_PASSPIDFD, &on, sizeof(on));
	if (setsockopt(sock, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0) {
		sock = -1; /* the guard that we replace had closed it */
		return errno == EBADF || errno == ENOTSOCK ? 0 : -1;
	}
	return cp_watch_add(sock, CP_TAG_SOCKET, 0, 0);
}

int
cp_told_socket(void)
{
	return sock;
}

struct cp_host *
cp_told_host(pid_t pid, uint64_t now_ms)
{
	struct cp_host *h = cp_facts_host(pid, now_ms);

	if (h != NULL && !h->dead && h->pidfd < 0)
		cp_told_rewatch(h, NULL);
	return h;
}

void
cp_told_rewatch(struct cp_host *h, struct cp_ward *w)
{
	if (w == NULL) {
		if (h->dead)
			return;
		h->pidfd = cp_watch_pidfd(h->pid, h->start);
		if (h->pidfd >= 0)
			(void)cp_watch_add(h->pidfd, CP_TAG_HOST,
			    cp_facts_host_index(h), h->serial);
		else if (errno == ESRCH)
			h->dead = true;
		return;
	}
	if (w->dead)
		return;
	w->pidfd = cp_watch_pidfd(w->pid, w->start);
	if (w->pidfd >= 0)
		(void)cp_watch_add(w->pidfd, CP_TAG_WARD,
		    cp_facts_ward_index(w), w->serial);
	else if (errno == ESRCH)
		w->dead = true;
}

void
cp_told_answer(struct cp_host *h)
{
	struct cp_msg m = { .magic = CP_WIRE_MAGIC, .type = CP_MSG_GONE };
	struct sockaddr_un to;
	struct cp_ward *w;

	if (!h->leaving || h->reply_len == 0)
		return;
	LIST_FOREACH(w, &h->wards, sibling)
		if (w->duplex && w->unwaited_ms == 0)
			return;
	m.count = h->ended;
	memcpy(&to, h->reply, h->reply_len);
	(void)sendto(sock, &m, sizeof(m), MSG_DONTWAIT | MSG_NOSIGNAL,
	    (struct sockaddr *)&to, h->reply_len);
	h->reply_len = 0;
}

void
cp_told_reply(const struct cp_heard *x, int error)
{
	struct cp_msg m = { .magic = CP_WIRE_MAGIC,
		.type = CP_MSG_ANSWER,
		.count = (uint32_t)error,
		.thread = x->msg.thread,
		.key = x->msg.key };

	(void)sendto(sock, &m, sizeof(m), MSG_DONTWAIT | MSG_NOSIGNAL,
	    (const struct sockaddr *)x->address, x->address_len);
}

/* Does it say something of wards that must be known for that? */
static bool
is_of_wards(uint16_t type)
{
	return type != CP_MSG_WARD && type != CP_MSG_MADE &&
	    type != CP_MSG_ASK && type != CP_MSG_MAILBOX;
}

static void
hear_ward(struct cp_heard *x)
{
	if ((x->msg.flags & CP_WARD_UNDO) != 0)
		(void)cp_mailbox_read(x->now_ms);
	cp_newborn_hear(x);
	cp_mailbox_promise(x->msg.pid == 0 ? x->msg.host : x->from.pid,
	    x->now_ms);
}

static void
hear(struct cp_heard *x)
{
	if (x->msg.magic != CP_WIRE_MAGIC)
		return;
	if (is_of_wards(x->msg.type)) {
		(void)cp_mailbox_read(x->now_ms);
		cp_newborn_attend(x->now_ms, CP_NEWBORN_ALL);
	}
	if (x->msg.type >= CP_MSG_QUERY) {
		if (x->address_len > sizeof(sa_family_t))
			cp_query_hear(x);
		return;
	}
	if (x->from.pid <= 0)
		return;
	x->msg.name[sizeof(x->msg.name) - 1] = '\0';
	if (x->msg.type == CP_MSG_WARD)
		hear_ward(x);
	else if (x->msg.type == CP_MSG_MAILBOX)
		cp_mailbox_offered(x, x->file);
	/* The rest is of interest only as long as its sender lives. */
	else if (cp_trust_is_ours(x) && !cp_trust_has_ended(x))
		cp_affairs_hear(x);
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
open_letter(struct letter *l, struct mmsghdr *v)
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

void
cp_told_missed(uint64_t now_ms)
{
	uint64_t at = now_ms + MISSED_LOOK_MS;

	for (struct cp_host *h = cp_facts_next_host(NULL); h != NULL;
	     h = cp_facts_next_host(h))
		if (!h->dead && (h->look_ms == 0 || h->look_ms > at))
			h->look_ms = at;
}

int
cp_told_hear(uint64_t now_ms, int max)
{
	struct letter letters[BATCH];
	struct mmsghdr v[BATCH];
	int n = 0, got = BATCH;

	while (n < max && sock >= 0 && got == BATCH) {
		got = receive(letters, v, max - n, now_ms);
		for (int i = 0; i < got; i++)
			open_letter(&letters[i], &v[i]);
		n += got;
	}
	/* A child may have given up: no host is held up for long. */
	if (n > queue)
		cp_told_missed(now_ms);
	return n;
}

int
cp_told_queue(void)
{
	return queue;
}

int
cp_told_retire(uint64_t now_ms)
{
	int n = 0;

	if (sock < 0)
		return 0;
	(void)shutdown(sock, SHUT_RD);
	n = cp_told_hear(now_ms, INT32_MAX);
	close(sock);
	sock = -1;
	return n + cp_mailbox_close(0, now_ms);
}

void
cp_told_died(struct cp_host *h, uint64_t now_ms, bool at_once)
{
	uint64_t at = now_ms + (at_once ? SETTLE_LEAST_MS : DEATH_SETTLE_MS);
	struct cp_ward *w;

	h->dead = true;
	h->settle_ms = at;
	h->settle_most_ms = now_ms + SETTLE_MOST_MS;
	if (h->gone_ms == 0 || !h->leaving)
		h->gone_ms = now_ms;
	h->look_ms = 0;
	h->reply_len = 0;
	if (h->pidfd >= 0)
		close(h->pidfd);
	h->pidfd = -1;
	LIST_FOREACH(w, &h->wards, sibling)
		if (w->step <= CP_STEP_DOOMED || w->unwaited_ms != 0)
			cp_due(w, at);
}

bool
cp_told_is_dying(struct cp_host *h, uint64_t now_ms)
{
	if (h->asked_ms != now_ms)
		h->dying = cp_process_is_dying(h->pid);
	h->asked_ms = now_ms;
	return h->dying;
}

void
cp_told_ward_died(const struct cp_ward *w, uint64_t now_ms)
{
	struct cp_host *h = w->host;
	uint64_t at = now_ms + SETTLE_MORE_MS;

	if (at > h->settle_most_ms)
		at = h->settle_most_ms;
	if (h->settle_ms != 0 && h->settle_ms < at)
		h->settle_ms = at;
}
