/* SPDX-License-Identifier: MIT */
/* See reaper.h. */
#include <stddef.h>

#include "admit.h"
#include "closes.h"
#include "company.h"
#include "dismiss.h"
#include "due.h"
#include "gather.h"
#include "idle.h"
#include "journal.h"
#include "left.h"
#include "link.h"
#include "look.h"
#include "reaper.h"
#include "spare.h"
#include "steps.h"
#include "told.h"
#include "unwaited.h"

/* What can't be told now is looked at again after this, then twice that … */
#define FIRST_WAIT_MS	UINT64_C(50)
#define LONGEST_WAIT_MS 60000
/*
 * A fork of the host between fork and exec looks like its heir; it is one if
 * it still is after this time.
 */
#define HEIR_MS 1000
/*
 * The kernel tells of a close before it is done, and whoever closes may have
 * to wait for a processor in between: so many looks more, by the times above.
 */
#define CLOSE_LOOKS 5

/* Of one that was dead before anybody could look its start is seen now. */
static bool
is_zombie(struct cp_ward *w, const struct cp_case *c)
{
	const struct cp_proc *p = cp_census_find(c->index->census, w->pid);

	if (p == NULL || p->state != 'Z')
		return false;
	if (w->start == 0 && p->ppid == w->host->pid)
		w->start = p->start;
	return p->start == w->start;
}

static void
attend_nobody(struct cp_ward *w, const struct cp_case *c)
{
	bool ours = cp_is_frozen(w);

	if (c->index->census->n_faded > 0 && !w->missed) {
		w->missed = true;
		cp_due(w, c->now_ms + CP_SETTLE_MS);
		return;
	}
	cp_dismiss_tell(w, ours ? "ended" : "end",
	    ours ? cp_rule_text(w->rule) : NULL);
	if (is_zombie(w, c) && !w->host->dead) {
		/* Our probes of what the host has of it would be heard. */
		cp_closes_unwatch(w);
		cp_unwaited_keep(w, c->now_ms);
	} else
		cp_facts_forget_ward(w);
}

/* Looks again later, and later each time. */
static void
back_off(struct cp_ward *w, uint64_t now)
{
	uint64_t wait = FIRST_WAIT_MS << (w->rounds < 12 ? w->rounds : 12);

	if (w->rounds < UINT8_MAX)
		w->rounds++;
	cp_due(w, now + (wait < LONGEST_WAIT_MS ? wait : LONGEST_WAIT_MS));
}

/* A pipeline's neighbour: what it has besides may still be the host's. */
static void
attend_spared(struct cp_ward *w, const struct cp_case *c,
    const struct cp_finding *f)
{
	struct cp_host *h;

	if (f->rule != CP_RULE_NEIGHBOUR ||
	    w->channel[0].kind == CP_KIND_NONE ||
	    w->channel[1].kind == CP_KIND_NONE) {
		cp_dismiss(w, "spared", cp_rule_text(f->rule));
		return;
	}
	h = cp_told_host(f->who, c->now_ms);
	if (h == NULL || h->dead) { /* gone since the census */
		back_off(w, c->now_ms);
		return;
	}
	cp_facts_move(w, h);
	cp_due(w, 0);
}

/* The host's fork or successor talks to the ward: it is the host from now. */
static void
attend_heir(struct cp_ward *w, const struct cp_case *c,
    const struct cp_finding *f)
{
	struct cp_host *h = cp_told_host(f->who, c->now_ms);

	back_off(w, c->now_ms);
	if (h == NULL || h->dead)
		return;
	cp_journal(&(struct cp_entry){ .event = "adopted",
	    .reason = cp_rule_text(f->rule),
	    .host = h,
	    .ward = w });
	cp_facts_move(w, h);
	w->image = h->image;
	cp_steps_calm(w);
	w->heir_ms = c->now_ms + HEIR_MS;
}

