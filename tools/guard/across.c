/* SPDX-License-Identifier: MIT */
/* See across.h. */
#include "across.h"

static bool
same_program(const struct cp_ward *w, const struct cp_proc *p)
{
	/* Unknown: it may be. */
	return w->image == 0 || w->image == p->image ||
	    (w->host->exe != 0 && w->host->exe == p->exe);
}

/*
 * Was P, which holds the host end of CH at a high number, given it to go on
 * with?  A fork copy of the host, or another run of the same program, was; so
 * was what is older than the host, which can't have inherited it, and who holds
 * the end of a one-way ward, as a shell hands it on in `tee >(gzip)`, or one
 * that is closed on exec.  Another ward, or any other program, has inherited it
 * by accident.
 */
static bool
is_heir(const struct cp_case *c, const struct cp_channel *ch,
    const struct cp_proc *p)
{
	if (p->start < c->ward->host->start)
		return true;
	return cp_other_ward(c, p) == NULL &&
	    (same_program(c->ward, p) || !c->ward->duplex || ch->sealed);
}

/*
 * What it means that a process outside the ward holds E.  On fd 0 to 2 it talks
 * through it: a pipeline's neighbour.
 */
static void
weigh(const struct cp_case *c, const struct cp_channel *ch,
    const struct cp_end *e, struct cp_across *o)
{
	const struct cp_proc *p = &c->index->census->procs[e->proc];

	if (cp_is_host(c, p)) {
		o->host = true;
	} else if (e->fd <= 2) {
		o->verdict = CP_SPARED;
		o->rule = CP_RULE_NEIGHBOUR;
		o->who = p->pid;
	} else if (o->verdict == CP_LIVE && is_heir(c, ch, p)) {
		o->verdict = CP_ADOPT;
		o->rule = CP_RULE_HEIR;
		o->who = p->pid;
	}
}

/* Does the kernel say that the host end is open? */
static enum cp_open
said_open(const struct cp_case *c, const struct cp_channel *ch)
{
	const struct cp_truth *t = cp_census_truth(c->index->census, ch->kind,
	    ch->child);

	if (t == NULL)
		return CP_OPEN_UNKNOWN;
	if (ch->kind == CP_KIND_UNIX)
		return t->peer;
	if (ch->kind != CP_KIND_PIPE || ch->access == (CP_READ | CP_WRITE))
		return CP_OPEN_UNKNOWN;
	return (ch->access & CP_READ) != 0 ? t->writers : t->readers;
}

static struct cp_across
look_across(const struct gathering *g, const struct cp_channel *ch)
{
	const struct cp_case *c = g->c;
	const struct cp_census *census = c->index->census;
	struct cp_across o = { CP_LIVE, CP_RULE_HOST_DIED, 0, false };
	bool pty = ch->kind == CP_KIND_PTY, seen = false;
	const struct cp_end *slave = pty ? cp_open_slave(g, ch) : NULL;
	struct cp_run run;

	if (ch->kind == CP_KIND_NONE || (pty && slave == NULL))
		return o;
	run = pty ? cp_index_ends(c->index, CP_KIND_PTMX, ch->child) :
		    cp_index_ends(c->index, ch->kind, ch->host);
	for (size_t i = 0; i < run.n; i++) {
		const struct cp_end *e = &census->ends[run.at[i]];
		const struct cp_proc *p = &census->procs[e->proc];

		if (ch->kind == CP_KIND_PIPE && e->access == ch->access)
			continue;
		if (pty && e->dev != 0 && e->dev != slave->dev)
			continue; /* of another container's devpts */
		seen = true;
		if (cp_runs(p) && !cp_gathered(g, p))
			weigh(c, ch, e, &o);
	}
	if (!seen && (pty || said_open(c, ch) == CP_OPEN_YES)) {
		o.verdict = CP_DOUBT;
		o.rule = CP_RULE_UNSEEN;
	}
	return o;
}

/*
 * Is P a sibling of the ward that has exec'd, or does it descend from one?  The
 * ward's own host, which may be a ward itself, is none.
 */
