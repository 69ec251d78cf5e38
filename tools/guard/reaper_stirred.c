/* SPDX-License-Identifier: MIT */
/* What wakes the reaper; see reaper.h. */
#include <unistd.h>

#include "death.h"
#include "due.h"
#include "reaper.h"
#include "steps.h"
#include "told.h"
#include "traffic.h"
#include "watch.h"

/*
 * One that ends sooner than this has started somebody else, who may talk before
 * its end is seen: for that a processor must be free.  Measured with both busy:
 * up to 16 of 40 sessions had said their only word by then.
 */
#define STARTER_MS 200

/*
 * What SIGKILL has hit ends as fast as the processors can clear it away, and a
 * census in between would only take its share of them: one is due for all who
 * end in a time that grows with their number.
 */
static uint64_t
settled(const struct cp_ward *w, uint64_t now_ms)
{
	static uint64_t all;

	if (w->step != CP_STEP_KILL)
		return now_ms + CP_SETTLE_MS;
	if (all <= now_ms)
		all = now_ms + CP_SETTLE_MS +
		    cp_facts_wards() / CP_WARDS_PER_MS;
	return all;
}

static void
child_ended(struct cp_ward *w, uint64_t now_ms)
{
	w->dead = true;
	w->died_ms = now_ms;
	if (now_ms - w->born_ms < STARTER_MS && cp_traffic_of(w) == NULL)
		w->unheard = CP_UNHEARD_START;
	/* With its host: nobody will talk to what it has left. */
	if (w->shut_ms == 0 || !cp_death_is_near(w->host, now_ms))
		cp_traffic_child_died(w, now_ms);
	cp_death_of_ward(w, now_ms);
}

void
cp_reaper_watch_again(struct cp_ward *w, uint64_t now_ms)
{
	if (!w->unwatched || w->dead)
		return;
	cp_told_rewatch(w->host, w);
	if (w->dead)
		child_ended(w, now_ms);
}

void
cp_reaper_stirred(struct cp_ward *w, uint64_t now_ms)
{
	struct cp_member *m;
	bool anyone = false;
	uint64_t at;

	if (w->pidfd >= 0 && cp_watch_ended(w->pidfd)) {
		close(w->pidfd);
		w->pidfd = -1;
		child_ended(w, now_ms);
	}
	SLIST_FOREACH(m, &w->members, link) {
		if (m->pidfd >= 0 && cp_watch_ended(m->pidfd)) {
			close(m->pidfd);
			m->pidfd = -1;
		}
		anyone = anyone || m->pidfd >= 0;
	}
	if (w->pidfd >= 0 || (anyone && w->step != CP_STEP_WATCH))
		return;
	at = settled(w, now_ms);
	if (w->due_ms == 0 || w->due_ms > at)
		cp_due(w, at);
}
