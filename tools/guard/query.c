/* SPDX-License-Identifier: MIT */
/* See query.h. */
#include <sys/socket.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "due.h"
#include "journal.h"
#include "judge.h"
#include "query.h"
#include "snapshot.h"
#include "socket.h"
#include "told.h"

/* Whoever asks more often gets the same answer. */
#define FRESH_MS 20

static const struct cp_options *options;
static int file = -1; /* the last snapshot */
static uint64_t file_ms;

void
cp_query_init(const struct cp_options *o)
{
	options = o;
	file = -1; /* the number was the dead guard's: it is another's now */
}

static bool
may_ask(const struct cp_heard *x)
{
	/* A PID of 0 is that of another namespace, as would be all of ours. */
	return x->from.pid > 0 &&
	    (x->from.uid == geteuid() || x->from.uid == 0);
}

/* The answer to X, with the descriptor FD, or -1. */
static void
answer(const struct cp_heard *x, enum cp_msg_type type, uint32_t count, int fd)
{
	struct cp_msg m = { .magic = CP_WIRE_MAGIC,
		.type = (uint16_t)type,
		.count = count };
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov = { &m, sizeof(m) };
	struct msghdr mh = { .msg_name = (void *)(uintptr_t)x->address,
		.msg_namelen = x->address_len,
		.msg_iov = &iov,
		.msg_iovlen = 1 };

	if (fd >= 0) {
		mh.msg_control = &control;
		mh.msg_controllen = sizeof(control);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(&control.align), &fd, sizeof(fd));
	}
	(void)sendmsg(cp_socket(), &mh, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
drop_file(void)
{
	if (file >= 0)
		close(file);
	file = -1;
}

static void
hear_query(const struct cp_heard *x)
{
	if (file < 0 || x->now_ms > file_ms + FRESH_MS) {
		drop_file();
		file = cp_snapshot_take(options, x->now_ms);
		file_ms = x->now_ms;
	}
	if (file >= 0)
		answer(x, CP_MSG_FACTS, 0, file);
}

/* Is W what the PID names: itself, its host, or one of its members? */
static bool
is_meant(const struct cp_ward *w, pid_t pid)
{
	const struct cp_member *m;

	if (pid == 0 || w->pid == pid || w->host->pid == pid)
		return true;
	SLIST_FOREACH(m, &w->members, link)
		if (m->pid == pid)
			return true;
	return false;
}

/* The silence of a dead child's channels is part of the proof: it stays. */
static bool
urge(struct cp_ward *w, bool stale)
{
	if (stale && w->surplus && w->step == CP_STEP_WATCH)
		w->retired = true;
	else if (w->step != CP_STEP_DOOMED || w->rule == CP_RULE_CHILD_DIED)
		return w->step > CP_STEP_DOOMED;
	w->urged = true;
	return true;
}

static void
hear_reap(const struct cp_heard *x)
{
	uint32_t n = 0;

	for (struct cp_ward *w = cp_facts_next_ward(NULL); w != NULL;
	     w = cp_facts_next_ward(w)) {
		if (!is_meant(w, x->msg.pid) || w->unwaited_ms != 0 ||
		    !urge(w, (x->msg.flags & CP_REAP_STALE) != 0))
			continue;
		n++;
		if (w->urged)
			cp_due(w, x->now_ms);
	}
	answer(x, CP_MSG_ANSWER, n, -1);
}

static int
attach(const struct cp_heard *x)
{
	pid_t pid = x->msg.pid;
	struct cp_host *h;
	uid_t owner;

	if (pid <= 1 || pid == getpid())
		return EINVAL;
	owner = cp_trust_owner(pid);
	if (owner == (uid_t)-1)
		return ESRCH;
	if (x->from.uid != 0 && x->from.uid != owner)
		return EPERM;
	h = cp_told_host(pid, x->now_ms);
	if (h == NULL)
		return errno;
	if (h->dead)
		return ESRCH;
	if (h->census)
		return EALREADY;
	h->census = h->attached = true;
	h->look_ms = x->now_ms;
	cp_journal(&(struct cp_entry){ .event = "attached", .host = h });
	return 0;
}

/* As if it had ended, with nothing left: it and its wards are forgotten. */
static int
detach(const struct cp_heard *x)
{
	struct cp_host *h = cp_facts_find_host(x->msg.pid);
	struct cp_ward *w;

	if (h == NULL || h->dead || !h->attached)
		return ESRCH;
	if (x->from.uid != 0 && x->from.uid != cp_trust_owner(h->pid))
		return EPERM;
	cp_journal(&(struct cp_entry){ .event = "detached", .host = h });
	while ((w = LIST_FIRST(&h->wards)) != NULL)
		cp_facts_forget_ward(w);
	h->dead = true;
	if (h->pidfd >= 0)
		close(h->pidfd);
	h->pidfd = -1;
	return 0;
}

void
cp_query_hear(const struct cp_heard *x)
{
	if (!may_ask(x)) {
		answer(x, CP_MSG_ANSWER, EACCES, -1);
		return;
	}
	if (x->msg.type == CP_MSG_QUERY) {
		hear_query(x);
		return;
	}
	drop_file(); /* who gives an order wants to see what it did */
	if (x->msg.type == CP_MSG_REAP)
		hear_reap(x);
	else if (x->msg.type == CP_MSG_ATTACH)
		answer(x, CP_MSG_ANSWER, (uint32_t)attach(x), -1);
	else if (x->msg.type == CP_MSG_DETACH)
		answer(x, CP_MSG_ANSWER, (uint32_t)detach(x), -1);
}
