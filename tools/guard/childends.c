/* SPDX-License-Identifier: MIT */
/*
 * Which open ends are child ends of a ward's channels, and who has them.  Part
 * of the judge, and as pure.  Context: guard, cli.
 */
#include "gather.h"

bool
cp_in_session(const struct cp_case *c, const struct cp_proc *p)
{
	const struct cp_ward *w = c->ward;
	const struct cp_proc *now;

	if (!w->leader || p->sid != w->pid)
		return false;
	now = cp_census_find(c->index->census, w->pid);
	return now == NULL || now->start == w->start;
}

/*
 * The birth mark of our pty as the child itself shows it, or else somebody who
 * surely belongs to the ward; 0: nobody.  It may be another than was told:
 * chmod(2), which `mesg n` in a login script does, renews it for all.
 */
static uint64_t
shown_mark(const struct gathering *g, const struct cp_channel *ch)
{
	const struct cp_census *census = g->c->index->census;
	const struct cp_ward *w = g->c->ward;
	struct cp_run run = cp_index_ends(g->c->index, CP_KIND_PTY, ch->child);
	uint64_t mark = 0;

	for (size_t i = 0; i < run.n; i++) {
		const struct cp_end *e = &census->ends[run.at[i]];
		const struct cp_proc *p = &census->procs[e->proc];

		if (e->fd > 2)
			continue;
		if (cp_is_process(p, w->pid, w->start))
			return e->birth;
		if (mark == 0 && (cp_gathered(g, p) || cp_in_session(g->c, p)))
			mark = e->birth;
	}
	return mark;
}

/*
 * A pty's number is handed out again once its master is closed: the birth mark
 * tells ours from the next.  Without one, only what surely belongs to the ward
 * is taken for a holder.
 */
static bool
is_our_pty(const struct gathering *g, const struct cp_channel *ch,
    const struct cp_end *e)
{
	uint64_t mark = shown_mark(g, ch);

	if (e->birth != 0 && (ch->host != 0 || mark != 0))
		return e->birth == ch->host || e->birth == mark;
	return cp_gathered(g, &g->c->index->census->procs[e->proc]);
}

const struct cp_end *
cp_open_slave(const struct gathering *g, const struct cp_channel *ch)
{
	const struct cp_census *census = g->c->index->census;
	struct cp_run run = cp_index_ends(g->c->index, CP_KIND_PTY, ch->child);

	for (size_t i = 0; i < run.n; i++) {
		const struct cp_end *e = &census->ends[run.at[i]];

		if (!e->deleted && is_our_pty(g, ch, e))
			return e;
	}
	return NULL;
}

bool
cp_is_child_end(const struct gathering *g, const struct cp_channel *ch,
    const struct cp_end *e)
{
	if (ch->kind == CP_KIND_PTY)
		return is_our_pty(g, ch, e);
	return ch->kind != CP_KIND_PIPE || e->access == ch->access;
}

bool
cp_holds(const struct gathering *g, int k, const struct cp_proc *p)
{
	const struct cp_census *census = g->c->index->census;
	const struct cp_channel *ch = &g->c->ward->channel[k];
	struct cp_run run;

	if (ch->kind == CP_KIND_NONE)
		return false;
	run = cp_index_ends(g->c->index, ch->kind, ch->child);
	for (size_t i = 0; i < run.n; i++) {
		const struct cp_end *e = &census->ends[run.at[i]];
		const struct cp_proc *q = &census->procs[e->proc];

		if ((p == NULL ? cp_gathered(g, q) : p == q) &&
		    cp_is_child_end(g, ch, e))
			return true;
	}
	return false;
}