static bool
is_sibling(const struct cp_case *c, const struct cp_proc *p)
{
	const struct cp_ward *w = c->ward;

	if (p->image == 0 || p->image == w->image)
		return false;
	for (int i = 0; i < CP_ANCESTORS_MAX && p != NULL && p->pid > 1; i++) {
		const struct cp_ward *o = cp_other_ward(c, p);

		if (cp_is_host(c, p))
			return false;
		if (o != NULL)
			return o->host == w->host;
		p = cp_census_find(c->index->census, p->ppid);
	}
	return false;
}

/* Has anybody that we may not look into room for an end of the ward's? */
static bool
is_anybody_hidden(const struct cp_case *c)
{
	const struct cp_census *census = c->index->census;

	for (size_t i = 0; i < census->n_procs; i++) {
		const struct cp_proc *p = &census->procs[i];

		if (!p->readable && p->state != 'Z' &&
		    (p->uid == c->ward->uid || cp_is_host(c, p)))
			return true;
	}
	return false;
}

static bool
is_gone(const struct gathering *g, const struct cp_channel *ch, int k)
{
	const struct cp_case *c = g->c;
	const struct cp_census *census = c->index->census;
	bool pty = ch->kind == CP_KIND_PTY, held = cp_holds(g, k, NULL);
	bool accident = false;
	const struct cp_end *slave = pty ? cp_open_slave(g, ch) : NULL;
	struct cp_run run;

	if (ch->kind == CP_KIND_NONE)
		return true;
	if (pty && slave == NULL) /* all of ours say deleted, or did */
		return held || c->ward->step > CP_STEP_DOOMED;
	run = pty ? cp_index_ends(c->index, CP_KIND_PTMX, ch->child) :
		    cp_index_ends(c->index, ch->kind, ch->host);
	for (size_t i = 0; i < run.n; i++) {
		const struct cp_end *e = &census->ends[run.at[i]];
		const struct cp_proc *p = &census->procs[e->proc];

		if ((ch->kind == CP_KIND_PIPE && e->access == ch->access) ||
		    (pty && e->dev != 0 && e->dev != slave->dev))
			continue;
		if (!cp_runs(p) || e->fd <= 2 ||
		    !(cp_gathered(g, p) || (!ch->sealed && is_sibling(c, p))))
			return false;
		accident = true;
	}
	if (!pty && said_open(c, ch) == CP_OPEN_NO)
		return true;
	/* Nobody has either end, or those who have don't know. */
	return (accident ||
		   (!pty && !held && said_open(c, ch) == CP_OPEN_UNKNOWN)) &&
	    !is_anybody_hidden(c);
}

/*
 * A dying host has closed everything as well, its memory first; but that is
 * another verdict, which comes with its end.
 */
static bool
is_dying(const struct cp_case *c)
{
	const struct cp_proc *p = cp_census_find(c->index->census,
	    c->ward->host->pid);

	return p == NULL || !cp_runs(p) || !cp_is_host(c, p) ||
	    (p->image == 0 && c->ward->image != 0);
}

bool
cp_peer_gone(const struct gathering *g)
{
	const struct cp_ward *w = g->c->ward;

	return !is_dying(g->c) && is_gone(g, &w->channel[0], 0) &&
	    is_gone(g, &w->channel[1], 1);
}

/* Of two channels the one with more reason to wait decides. */
static struct cp_across
worse(struct cp_across a, struct cp_across b)
{
	static const int weight[] = {
		[CP_LIVE] = 0,
		[CP_ADOPT] = 2,
		[CP_SPARED] = 3,
		[CP_DOUBT] = 1,
	};
	bool host = a.host || b.host;

	if (weight[b.verdict] > weight[a.verdict])
		a = b;
	a.host = host;
	return a;
}

struct cp_across
cp_across(const struct gathering *g)
{
	const struct cp_ward *w = g->c->ward;

	return worse(look_across(g, &w->channel[0]),
	    look_across(g, &w->channel[1]));
}
