/* SPDX-License-Identifier: MIT */
/* See kin.h and orphan.h.  No system calls. */
#include <stdlib.h>

#include "kin.h"

struct cp_kin_ends
cp_kin_ends(const struct cp_census *c, uint32_t proc)
{
	size_t lo = 0, hi = c->n_ends, end;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (c->ends[mid].proc < proc)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (end = lo; end < c->n_ends && c->ends[end].proc == proc; end++)
		continue;
	return (struct cp_kin_ends){ c->ends + lo, end - lo };
}

const struct cp_end *
cp_orphan_end(const struct cp_census *c, uint32_t proc, int fd)
{
	struct cp_kin_ends ends = cp_kin_ends(c, proc);

	for (const struct cp_end *e = ends.at; e < ends.at + ends.n; e++)
		if (e->fd == fd)
			return e;
	return NULL;
}

static enum cp_side
side_of(uint8_t open)
{
	return open == CP_OPEN_YES ? CP_SIDE_OPEN :
	    open == CP_OPEN_NO	   ? CP_SIDE_CLOSED :
				     CP_SIDE_UNKNOWN;
}

/* One that can be both read and written is its own other end. */
static enum cp_side
side_of_end(const struct cp_census *c, const struct cp_end *e)
{
	const struct cp_truth *t = cp_census_truth(c, (enum cp_kind)e->kind,
	    e->ino);

	if (t == NULL)
		return CP_SIDE_UNKNOWN;
	if (e->kind == CP_KIND_UNIX)
		return side_of(t->peer);
	if (e->kind != CP_KIND_PIPE)
		return CP_SIDE_UNKNOWN;
	if (e->access == CP_READ)
		return side_of(t->writers);
	return e->access == CP_WRITE ? side_of(t->readers) : CP_SIDE_OPEN;
}

enum cp_side
cp_orphan_side(const struct cp_index *x, uint32_t proc, int fd)
{
	const struct cp_end *e = cp_orphan_end(x->census, proc, fd);
	enum cp_side side;

	if (e == NULL)
		return CP_SIDE_OTHER;
	side = side_of_end(x->census, e);
	/* The wrong end of a pipe: whoever arranged that, it is no stdio. */
	if (side == CP_SIDE_CLOSED && e->kind == CP_KIND_PIPE &&
	    e->access != (fd == 0 ? CP_READ : CP_WRITE))
		return CP_SIDE_OTHER;
	return side;
}

static int
by_pid(const void *key, const void *trait)
{
	const pid_t *pid = key;
	const struct cp_trait *t = trait;

	return (*pid > t->pid) - (*pid < t->pid);
}

const struct cp_trait *
cp_kin_trait(const struct cp_scene *s, pid_t pid)
{
	return s->n_traits == 0 ?
	    NULL :
	    bsearch(&pid, s->traits, s->n_traits, sizeof(*s->traits), by_pid);
}

/* Is the session of P younger than that of Q, which leads one? */
static bool
is_younger(const struct cp_scene *s, const struct cp_proc *p,
    const struct cp_proc *q)
{
	const struct cp_proc *leader = cp_census_find(s->index->census, p->sid);
	const struct cp_trait *tp = cp_kin_trait(s, p->pid);
	const struct cp_trait *tq = cp_kin_trait(s, q->pid);

	if (leader != NULL && leader->sid == leader->pid &&
	    leader->start > q->start)
		return true;
	return tp != NULL && tq != NULL && tp->start == p->start &&
	    tq->start == q->start && tq->autogroup != 0 &&
	    tp->autogroup > tq->autogroup;
}

enum cp_why
cp_orphan_parent(const struct cp_scene *s, const struct cp_proc *p)
{
	const struct cp_proc *q = cp_census_find(s->index->census, p->ppid);

	if (p->ppid == 0 || p->sid == 0)
		return CP_WHY_OUTSIDE;
	if (q == NULL || q->state == '?' || p->state == '?')
		return CP_WHY_UNKNOWN;
	if (p->sid == p->pid)
		return CP_WHY_LEADER;
	if (p->sid == q->sid)
		return CP_WHY_PARENT;
	if (q->pid == 1 || q->sid != q->pid || is_younger(s, p, q))
		return CP_WHY_NONE;
	return CP_WHY_PARENT;
}

size_t
cp_orphan_tree(const struct cp_index *x, uint32_t root, uint32_t *out,
    bool *seen)
{
	const struct cp_proc *procs = x->census->procs;
	size_t n = 0;

	out[n++] = root;
	seen[root] = true;
	for (size_t i = 0; i < n; i++) {
		struct cp_run run = cp_index_children(x, procs[out[i]].pid);

		for (size_t k = 0; k < run.n; k++) {
			uint32_t child = run.at[k];

			/* Younger than its parent: that PID was another's. */
			if (seen[child] ||
			    procs[child].start < procs[out[i]].start)
				continue;
			seen[child] = true;
			out[n++] = child;
		}
	}
	for (size_t i = 0; i < n; i++)
		seen[out[i]] = false;
	return n;
}

/* Is a process that has such an end not WITHIN?  *ANY: there is one at all. */
static bool
is_held_outside(const struct cp_index *x, const struct cp_interest *of,
    unsigned int access, const bool *within, bool *any)
{
	struct cp_run run = cp_index_ends(x, (enum cp_kind)of->kind, of->ino);

	for (size_t i = 0; i < run.n; i++) {
		const struct cp_end *e = &x->census->ends[run.at[i]];

		if ((e->access & access) == 0)
			continue;
		*any = true;
		if (!within[e->proc])
			return true;
	}
	return false;
}

bool
cp_kin_leads_out(const struct cp_index *x, const struct cp_end *e,
    const bool *within)
{
	const struct cp_truth *t = cp_census_truth(x->census,
	    (enum cp_kind)e->kind, e->ino);
	struct cp_interest of = { e->kind, e->ino };
	unsigned int opposite = (CP_READ | CP_WRITE) & ~e->access;
	bool any = false;

	if (side_of_end(x->census, e) == CP_SIDE_CLOSED)
		return false;
	if (t == NULL)
		return true;
	if (e->kind == CP_KIND_UNIX) {
		of.ino = t->peer_ino;
		opposite = CP_READ | CP_WRITE;
	} else if (opposite == 0)
		opposite = CP_READ | CP_WRITE;
	/* One that is open, but that nobody is seen to have, is in flight. */
	return is_held_outside(x, &of, opposite, within, &any) || !any;
}
