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
#include "journal.h"
#include "told.h"
#include "watch.h"

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76 /* Linux 6.5 */
#endif
#ifndef SCM_PIDFD
#define SCM_PIDFD 0x04
#endif

/* Wards that obey EOF need about this long to be gone. */
#define DEATH_SETTLE_MS 20
#define LEAVE_SETTLE_MS 5
#define EXEC_SETTLE_MS	50
#define MADE_LOOK_MS	100
/* How far up a member looks for the ward that it belongs to. */
#define ANCESTORS_MAX 16

/* One message as it was heard. */
struct heard {
	struct cp_msg msg;
	struct ucred from;
	int pidfd; /* of the sender, or -1 */
	const struct sockaddr_un *address;
	socklen_t address_len;
	uint64_t now_ms;
};

static int sock = -1;

int
cp_told_open(int socket)
{
	int on = 1;

	sock = socket;
	(void)setsockopt(sock, SOL_SOCKET, SO_PASSPIDFD, &on, sizeof(on));
	if (setsockopt(sock, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0)
		return -1;
	return cp_watch_add(sock, CP_TAG_SOCKET, 0, 0);
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
set_channels(struct cp_ward *w, const struct cp_channel channel[2])
{
	set_channel(&w->channel[0], &channel[0]);
	set_channel(&w->channel[1], &channel[1]);
	w->duplex = channel[0].kind != CP_KIND_NONE &&
	    channel[1].kind != CP_KIND_NONE;
}

/*
 * Has whoever sent this ended?  Its PID may be another's by now.  Without a
 * pidfd (before Linux 6.5) only one whose PID is free, or still its own as a
 * zombie, is known to have.
 */
static bool
sender_ended(const struct heard *x)
{
	struct cp_stat st;

	if (x->pidfd >= 0)
		return cp_watch_ended(x->pidfd);
	if (cp_procfs_stat(x->from.pid, &st) == 0)
		return st.state == 'Z' && st.threads < 2;
	return kill(x->from.pid, 0) != 0 && errno == ESRCH;
}

static uid_t
owner_of(pid_t pid)
{
	char path[32];
	struct stat st;

	if (cp_procfs_path(path, sizeof(path), pid, "") == 0 ||
	    stat(path, &st) != 0)
		return (uid_t)-1;
	return st.st_uid;
}

static bool
is_dead(const struct cp_stat *st)
{
	return st->start == 0 || st->state == 'Z' || st->state == 'X';
}

/* Does PID have on fd 0 or 1 what was told of it? */
static bool
has_channels(pid_t pid, const struct cp_channel ch[2])
{
	struct cp_end_id end;

	for (int fd = 0; fd < 2; fd++)
		if (ch[fd].kind != CP_KIND_NONE &&
		    cp_procfs_end(pid, fd, &end) == 0 &&
		    end.kind == ch[fd].kind && end.ino == ch[fd].child)
			return true;
	return false;
}

/* The inode of a process's PID namespace, or 0. */
static ino_t
namespace_of(pid_t pid)
{
	char path[CP_PATH_SIZE];
	struct stat st;

	if (cp_procfs_path(path, sizeof(path), pid, "/ns/pid") == 0 ||
	    stat(path, &st) != 0)
		return 0;
	return st.st_ino;
}

/*
 * Whom a child means by HOST.  In a PID namespace of its own it counts
 * otherwise than we do; its parent's number is told by the kernel.
 */
static pid_t
host_meant(pid_t child, pid_t host, const struct cp_stat *st)
{
	ino_t ns;

	if (st->start == 0 || st->ppid == host)
		return host;
	ns = namespace_of(child);
	return ns == 0 || ns == namespace_of(getpid()) ? host : st->ppid;
}

/*
 * May this sender register the child PID of HOST?  A child speaks for itself,
 * a host for its own children.  If the host is dead by now nobody can tell
 * whose child it was, nor, if it was in another PID namespace, who has that
 * number here: then PID must have the channels that were told.
 */
static bool
credible(const struct heard *x, pid_t pid, pid_t host, const struct cp_stat *st)
{
	bool ours = x->from.uid == geteuid() || x->from.uid == 0;

	if (pid != x->from.pid)
		return ours && host == x->from.pid &&
		    (st->ppid == host || st->start == 0 ||
			(sender_ended(x) &&
			    (is_dead(st) ||
				has_channels(pid, x->msg.channel))));
	/* One that has given up its uid is the child of a process of ours. */
	return ours || (st->ppid == host && owner_of(host) == geteuid());
}

static void
watch_ward(struct cp_ward *w, struct heard *x, bool itself)
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

static void
hear_ward(struct heard *x)
{
	const struct cp_msg *m = &x->msg;
	bool itself = m->pid == 0;
	pid_t pid = itself ? x->from.pid : m->pid;
	pid_t host = itself ? m->host : x->from.pid;
	struct cp_stat st = { 0 };
	struct cp_host *h;
	struct cp_ward *w;

	if (pid <= 1 || host <= 0 || pid == host ||
	    !sane_channel(&m->channel[0]) || !sane_channel(&m->channel[1]))
		return;
	if (cp_procfs_stat(pid, &st) != 0 ||
	    (itself && st.state != 'Z' && sender_ended(x))) {
		/*
		 * Dead already, and the PID may be another's; what it forked
		 * may hold its channels on.
		 */
		st = (struct cp_stat){ .pid = pid };
	}
	if (itself)
		host = host_meant(pid, host, &st);
	if (host <= 0 || !credible(x, pid, host, &st))
		return;
	if ((m->flags & CP_WARD_UNDO) != 0) {
		w = cp_facts_find_ward(pid);
		if (w != NULL && w->start == st.start &&
		    (itself || w->host->pid == host))
			cp_facts_forget_ward(w);
		return;
	}
	h = cp_told_host(host, x->now_ms);
	w = h == NULL ? NULL : cp_facts_ward(h, pid, st.start, x->now_ms);
	if (w == NULL) {
		cp_journal_note("table-full", "a child stays unguarded",
		    ENOSPC);
		return;
	}
	set_channels(w, m->channel);
	memcpy(w->name, m->name, sizeof(w->name) - 1);
	w->uid = x->from.uid;
	w->image = m->image;
	w->guess = (m->flags & CP_WARD_GUESS) != 0;
	w->leader = st.sid == pid;
	w->looked = false;
	w->dead = is_dead(&st);
	if (!w->dead)
		watch_ward(w, x, itself);
	cp_facts_due(w, x->now_ms + (h->dead ? DEATH_SETTLE_MS : CP_LOOK_MS));
}

struct cp_ward *
cp_told_found(struct cp_host *h, pid_t pid, uint64_t start,
    const struct cp_channel channel[2], uint64_t now_ms)
{
	struct cp_ward *w = cp_facts_ward(h, pid, start, now_ms);
	struct cp_stat st;

	if (w == NULL)
		return NULL;
	set_channels(w, channel);
	w->uid = owner_of(pid);
	if (cp_procfs_stat(pid, &st) != 0 || st.start != start) {
		cp_facts_forget_ward(w);
		return NULL;
	}
	w->leader = st.sid == pid;
	memcpy(w->name, st.comm, sizeof(st.comm));
	cp_told_rewatch(h, w);
	cp_facts_due(w, now_ms + CP_LOOK_MS);
	return w;
}

static void
hear_made(const struct heard *x)
{
	struct cp_host *h = cp_told_host(x->from.pid, x->now_ms);

	if (h == NULL || h->dead || h->look_ms != 0)
		return;
	h->look_ms = x->now_ms + MADE_LOOK_MS;
	if (h->look_ms < h->calm_ms)
		h->look_ms = h->calm_ms;
}

static void
hear_leave(const struct heard *x)
{
	struct cp_host *h = cp_told_host(x->from.pid, x->now_ms);
	struct cp_ward *w;

	if (h == NULL || x->address_len > sizeof(h->reply))
		return;
	memcpy(h->reply, x->address, x->address_len);
	h->reply_len = (uint8_t)x->address_len;
	if (!h->leaving) {
		h->leaving = true;
		h->gone_ms = x->now_ms;
		LIST_FOREACH(w, &h->wards, sibling)
			if (w->duplex)
				cp_facts_due(w, x->now_ms + LEAVE_SETTLE_MS);
	}
	cp_told_answer(h);
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
		if (w->duplex)
			return;
	m.count = h->ended;
	memcpy(&to, h->reply, h->reply_len);
	(void)sendto(sock, &m, sizeof(m), MSG_DONTWAIT | MSG_NOSIGNAL,
	    (struct sockaddr *)&to, h->reply_len);
	h->reply_len = 0;
}

/* The nearest ancestor of PID that is a ward. */
static struct cp_ward *
ward_above(pid_t pid)
{
	struct cp_stat st;

	for (int i = 0; i < ANCESTORS_MAX && pid > 1; i++) {
		struct cp_ward *w = cp_facts_find_ward(pid);

		if (cp_procfs_stat(pid, &st) != 0)
			return NULL;
		if (w != NULL && !w->dead && w->start == st.start)
			return w;
		pid = st.ppid;
	}
	return NULL;
}

static void
hear_member(const struct heard *x)
{
	struct cp_ward *w = ward_above(x->from.pid);
	struct cp_stat st;

	if (w != NULL && cp_procfs_stat(x->from.pid, &st) == 0)
		(void)cp_facts_member(w, st.pid, st.start);
}

/* daemon(3): a fork copy of the host goes on with its wards. */
static void
hear_heir(const struct heard *x)
{
	struct cp_host *old = cp_facts_find_host(x->msg.pid);
	struct cp_host *h;
	struct cp_ward *w, *next;

	if (old == NULL)
		return;
	h = cp_told_host(x->from.pid, x->now_ms);
	if (h == NULL || h->image == 0 || h->image != old->image)
		return;
	LIST_FOREACH_SAFE(w, &old->wards, sibling, next) {
		cp_facts_move(w, h);
		if (w->step == CP_STEP_DOOMED || w->step == CP_STEP_WATCH)
			w->step = CP_STEP_WATCH;
	}
}

static void
hear_census_host(const struct heard *x)
{
	struct cp_host *h = cp_told_host(x->from.pid, x->now_ms);

	if (h == NULL || h->dead)
		return;
	h->census = true;
	h->look_ms = x->now_ms + MADE_LOOK_MS;
	cp_journal(&(struct cp_entry){ .event = "census-host",
	    .host = h,
	    .reason = "the preload can't reach or see through it" });
}

static void
hear_exec(const struct heard *x)
{
	struct cp_host *h = cp_facts_find_host(x->from.pid);
	struct cp_ward *w;

	if (h == NULL || h->dead)
		return;
	h->gone_ms = x->now_ms;
	LIST_FOREACH(w, &h->wards, sibling)
		cp_facts_due(w, x->now_ms + EXEC_SETTLE_MS);
}

static void
hear(struct heard *x)
{
	bool ours = x->from.uid == geteuid() || x->from.uid == 0;

	if (x->msg.magic != CP_WIRE_MAGIC || x->from.pid <= 0)
		return;
	x->msg.name[sizeof(x->msg.name) - 1] = '\0';
	if (x->msg.type == CP_MSG_WARD) {
		hear_ward(x);
		return;
	}
	/* The rest is of interest only as long as its sender lives. */
	if (!ours || sender_ended(x))
		return;
	switch (x->msg.type) {
	case CP_MSG_MADE:
		hear_made(x);
		break;
	case CP_MSG_LEAVE:
		hear_leave(x);
		break;
	case CP_MSG_MEMBER:
		hear_member(x);
		break;
	case CP_MSG_HEIR:
		hear_heir(x);
		break;
	case CP_MSG_CENSUS_HOST:
		hear_census_host(x);
		break;
	case CP_MSG_EXEC:
		hear_exec(x);
		break;
	}
}

/* Takes credentials and pidfd out of the control data. */
static bool
attested(struct msghdr *mh, struct heard *x)
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
		struct heard x = { .pidfd = -1, .now_ms = now_ms };
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
		if (w->step == CP_STEP_WATCH)
			cp_facts_due(w,
			    now_ms + (at_once ? 0 : DEATH_SETTLE_MS));
}