static void
attend_living(struct cp_ward *w, const struct cp_case *c)
{
	const struct cp_proc *host = cp_census_find(c->index->census,
	    w->host->pid);
	cp_steps_calm(w);
	if (w->shut_ms != 0 && w->rounds == 0 && w->alarms < UINT8_MAX)
		w->alarms++;
	if (!w->host->leaving) /* its exec kept the channels */
		w->host->gone_ms = 0;
	if (host != NULL && host->start == w->host->start && host->image != 0)
		w->image = host->image;
	cp_company_remember(w, c);
	if (w->dead)
		cp_company_watch(w);
	if (c->now_ms < w->heir_ms) {
		back_off(w, c->now_ms);
		return;
	}
	w->heir_ms = 0;
	cp_closes_watch(w, c->now_ms);
	if (w->shut_ms != 0 && !w->linked && w->rounds < CLOSE_LOOKS) {
		back_off(w, c->now_ms);
		return;
	}
	w->shut_ms = 0;
	w->rounds = 0;
	cp_due(w, cp_look_next(w, c->now_ms));
	cp_idle_attended(w, c->now_ms);
}

/* Chosen by what is cheap to see: now that all its company is known, again. */
static void
attend_stale(struct cp_ward *w, const struct cp_case *c,
    const struct cp_finding *f)
{
	if (w->step == CP_STEP_WATCH) {
		cp_company_remember(w, c);
		if (!cp_idle_confirmed(w, c->now_ms)) {
			w->retired = false;
			attend_living(w, c);
			return;
		}
		cp_admit_retired(w, c->now_ms);
	}
	cp_steps_take(w, c, f);
}

/*
 * Of what was guessed the channels that it has, or has left to somebody, are
 * right.  Nobody seen may be somebody overlooked: then it stays a guess.
 */
static void
settle_guess(struct cp_ward *w, const struct cp_case *c)
{
	bool held[2] = { cp_judge_has(c, 0), cp_judge_has(c, 1) };

	if (!held[0] && !held[1])
		return;
	for (int k = 0; k < 2; k++)
		if (!held[k])
			w->channel[k] = (struct cp_channel){
				.kind = CP_KIND_NONE
			};
	w->duplex = held[0] && held[1];
	w->guess = false;
}

static bool
is_proven(const struct cp_finding *f)
{
	return f->verdict >= CP_PARENT_GONE;
}

/* The judge's finding, with what is only looked for if it matters. */
static struct cp_finding
find(struct cp_ward *w, const struct cp_case *c)
{
	struct cp_finding f;

	if (w->guess)
		settle_guess(w, c);
	w->linked = false;
	f = cp_judge(c);
	if (f.verdict == CP_PEER_GONE && w->step <= CP_STEP_DOOMED &&
	    cp_link_found(w)) {
		w->linked = true;
		f = cp_judge(c);
	}
	if (f.verdict == CP_CHILD_GONE && w->step <= CP_STEP_DOOMED) {
		cp_left_listen(w, c);
		f = cp_judge(c);
	}
	if (f.verdict == CP_CHILD_GONE)
		cp_left_excuse(w, c, &f.act_ms);
	return f;
}

static void
act(struct cp_ward *w, const struct cp_case *c, const struct cp_finding *f)
{
	if (is_proven(f) && w->step != CP_STEP_KILL)
		w->rounds = 0;
	if (f->verdict != CP_NOBODY)
		w->missed = false;
	switch (f->verdict) {
	case CP_LIVE:
		attend_living(w, c);
		break;
	case CP_DOUBT:
		back_off(w, c->now_ms);
		break;
	case CP_NOBODY:
		attend_nobody(w, c);
		break;
	case CP_SPARED:
		attend_spared(w, c, f);
		break;
	case CP_ADOPT:
		attend_heir(w, c, f);
		break;
	case CP_PARENT_GONE:
	case CP_PEER_GONE:
	case CP_CHILD_GONE:
		cp_steps_take(w, c, f);
		break;
	case CP_STALE:
		attend_stale(w, c, f);
		break;
	}
}

void
cp_reaper_attend(struct cp_ward *w, const struct cp_case *c)
{
	struct cp_finding f = find(w, c);

	if (f.verdict == CP_CHILD_GONE && cp_left_is_early(w, c)) {
		cp_company_remember(w, c);
		cp_company_watch(w);
		return;
	}
	if (is_proven(&f) && w->step == CP_STEP_WATCH && !w->dead &&
	    cp_spare_matches(c->options->spare, w->pid)) {
		/* It was too early to tell, or it has another name now. */
		w->spare = true;
		f = cp_judge(c);
	}
	act(w, c, &f);
}
