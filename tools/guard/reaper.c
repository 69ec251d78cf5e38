/* SPDX-License-Identifier: MIT */
/* See reaper.h. */
#include <signal.h>
#include <unistd.h>

#include "admit.h"
#include "closes.h"
#include "company.h"
#include "death.h"
#include "due.h"
#include "gather.h"
#include "idle.h"
#include "journal.h"
#include "link.h"
#include "look.h"
#include "reaper.h"
#include "spare.h"
#include "told.h"
#include "traffic.h"
#include "unwaited.h"
#include "watch.h"

/* Deaths come in bursts: one census serves all of this many milliseconds. */
#define SETTLE_MS 5
/* So many killed processes are cleared away in a millisecond. */
#define WARDS_PER_MS 20
/* SIGKILL is repeated this often for what forks away or can't die yet. */
#define KILL_AGAIN_MS 100
#define KILL_ROUNDS   50
/* So long after the end of a direct child it is said that others stay. */
#define NEWS_MS 50
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

/* All is well after all: should it not last, the steps begin anew. */
static void
calm(struct cp_ward *w)
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

static void
tell_end(struct cp_ward *w, const char *event, const char *reason)
{
	struct cp_host *h = w->host;

	if (w->announced || w->step != CP_STEP_WATCH || reason != NULL)
		cp_journal(&(struct cp_entry){ .event = event,
		    .reason = reason,
		    .host = h,
		    .ward = w,
		    .step = !cp_is_frozen(w)	  ? NULL :
			w->step == CP_STEP_KILL	  ? "KILL" :
			w->step == CP_STEP_TERM	  ? "TERM" :
			w->step == CP_STEP_DOOMED ? "EOF" :
						    NULL });
	if (cp_is_frozen(w)) {
		h->ended++;
		cp_facts_tally()->reaped[w->rule][w->step]++;
	} else
		cp_facts_tally()->ended++;
}

static void
dismiss(struct cp_ward *w, const char *event, const char *reason)
{
	tell_end(w, event, reason);
	cp_facts_forget_ward(w);
}

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
		cp_due(w, c->now_ms + SETTLE_MS);
		return;
	}
	tell_end(w, ours ? "ended" : "end",
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

/* What would be done is told once; under a living host it is shown on. */
static void
stay_dry(struct cp_ward *w, uint64_t now)
{
	if (w->host->dead || w->host->leaving) {
		dismiss(w, "dry-run", cp_rule_text(w->rule));
		return;
	}
	if (!w->dry)
		cp_journal(&(struct cp_entry){ .event = "dry-run",
		    .reason = cp_rule_text(w->rule),
		    .host = w->host,
		    .ward = w });
	w->dry = true;
	w->next_ms = now + LONGEST_WAIT_MS;
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
		dismiss(w, "gave-up", "it does not die of SIGKILL");
		return;
	}
	/* Not from the census on, which for a thousand takes as long. */
	w->next_ms = cp_watch_now() + KILL_AGAIN_MS +
	    cp_facts_wards() / WARDS_PER_MS;
	cp_due(w, w->next_ms);
}

static void
attend_proven(struct cp_ward *w, const struct cp_case *c,
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

/* A pipeline's neighbour: what it has besides may still be the host's. */
static void
attend_spared(struct cp_ward *w, const struct cp_case *c,
    const struct cp_finding *f)
{
	struct cp_host *h;

	if (f->rule != CP_RULE_NEIGHBOUR ||
	    w->channel[0].kind == CP_KIND_NONE ||
	    w->channel[1].kind == CP_KIND_NONE) {
		dismiss(w, "spared", cp_rule_text(f->rule));
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
	calm(w);
	w->heir_ms = c->now_ms + HEIR_MS;
}

static void
attend_living(struct cp_ward *w, const struct cp_case *c)
{
	const struct cp_proc *host = cp_census_find(c->index->census,
	    w->host->pid);
	calm(w);
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
	attend_proven(w, c, f);
}

/*
 * Of what was guessed the channels that somebody holds are right.  Nobody seen
 * may be somebody overlooked: then it stays a guess.
 */
static void
settle_guess(struct cp_ward *w, const struct cp_case *c)
{
	bool held[2] = { cp_judge_holds(c, 0), cp_judge_holds(c, 1) };

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

/*
 * The direct child has ended.  It may have handed its stdio to somebody who
 * goes on with it: then bytes will move on the channels.
 */
static void
listen_to(struct cp_ward *w, const struct cp_case *c)
{
	const struct cp_traffic *t = cp_traffic_of(w);

	cp_company_remember(w, c); /* through whom it can be done */
	cp_closes_watch(w, c->now_ms);
	if (t == NULL && !w->unheard) {
		if (cp_traffic_watch(w, CP_TRAFFIC_GONE, c->now_ms) == 0) {
			w->died_ms =
			    c->now_ms; /* the silence counts from now */
			return;
		}
	}
	if (t != NULL && t->moved_ms <= w->died_ms)
		return;
	w->handed = true;
	cp_traffic_unwatch(w, CP_TRAFFIC_GONE);
	cp_journal(&(struct cp_entry){ .event = "handed-over",
	    .reason = t == NULL ? "nobody can tell whether bytes move" :
				  "bytes move on its channels without it",
	    .host = w->host,
	    .ward = w });
}

/* A daemon needs a moment to let go: it is no news before that. */
static bool
is_early(struct cp_ward *w, const struct cp_case *c)
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

void
cp_reaper_attend(struct cp_ward *w, const struct cp_case *c)
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
		listen_to(w, c);
		f = cp_judge(c);
	}
	if (f.verdict == CP_CHILD_GONE && is_early(w, c)) {
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

	if (is_proven(&f) && w->step != CP_STEP_KILL)
		w->rounds = 0;
	if (f.verdict != CP_NOBODY)
		w->missed = false;
	switch (f.verdict) {
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
		attend_spared(w, c, &f);
		break;
	case CP_ADOPT:
		attend_heir(w, c, &f);
		break;
	case CP_PARENT_GONE:
	case CP_PEER_GONE:
	case CP_CHILD_GONE:
		attend_proven(w, c, &f);
		break;
	case CP_STALE:
		attend_stale(w, c, &f);
		break;
	}
}

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
		return now_ms + SETTLE_MS;
	if (all <= now_ms)
		all = now_ms + SETTLE_MS + cp_facts_wards() / WARDS_PER_MS;
	return all;
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
		w->dead = true;
		w->died_ms = now_ms;
		/* With its host: nobody will talk to what it has left. */
		if (w->shut_ms == 0 || !cp_death_is_near(w->host, now_ms))
			cp_traffic_child_died(w, now_ms);
		cp_death_of_ward(w, now_ms);
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
