/* SPDX-License-Identifier: MIT */
/* See told.h. */
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "../../shim/common/procfs.h"
#include "../../shim/common/wire.h"
#include "admit.h"
#include "affairs.h"
#include "idle.h"
#include "journal.h"
#include "query.h"
#include "told.h"
#include "traffic.h"
#include "trust.h"
#include "watch.h"

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76 /* Linux 6.5 */
#endif
#ifndef SCM_PIDFD
#define SCM_PIDFD 0x04
#endif

/* Wards that obey EOF need about this long to be gone. */
#define DEATH_SETTLE_MS 20
#define DEAD_LOOK_MS	1

static int sock = -1;

int
cp_told_open(int socket)
{
	int on = 1;

	sock = socket;
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

static bool
sane_channel(const struct cp_channel *ch)
{
	return ch->kind == CP_KIND_NONE ||
	    ((ch->kind == CP_KIND_PIPE || ch->kind == CP_KIND_UNIX ||
		 ch->kind == CP_KIND_PTY) &&
		ch->access != 0 && (ch->access & ~(CP_READ | CP_WRITE)) == 0 &&
		ch->kept != CP_KEPT_NO);
}

/* A pty's host knows its number only; the child itself also told its mark. */
static void
set_channel(struct cp_channel *old, const struct cp_channel *new)
{
	uint64_t mark = old->kind == CP_KIND_PTY && new->kind == CP_KIND_PTY &&
		old->child == new->child ?
	    old->host :
	    0;

	*old = *new;
	if (old->kind == CP_KIND_PTY && old->host == 0)
		old->host = mark;
}

static void
set_channels(struct cp_ward *w, const struct cp_channel channel[2], bool any)
{
	set_channel(&w->channel[0], &channel[0]);
	set_channel(&w->channel[1], &channel[1]);
	w->duplex = channel[0].kind != CP_KIND_NONE &&
	    channel[1].kind != CP_KIND_NONE;
	w->any = any && channel[0].kind == CP_KIND_NONE &&
	    channel[1].kind == CP_KIND_NONE;
}

static void
watch_ward(struct cp_ward *w, struct cp_heard *x, bool itself)
{
	if (w->pidfd >= 0)
		return;
	if (itself && x->pidfd >= 0) {
		w->pidfd = x->pidfd;
		x->pidfd = -1;
		if (cp_watch_ended(w->pidfd))
			w->dead = true;
		(void)cp_watch_add(w->pidfd, CP_TAG_WARD,
		    cp_facts_ward_index(w), w->serial);
		return;
	}
	cp_told_rewatch(w->host, w);
}

/* A ward that was admitted before may say so again. */
static bool
is_known(pid_t pid, const struct cp_stat *st)
{
	const struct cp_ward *w = cp_facts_find_ward(pid);

	return w != NULL && !w->dead && w->start == st->start;
}

/* May the ward, registered by now, be?  It may be gone afterwards. */
static void
admit(struct cp_ward *w, const struct cp_heard *x, bool known)
{
	bool asks = (x->msg.flags & CP_WARD_ASK) != 0;
	int error = known ? 0 :
			    cp_admit(&(struct cp_request){ .host = w->host,
				.key = w->key,
				.thread = w->thread,
				.ward = w,
				.asks = asks,
				.name = w->name,
				.now_ms = x->now_ms });

	if (!asks)
		return;
	cp_told_reply(x, error);
	if (error != 0)
		cp_facts_forget_ward(w);
}

/* Of a dead child the sooner, the less is missed of what moves on. */
static uint64_t
first_look(const struct cp_ward *w)
{
	if (w->host->dead)
		return DEATH_SETTLE_MS;
	return w->dead ? DEAD_LOOK_MS : CP_LOOK_MS;
}

static void
hear_ward(struct cp_heard *x)
{
	const struct cp_msg *m = &x->msg;
	bool itself = m->pid == 0;
	pid_t pid = itself ? x->from.pid : m->pid;
	pid_t host = itself ? m->host : x->from.pid;
	struct cp_stat st = { 0 };
	struct cp_host *h;
	struct cp_ward *w;
	bool known;

	if (pid <= 1 || host <= 0 || pid == host ||
	    !sane_channel(&m->channel[0]) || !sane_channel(&m->channel[1]))
		return;
	if (cp_procfs_stat(pid, &st) != 0 ||
	    (itself && st.state != 'Z' && cp_trust_has_ended(x))) {
		/*
		 * Dead already, and the PID may be another's; what it forked
		 * may hold its channels on.
		 */
		st = (struct cp_stat){ .pid = pid };
	}
	if (itself)
		host = cp_trust_host(pid, host, &st);
	if (host <= 0 || !cp_trust_child(x, pid, host, &st))
		return;
	if ((m->flags & CP_WARD_UNDO) != 0) {
		w = cp_facts_find_ward(pid);
		if (w != NULL && w->start == st.start &&
		    (itself || w->host->pid == host))
			cp_facts_forget_ward(w);
		return;
	}
	known = is_known(pid, &st);
	h = cp_told_host(host, x->now_ms);
	w = h == NULL ? NULL : cp_facts_ward(h, pid, st.start, x->now_ms);
	if (w == NULL) {
		cp_journal_note("table-full", "a child stays unguarded",
		    ENOSPC);
		return;
	}
	set_channels(w, m->channel, (m->flags & CP_WARD_ANY) != 0);
	memcpy(w->name, m->name, sizeof(w->name) - 1);
	w->uid = x->from.uid;
	w->image = m->image;
	if (m->key != 0) { /* a host that adds to it may not know */
		w->thread = m->thread;
		w->key = m->key;
	}
	w->guess = (m->flags & CP_WARD_GUESS) != 0;
	w->leader = st.sid == pid;
	w->looked = false;
	w->dead = cp_trust_is_dead(&st);
	w->died_ms = 0;
	if (!w->dead)
		watch_ward(w, x, itself);
	if (w->dead)
		cp_traffic_child_died(w, x->now_ms);
	cp_facts_due(w, x->now_ms + first_look(w));
	cp_idle_meet(w, x->now_ms); /* before it is told to go on */
	admit(w, x, known);
}

struct cp_ward *
cp_told_found(struct cp_host *h, pid_t pid, uint64_t start,
    const struct cp_channel channel[2], uint64_t now_ms)
{
	struct cp_stat st;
	struct cp_ward *w;

	(void)cp_facts_host(h->pid, now_ms); /* it may have exec'd since */
	w = cp_facts_ward(h, pid, start, now_ms);
	if (w == NULL)
		return NULL;
	set_channels(w, channel, true);
	w->uid = cp_trust_owner(pid);
	if (cp_procfs_stat(pid, &st) != 0 || st.start != start) {
		cp_facts_forget_ward(w);
		return NULL;
	}
	w->leader = st.sid == pid;
	memcpy(w->name, st.comm, sizeof(st.comm));
	cp_told_rewatch(h, w);
	cp_facts_due(w, now_ms + CP_LOOK_MS);
	cp_idle_meet(w, now_ms);
	return w;
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

static void
hear(struct cp_heard *x)
{
	if (x->msg.magic != CP_WIRE_MAGIC)
		return;
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
	/* The rest is of interest only as long as its sender lives. */
	else if (cp_trust_is_ours(x) && !cp_trust_has_ended(x))
		cp_affairs_hear(x);
}

/* Takes credentials and pidfd out of the control data. */
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
			int fd;
			size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(fd);

			for (size_t i = 0; i < n; i++) {
				memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd),
				    sizeof(fd));
				close(fd);
			}
		}
	}
	return known;
}

