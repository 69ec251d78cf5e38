/* SPDX-License-Identifier: MIT */
/* See left.h. */
#include <stddef.h>

#include "closes.h"
#include "company.h"
#include "due.h"
#include "journal.h"
#include "left.h"
#include "traffic.h"

/* So long after the end of a direct child it is said that others stay. */
#define NEWS_MS 50
/* So late we only are when all of us were stopped: a frozen container. */
#define LATE_MS 1000

/*
 * Of what was said before anybody listened there is no trace: but who has never
 * written a byte has not answered anybody either, and whom nobody can ask any
 * more has no session.
 */
static bool
may_have_answered(const struct cp_case *c)
{
	const struct cp_channel *in = &c->ward->channel[0];
	const struct cp_truth *t = cp_census_truth(c->index->census, in->kind,
	    in->child);

	if (t != NULL &&
	    (in->kind == CP_KIND_PIPE ? t->writers : t->peer) == CP_OPEN_NO)
		return false;
	return cp_company_has_written(c);
}

/*
 * Whoever holds the channels may be about to end, and what it has left not be
 * in the census yet: that nobody can be listened to is believed the second
 * time.  Until then there is no hurry.
 */
static bool
may_try_again(struct cp_ward *w)
{
	bool first = !w->deaf;

	w->deaf = true;
	return first;
}

/* Has nothing been said since the child's death? */
static bool
is_silent(struct cp_ward *w, const struct cp_case *c)
{
	const struct cp_traffic *t = cp_traffic_of(w);

	if (w->unheard == CP_UNHEARD_ALL)
		return false;
	if (t == NULL) {
		if (cp_traffic_watch(w, CP_TRAFFIC_GONE, c->now_ms) != 0 &&
		    !may_try_again(w))
			return false;
		w->died_ms = c->now_ms; /* the silence counts from now */
	} else if (t->moved_ms >= w->died_ms)
		return false;
	return w->unheard == CP_HEARD || !may_have_answered(c);
}

void
cp_left_listen(struct cp_ward *w, const struct cp_case *c)
{
	cp_company_remember(w, c); /* through whom it can be done */
	cp_closes_watch(w, c->now_ms);
	if (is_silent(w, c)) {
		w->unheard = CP_HEARD;
		return;
	}
	w->handed = true;
	cp_journal(&(struct cp_entry){ .event = "handed-over",
	    .reason = cp_traffic_of(w) == NULL || w->unheard != CP_HEARD ?
		"nobody can tell whether bytes have moved" :
		"bytes move on its channels without it",
	    .host = w->host,
	    .ward = w });
	cp_traffic_unwatch(w, CP_TRAFFIC_GONE);
}

bool
cp_left_is_early(struct cp_ward *w, const struct cp_case *c)
{
	uint64_t news = w->died_ms + NEWS_MS, over;

	over = w->died_ms + c->options->grace_ms / 2;
	if (over < news)
		news = over;
	if (w->step != CP_STEP_WATCH || c->now_ms >= news)
		return false;
	w->left = true;
	cp_due(w, news);
	return true;
}

static bool
is_stopped(const struct cp_case *c)
{
	const struct cp_proc *p = cp_census_find(c->index->census,
	    c->ward->host->pid);

	return p != NULL && (p->state == 'T' || p->state == 't');
}

/*
 * When a stopped host went on nobody knows: so it has the whole time once more.
 * That it is stopped is looked at once a second at most.
 */
void
cp_left_excuse(struct cp_ward *w, const struct cp_case *c, uint64_t *over_ms)
{
	bool set = w->step == CP_STEP_DOOMED && w->rule == CP_RULE_CHILD_DIED;
	uint64_t over = set && w->next_ms > *over_ms ? w->next_ms : *over_ms;
	uint32_t grace = c->options->grace_ms;
	bool muted = w->muted;

	if (w->step > CP_STEP_DOOMED || w->urged)
		return;
	*over_ms = over;
	if (c->now_ms < over)
		return;
	w->muted = is_stopped(c);
	if (!muted && !w->muted && c->now_ms < over + LATE_MS)
		return;
	w->died_ms = c->now_ms;
	*over_ms = c->now_ms + (grace > LATE_MS ? grace : LATE_MS);
}
