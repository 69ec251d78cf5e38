/* SPDX-License-Identifier: MIT */
/* See death.h. */
#include <unistd.h>

#include "death.h"
#include "due.h"
#include "process.h"

/*
 * From the host's death to the look, at least.  As long as one ward ends after
 * another it would only be in their way: it waits for more, but not for ever.
 */
#define SETTLE_LEAST_MS 1
#define SETTLE_MORE_MS	10
#define SETTLE_MOST_MS	100

bool
cp_death_is_near(struct cp_host *h, uint64_t now_ms)
{
	if (h->asked_ms != now_ms)
		h->dying = cp_process_is_dying(h->pid);
	h->asked_ms = now_ms;
	return h->dying;
}

void
cp_death_of_host(struct cp_host *h, uint64_t now_ms, bool at_once)
{
	uint64_t at = now_ms + (at_once ? SETTLE_LEAST_MS : CP_DEATH_SETTLE_MS);
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

void
cp_death_of_ward(const struct cp_ward *w, uint64_t now_ms)
{
	struct cp_host *h = w->host;
	uint64_t at = now_ms + SETTLE_MORE_MS;

	if (at > h->settle_most_ms)
		at = h->settle_most_ms;
	if (h->settle_ms != 0 && h->settle_ms < at)
		h->settle_ms = at;
}

bool
cp_death_is_awaited(struct cp_ward *w, uint64_t now_ms)
{
	struct cp_host *h = w->host;

	if (!h->dead && w->shut_ms != 0 && now_ms < w->shut_ms + CP_DYING_MS &&
	    cp_death_is_near(h, now_ms)) {
		cp_due(w, w->shut_ms + CP_DYING_MS);
		return true;
	}
	if (!h->dead || h->settle_ms == 0)
		return false;
	if (now_ms < h->settle_ms) {
		cp_due(w, h->settle_ms);
		return true;
	}
	h->settle_ms = 0;
	return false;
}
