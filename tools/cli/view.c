/* SPDX-License-Identifier: MIT */
/* See view.h. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "../guard/judge.h"
#include "view.h"

const char *
cp_state_name(enum cp_state state)
{
	static const char *const name[] = {
		[CP_STATE_LIVE] = "live",
		[CP_STATE_IDLE] = "idle",
		[CP_STATE_STALE] = "stale",
		[CP_STATE_PEER_GONE] = "peer-gone",
		[CP_STATE_CHILD_GONE] = "child-gone",
		[CP_STATE_ORPHAN] = "orphan",
		[CP_STATE_ENDING] = "ending",
		[CP_STATE_UNWAITED] = "unwaited",
		[CP_STATE_SPARED] = "spared",
	};

	return name[state];
}

const char *
cp_view_channel(const struct cp_snap_ward *w)
{
	static const char *const name[3][4] = {
		{ "duplex", "duplex pipe", "duplex socket", "pty" },
		{ "reader", "reader pipe", "reader socket", "reader pty" },
		{ "writer", "writer pipe", "writer socket", "writer pty" },
	};
	int in = w->channel[0].kind, out = w->channel[1].kind;
	int kind = in != CP_KIND_NONE ? in : out;

	if (kind == CP_KIND_NONE)
		return "none";
	if (kind > CP_KIND_PTY)
		kind = CP_KIND_PTY;
	return name[w->duplex ? 0 : in != CP_KIND_NONE ? 1 : 2][kind];
}

static enum cp_state
doomed(enum cp_rule rule)
{
	switch (rule) {
	case CP_RULE_CLOSED:
		return CP_STATE_PEER_GONE;
	case CP_RULE_CHILD_DIED:
		return CP_STATE_CHILD_GONE;
	case CP_RULE_STALE:
		return CP_STATE_STALE;
	default:
		return CP_STATE_ORPHAN;
	}
}

static enum cp_state
state_of(const struct cp_snap_ward *w, const struct cp_facts *f)
{
	const struct cp_snap_head *head = f->head;

	if (w->unwaited_ms != 0)
		return CP_STATE_UNWAITED;
	if (w->step > CP_STEP_DOOMED)
		return CP_STATE_ENDING;
	if (w->retired || w->surplus)
		return CP_STATE_STALE;
	/* Whose end was seen to be closed before it was seen to be dead. */
	if (w->step == CP_STEP_DOOMED && f->hosts[w->host].dead)
		return CP_STATE_ORPHAN;
	if (w->step == CP_STEP_DOOMED)
		return doomed((enum cp_rule)w->rule);
	if (w->spare)
		return CP_STATE_SPARED;
	if (w->idle_ms != 0 && w->idle_ms <= head->now_ms &&
	    head->options.idle_ms != 0 &&
	    head->now_ms - w->idle_ms >= head->options.idle_ms)
		return CP_STATE_IDLE;
	return CP_STATE_LIVE;
}

/* Those that have answered move together. */
static void
count_answer(struct cp_view *v, size_t i, int error)
{
	if (error == 0)
		v->facts[v->n_facts++] = v->facts[i];
	else if (error == EACCES)
		v->foreign++;
	else if (error != ECONNREFUSED) /* it has ended */
		v->silent++;
}

/* The oldest guard first, as far as numbers tell. */
static int
by_guard(const void *a, const void *b)
{
	const struct cp_facts *x = a, *y = b;

	return x->head->guard < y->head->guard ?
	    -1 :
	    x->head->guard > y->head->guard;
}

static int
ask_all(struct cp_view *v, const struct cp_guards *guards)
{
	int *errors = calloc(guards->n + 1, sizeof(*errors));

	v->facts = calloc(guards->n + 1, sizeof(*v->facts));
	if (v->facts == NULL || errors == NULL) {
		free(errors);
		return -1;
	}
	cp_ask_facts(guards, v->facts, errors);
	for (size_t i = 0; i < guards->n; i++)
		count_answer(v, i, errors[i]);
	qsort(v->facts, v->n_facts, sizeof(*v->facts), by_guard);
	free(errors);
	return 0;
}

/* In seconds; as /proc counts, with the time that the machine slept. */
static uint64_t
age_of(const struct cp_view *v, uint64_t start)
{
	uint64_t born = start / (uint64_t)sysconf(_SC_CLK_TCK);

	return v->up > born ? v->up - born : 0;
}

static void
see_host(struct cp_view *v, const struct cp_facts *f, uint32_t i)
{
	struct cp_seen_host *h = &v->hosts[v->n_hosts++];
	const struct cp_used *u;

	h->h = &f->hosts[i];
	h->facts = f;
	u = cp_procs_find(&v->procs, h->h->pid, h->h->start);
	if (u != NULL)
		h->used = *u;
	/* It had ended before the guard knew it. */
	h->age = h->h->start != 0 ? age_of(v, h->h->start) : 0;
	h->command = cp_procs_command(u != NULL ? h->h->pid : 0,
	    h->h->comm[0] != '\0' ? h->h->comm : "?");
}