int
cp_told_hear(uint64_t now_ms, int max)
{
	int n;

	for (n = 0; n < max && sock >= 0; n++) {
		union {
			char buf[512];
			struct cmsghdr align;
		} control;
		struct sockaddr_un from = { 0 };
		struct cp_heard x = { .pidfd = -1, .now_ms = now_ms };
		struct iovec iov = { &x.msg, sizeof(x.msg) };
		struct msghdr mh = { .msg_name = &from,
			.msg_namelen = sizeof(from),
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof(control) };
		ssize_t got = recvmsg(sock, &mh,
		    MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

		if (got < 0)
			break;
		x.address = &from;
		x.address_len = mh.msg_namelen;
		if (attested(&mh, &x) && got == (ssize_t)sizeof(x.msg) &&
		    (mh.msg_flags & MSG_TRUNC) == 0)
			hear(&x);
		if (x.pidfd >= 0)
			close(x.pidfd);
	}
	return n;
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
	return n;
}

void
cp_told_died(struct cp_host *h, uint64_t now_ms, bool at_once)
{
	struct cp_ward *w;

	h->dead = true;
	if (h->gone_ms == 0 || !h->leaving)
		h->gone_ms = now_ms;
	h->look_ms = 0;
	h->reply_len = 0;
	if (h->pidfd >= 0)
		close(h->pidfd);
	h->pidfd = -1;
	LIST_FOREACH(w, &h->wards, sibling)
		if (w->step <= CP_STEP_DOOMED || w->unwaited_ms != 0)
			cp_facts_due(w,
			    now_ms + (at_once ? 0 : DEATH_SETTLE_MS));
}
