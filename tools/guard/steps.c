/* SPDX-License-Identifier: MIT */
/* See steps.h. */
#include <signal.h>

#include "company.h"
#include "dismiss.h"
#include "due.h"
#include "idle.h"
#include "journal.h"
#include "steps.h"
#include "watch.h"

/* SIGKILL is repeated this often for what forks away or can't die yet. */
#define KILL_AGAIN_MS 100
#define KILL_ROUNDS   50
/* Of what a dry run would end nothing is to be expected before this. */
#define DRY_MS 60000

void
cp_steps_calm(struct cp_ward *w)
{
	struct cp_member *m;

	w->step = CP_STEP_WATCH;
	w->sent = 0;
	w->left = false;
	w->dry = false;
	w->urged = false; /* that was about what is over */
	SLIST_FOREACH(m, &w->members, link)
		m->sent = 0;
}

/* What would be done is told once; under a living host it is shown on. */
static void
stay_dry(struct cp_ward *w, uint64_t now)
{
	if (w->host->dead || w->host->leaving) {
		cp_dismiss(w, "dry-run", cp_rule_text(w->rule));
		return;
	}
	if (!w->dry)
		cp_journal(&(struct cp_entry){ .event = "dry-run",
		    .reason = cp_rule_text(w->rule),
		    .host = w->host,
		    .ward = w });
	w->dry = true;
	w->next_ms = now + DRY_MS;
	cp_due(w, w->next_ms);
}

/* The next step is due: takes it.  term=0 takes two at once. */
static void
advance(struct cp_ward *w, const struct cp_case *c)
{
	uint64_t now = c->now_ms;

	if (c->options->dry_run && !w->urged) {
		stay_dry(w, now);
		return;
	}
	if (w->step == CP_STEP_DOOMED) {
		w->step = CP_STEP_TERM;
		cp_company_signal(w, c, SIGTERM, false);
		w->next_ms = now + c->options->term_ms;
		cp_due(w, w->next_ms);
		if (c->options->term_ms != 0)
			return;
	}
	if (w->step == CP_STEP_TERM) {
		w->step = CP_STEP_KILL;
		w->rounds = 0;
	}
	cp_company_signal(w, c, SIGKILL, w->rounds > 0);
	if (w->rounds++ >= KILL_ROUNDS) {
		cp_dismiss(w, "gave-up", "it does not die of SIGKILL");
		return;
	}
	/* Not from the census on, which for a thousand takes as long. */
	w->next_ms = cp_watch_now() + KILL_AGAIN_MS +
	    cp_facts_wards() / CP_WARDS_PER_MS;
	cp_due(w, w->next_ms);
}

void
cp_steps_take(struct cp_ward *w, const struct cp_case *c,
    const struct cp_finding *f)
{
	struct cp_number numbers[CP_IDLE_NUMBERS];
	bool stale = f->verdict == CP_STALE;

	/* Before the step: from now on nobody gets away. */
	cp_company_remember(w, c);
	if (w->step == CP_STEP_WATCH) {
		w->step = CP_STEP_DOOMED;
		w->rule = (uint8_t)f->rule;
		w->next_ms = f->act_ms;
		cp_facts_tally()->verdicts[f->rule]++;
		cp_idle_numbers(w, c->now_ms, numbers);
		cp_journal(&(struct cp_entry){ .event = "verdict",
		    .reason = cp_rule_text(f->rule),
		    .step = stale ? NULL : "EOF",
		    .host = w->host,
		    .ward = w,
		    .numbers = stale ? numbers : NULL });
	}
	/*
	 * A grace can become shorter (the guard was told to hurry).  What was
	 * silence until now gets the whole grace of what is proven instead.
	 */
	if (w->step == CP_STEP_DOOMED &&
	    (f->act_ms < w->next_ms || w->rule == CP_RULE_CHILD_DIED)) {
		w->next_ms = f->act_ms;
		w->rule = (uint8_t)f->rule;
	}
	if (c->now_ms >= w->next_ms) {
		advance(w, c);
		return;
	}
	/* Somebody was born since the last signal. */
	if (w->step == CP_STEP_TERM)
		cp_company_signal(w, c, SIGTERM, false);
	else if (w->step == CP_STEP_KILL)
		cp_company_signal(w, c, SIGKILL, false);
	else
		cp_company_watch(w);
	cp_due(w, w->next_ms);
}
