/* SPDX-License-Identifier: MIT */
/*
 * Who goes with a ward: the child itself, the holders of its child ends, their
 * descendants, and whoever was remembered.  The first half of the judge, and
 * as pure: no system call, nothing changed.  Context: guard, cli.
 */
#include "gather.h"

/* PID 1 may well be a host, or hold what it was given. */
bool
cp_runs(const struct cp_proc *p)
{
	return p != NULL && p->state != 'Z' && p->state != 'X' &&
	    p->state != '?';
}

/* PID 1 never goes. */
static bool
alive(const struct cp_proc *p)
{
	return cp_runs(p) && p->pid > 1;
}

bool
cp_is_process(const struct cp_proc *p, pid_t pid, uint64_t start)
{
	return p->pid == pid && p->start == start && start != 0;
}

bool
cp_is_host(const struct cp_case *c, const struct cp_proc *p)
{
	return cp_is_process(p, c->ward->host->pid, c->ward->host->start);
}

const struct cp_proc *
cp_living(const struct cp_case *c, pid_t pid, uint64_t start)
{
	const struct cp_proc *p = cp_census_find(c->index->census, pid);

	return p != NULL && alive(p) && cp_is_process(p, pid, start) ? p : NULL;
}

/* The other ward that P is, or NULL. */
const struct cp_ward *
cp_other_ward(const struct cp_case *c, const struct cp_proc *p)
{
	const struct cp_ward *other = c->find_ward != NULL ?
	    c->find_ward(p->pid) :
	    NULL;

	return other != NULL && other != c->ward &&
		cp_is_process(p, other->pid, other->start) ?
	    other :
	    NULL;
}

bool
cp_gathered(const struct gathering *g, const struct cp_proc *p)
{
	uint32_t i = (uint32_t)(p - g->c->index->census->procs);

	for (size_t k = 0; k < g->n; k++)
		if (g->out[k] == i)
			return true;
	return false;
}

/*
 * Adds P and all that descend from it, but never the host.  A descendant goes
 * even if it is a ward of its own: its host goes with us.
 */
static void
gather(struct gathering *g, const struct cp_proc *p)
{
	const struct cp_index *x = g->c->index;
	size_t next = g->n;

	if (!alive(p) || cp_is_host(g->c, p) || cp_gathered(g, p) ||
	    g->n == g->max)
		return;
	g->out[g->n++] = (uint32_t)(p - x->census->procs);
	for (; next < g->n; next++) {
		pid_t pid = x->census->procs[g->out[next]].pid;
		struct cp_run kids = cp_index_children(x, pid);

		for (size_t i = 0; i < kids.n && g->n < g->max; i++) {
			const struct cp_proc *k = &x->census->procs[kids.at[i]];

			if (alive(k) && !cp_is_host(g->c, k) &&
			    !cp_gathered(g, k))
				g->out[g->n++] = kids.at[i];
		}
	}
}

/*
 * Siblings may share a stdin: each is judged for itself, and so is what
 * descends from it.
 */
static bool
is_siblings(const struct cp_case *c, const struct cp_channel *ch,
    const struct cp_proc *p)
{
	if (cp_other_ward(c, p) != NULL)
		return true;
	for (int i = 0; i < CP_ANCESTORS_MAX && p != NULL && p->pid > 1; i++) {
		const struct cp_ward *o = cp_other_ward(c, p);

		for (int k = 0; o != NULL && k < 2; k++)
			if (o->channel[k].kind == ch->kind &&
			    o->channel[k].child == ch->child)
				return true;
		p = cp_census_find(c->index->census, p->ppid);
	}
	return false;
}

/* May the holder P of a child end of CH at FD be gathered? */
static bool
may_hold(const struct gathering *g, const struct cp_channel *ch,
    const struct cp_proc *p, int fd)
{
	const struct cp_case *c = g->c;
	const struct cp_ward *w = c->ward;

	if (!alive(p) || cp_gathered(g, p) || cp_is_host(c, p) ||
	    p->uid != w->uid || is_siblings(c, ch, p))
		return false;
	/*
	 * A fork copy of a living host that has not exec'd yet is the host's
	 * own worker, or its next child in the making.
	 */
	if (!w->host->dead && p->image != 0 && p->image == w->image)
		return false;
	return fd <= 1 || cp_in_session(c, p);
}

static void
gather_holders(struct gathering *g, const struct cp_channel *ch)
{
	const struct cp_census *census = g->c->index->census;
	struct cp_run run;

	if (ch->kind == CP_KIND_NONE)
		return;
	run = cp_index_ends(g->c->index, ch->kind, ch->child);
	for (size_t i = 0; i < run.n; i++) {
		const struct cp_end *e = &census->ends[run.at[i]];
		const struct cp_proc *p = &census->procs[e->proc];

		if (cp_is_child_end(g, ch, e) && may_hold(g, ch, p, e->fd))
			gather(g, p);
	}
}

bool
cp_is_claimed(const struct gathering *g)
{
	const struct cp_census *census = g->c->index->census;

	for (int k = 0; k < 2; k++) {
		const struct cp_channel *ch = &g->c->ward->channel[k];
		struct cp_run run = cp_index_ends(g->c->index, ch->kind,
		    ch->child);

		if (ch->kind == CP_KIND_NONE)
			continue;
		for (size_t i = 0; i < run.n; i++) {
			const struct cp_end *e = &census->ends[run.at[i]];
			const struct cp_proc *p = &census->procs[e->proc];
			const struct cp_ward *o = cp_other_ward(g->c, p);

			if (o != NULL && !o->looked && alive(p) &&
			    cp_is_child_end(g, ch, e))
				return true;
		}
	}
	return false;
}

/*
 * What a dead child has left is init's, or a subreaper's.  Where that is the
 * host nobody can tell it from what the host has started.
 */
bool
cp_is_of_host(const struct cp_case *c, const struct cp_proc *p)
{
	if (cp_is_process(p, c->ward->pid, c->ward->start))
		return false;
	for (int i = 0; i < CP_ANCESTORS_MAX && p != NULL && p->pid > 1; i++) {
		p = cp_census_find(c->index->census, p->ppid);
		if (p != NULL && cp_is_host(c, p))
			return true;
	}
	return false;
}

bool
cp_is_frozen(const struct cp_ward *w)
{
	return w->step > CP_STEP_DOOMED ||
	    (w->step == CP_STEP_DOOMED && w->rule != CP_RULE_CHILD_DIED);
}

/*
 * Adds P, which was once seen to descend from the child.  If it has left the
 * tree and let go of the channels before anything was wrong it is a daemon: a
 * helper that restarts the host, or a server that others use.  What was still
 * in the tree then is not let off for leaving it later.
 */
static void
gather_member(struct gathering *g, const struct cp_proc *p)
{
	if (p == NULL || cp_gathered(g, p))
		return;
	if (cp_is_frozen(g->c->ward) ||
	    (cp_other_ward(g->c, p) == NULL &&
		(cp_holds(g, 0, p) || cp_holds(g, 1, p))))
		gather(g, p);
}

size_t
cp_judge_members(const struct cp_case *c, uint32_t *out, size_t max)
{
	struct gathering g = { c, out, max, 0 };
	const struct cp_member *m;

	/* Who has its number within a tick of its end is not told apart. */
	if (!c->ward->dead)
		gather(&g, cp_living(c, c->ward->pid, c->ward->start));
	SLIST_FOREACH(m, &c->ward->members, link)
		gather_member(&g, cp_living(c, m->pid, m->start));
	gather_holders(&g, &c->ward->channel[0]);
	gather_holders(&g, &c->ward->channel[1]);
	return g.n;
}
