/* SPDX-License-Identifier: MIT */
/* See told.h. */
#include <sys/socket.h>

#include <errno.h>
#include <string.h>

#include "../../shim/common/wire.h"
#include "affairs.h"
#include "mailbox.h"
#include "newborn.h"
#include "query.h"
#include "socket.h"
#include "told.h"
#include "trust.h"
#include "watch.h"

/* After this hosts are looked at for what could not be told. */
#define MISSED_LOOK_MS 1000

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
		h->pidfd = cp_watch_keep(cp_watch_pidfd(h->pid, h->start),
		    CP_TAG_HOST, cp_facts_host_index(h), h->serial);
		h->dead = h->pidfd < 0 && errno == ESRCH;
		h->unwatched = h->pidfd < 0 && !h->dead;
		return;
	}
	if (w->dead)
		return;
	w->pidfd = cp_watch_keep(cp_watch_pidfd(w->pid, w->start), CP_TAG_WARD,
	    cp_facts_ward_index(w), w->serial);
	w->dead = w->pidfd < 0 && errno == ESRCH;
	w->unwatched = w->pidfd < 0 && !w->dead;
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
	(void)sendto(cp_socket(), &m, sizeof(m), MSG_DONTWAIT | MSG_NOSIGNAL,
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

	(void)sendto(cp_socket(), &m, sizeof(m), MSG_DONTWAIT | MSG_NOSIGNAL,
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
	int n = cp_socket_hear(now_ms, max, hear);

	/* A child may have given up: no host is held up for long. */
	if (n > cp_socket_queue())
		cp_told_missed(now_ms);
	return n;
}

int
cp_told_retire(uint64_t now_ms)
{
	int n;

	if (!cp_socket_shut())
		return 0;
	n = cp_told_hear(now_ms, INT32_MAX);
	cp_socket_close();
	return n + cp_mailbox_close(0, now_ms);
}