/* Seconds from then until now; -1 if there was no then. */
static int64_t
since(uint64_t then_ms, uint64_t now_ms)
{
	if (then_ms == 0)
		return -1;
	return then_ms < now_ms ? (int64_t)((now_ms - then_ms) / 1000) : 0;
}

static void
see_ward(struct cp_view *v, const struct cp_facts *f, uint32_t i, size_t host)
{
	uint64_t now = f->head->now_ms;
	struct cp_seen_ward *s = &v->wards[v->n_wards++];
	const struct cp_snap_ward *w = &f->wards[i];
	struct cp_used *u = cp_procs_find(&v->procs, w->pid, w->start);

	s->w = w;
	s->host = host;
	s->guest = SIZE_MAX;
	s->state = state_of(w, f);
	/* Before the guard has found that it is all that is left. */
	if (u != NULL && u->state == 'Z' && w->step == CP_STEP_WATCH)
		s->state = CP_STATE_UNWAITED;
	/* It may have been found long after it began. */
	s->age = w->start != 0 ?
	    age_of(v, w->start) :
	    (uint64_t)since(w->born_ms != 0 ? w->born_ms : now, now);
	s->idle = since(w->idle_ms, now);
	s->due = w->step == CP_STEP_WATCH ? -1 :
	    w->next_ms <= now		  ? 0 :
					    since(now, w->next_ms);
	s->command = cp_procs_command(u != NULL ? w->pid : 0, w->name);
	cp_procs_begin(&v->procs);
	if (u != NULL)
		cp_procs_add(&v->procs, u, &s->used);
}

/* What one guard knows; members are in the order of their wards. */
static void
see(struct cp_view *v, const struct cp_facts *f)
{
	size_t first = v->n_hosts;
	uint32_t m = 0;

	for (uint32_t i = 0; i < f->head->n_hosts; i++)
		see_host(v, f, i);
	for (uint32_t i = 0; i < f->head->n_wards; i++) {
		see_ward(v, f, i, first + f->wards[i].host);
		for (; m < f->head->n_members && f->members[m].ward <= i; m++) {
			struct cp_used *u = cp_procs_find(&v->procs,
			    f->members[m].pid, f->members[m].start);

			if (u != NULL && f->members[m].ward == i)
				cp_procs_add(&v->procs, u,
				    &v->wards[v->n_wards - 1].used);
		}
	}
}

static int
by_host(const void *a, const void *b)
{
	const struct cp_seen_ward *x = a, *y = b;

	if (x->host != y->host)
		return x->host < y->host ? -1 : 1;
	if (x->w->born_ms != y->w->born_ms)
		return x->w->born_ms < y->w->born_ms ? -1 : 1;
	return x->w->pid < y->w->pid ? -1 : x->w->pid > y->w->pid;
}

static int
fill(struct cp_view *v)
{
	size_t hosts = 0, wards = 0;

	for (size_t i = 0; i < v->n_facts; i++) {
		hosts += v->facts[i].head->n_hosts;
		wards += v->facts[i].head->n_wards;
	}
	v->hosts = calloc(hosts + 1, sizeof(*v->hosts));
	v->wards = calloc(wards + 1, sizeof(*v->wards));
	if (v->hosts == NULL || v->wards == NULL)
		return -1;
	for (size_t i = 0; i < v->n_facts; i++)
		see(v, &v->facts[i]);
	qsort(v->wards, v->n_wards, sizeof(*v->wards), by_host);
	for (size_t i = v->n_wards; i-- > 0;) {
		struct cp_seen_host *h = &v->hosts[v->wards[i].host];

		h->first = i;
		h->n++;
	}
	return cp_view_nest(v);
}

int
cp_view_take_of(struct cp_view *v, const struct cp_guards *guards)
{
	struct timespec up;

	clock_gettime(CLOCK_BOOTTIME, &up);
	*v = (struct cp_view){ .up = (uint64_t)up.tv_sec };
	if (ask_all(v, guards) == 0 && cp_procs_read(&v->procs) == 0 &&
	    fill(v) == 0)
		return 0;
	cp_view_free(v);
	return -1;
}

int
cp_view_take(struct cp_view *v)
{
	struct cp_guards guards;
	int rc;

	*v = (struct cp_view){ 0 };
	if (cp_guards_find(&guards) != 0)
		return -1;
	rc = cp_view_take_of(v, &guards);
	cp_guards_free(&guards);
	return rc;
}

void
cp_view_free(struct cp_view *v)
{
	for (size_t i = 0; i < v->n_hosts; i++)
		free(v->hosts[i].command);
	for (size_t i = 0; i < v->n_wards; i++)
		free(v->wards[i].command);
	for (size_t i = 0; i < v->n_facts; i++)
		cp_facts_free(&v->facts[i]);
	free(v->hosts);
	free(v->wards);
	free(v->facts);
	cp_procs_free(&v->procs);
	*v = (struct cp_view){ 0 };
}
