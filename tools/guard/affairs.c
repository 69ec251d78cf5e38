/* SPDX-License-Identifier: MIT */
/* See affairs.h. */
#include <string.h>

#include "admit.h"
#include "affairs.h"
#include "due.h"
#include "journal.h"
#include "told.h"

/* From what a host says of itself to the look: most is over by then. */
#define LEAVE_SETTLE_MS 5
#define EXEC_SETTLE_MS	50
#define MADE_LOOK_MS	100
/* How far up a member looks for the ward that it belongs to. */
#define ANCESTORS_MAX 16

/*
 * A helper that is to become a ward does so when it comes to it: it is looked
 * for now, whatever the calm, and once more.
 */
static void
hear_made(const struct cp_heard *x)
{
	struct cp_host *h = cp_told_host(x->from.pid, x->now_ms);
	bool helper = (x->msg.flags & CP_WARD_GUESS) != 0;
	uint64_t at = x->now_ms + MADE_LOOK_MS;

	if (h == NULL || h->dead)
		return;
	if (helper)
		h->looks = 1;
	else if (at < h->calm_ms)
		at = h->calm_ms;
	if (h->look_ms == 0 || (helper && at < h->look_ms))
		h->look_ms = at;
}

static void
hear_leave(const struct cp_heard *x)
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
				cp_due(w, x->now_ms + LEAVE_SETTLE_MS);
	}
	cp_told_answer(h);
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
hear_member(const struct cp_heard *x)
{
	struct cp_ward *w = ward_above(x->from.pid);
	struct cp_stat st;

	if (w != NULL && cp_procfs_stat(x->from.pid, &st) == 0)
		(void)cp_facts_member(w, st.pid, st.start);
}

/* daemon(3): a fork copy of the host goes on with its wards. */
static void
hear_heir(const struct cp_heard *x)
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
hear_census_host(const struct cp_heard *x)
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
hear_exec(const struct cp_heard *x)
{
	struct cp_host *h = cp_facts_find_host(x->from.pid);
	struct cp_ward *w;

	if (h == NULL || h->dead)
		return;
	h->gone_ms = x->now_ms;
	LIST_FOREACH(w, &h->wards, sibling)
		cp_due(w, x->now_ms + EXEC_SETTLE_MS);
}

/* Not registered yet, and its key may be refused. */
static void
hear_ask(const struct cp_heard *x)
{
	struct cp_host *h = cp_told_host(x->from.pid, x->now_ms);
	bool undo = (x->msg.flags & CP_WARD_UNDO) != 0;
	struct cp_request request = { .host = h,
		.key = x->msg.key,
		.thread = x->msg.thread,
		.asks = true,
		.name = x->msg.name,
		.now_ms = x->now_ms };
	bool known = h != NULL && !h->dead;

	if (undo && known)
		cp_admit_give_back(&request);
	if (!undo)
		cp_told_reply(x, known ? cp_admit(&request) : 0);
}

void
cp_affairs_hear(const struct cp_heard *x)
{
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
	case CP_MSG_ASK:
		hear_ask(x);
		break;
	}
}
