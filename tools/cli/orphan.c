/* SPDX-License-Identifier: MIT */
/*
 * See orphan.h.  First everybody is judged by himself, then each tree by its
 * worst member, then those are taken back whose channels somebody else has,
 * until nobody is left to be taken back.  What is doubtful once stays so.
 */
#include <errno.h>
#include <stdlib.h>

#include "kin.h"
#include "orphan.h"

struct bench {
	const struct cp_scene *scene;
	const struct cp_index *x;
	const struct cp_census *c;
	struct cp_orphan *all; /* one for each process */
	uint32_t *tree;	       /* of the moment */
	size_t n_tree;
	bool *seen;
	bool *within; /* who is in it */
};

static bool
is_dead(const struct cp_proc *p)
{
	return p->state == 'Z' || p->state == 'X';
}

static const struct cp_trait *
trait_of(const struct bench *b, const struct cp_proc *p)
{
	const struct cp_trait *t = cp_kin_trait(b->scene, p->pid);

	return t != NULL && t->start == p->start ? t : NULL;
}

static void
set(struct bench *b, uint32_t i, enum cp_why why, pid_t who)
{
	b->all[i] = (struct cp_orphan){ .proc = i,
		.why = (uint8_t)why,
		.who = who };
}

/* Nobody at the other end of both fd 0 and 1. */
static bool
is_cut_off(const struct bench *b, uint32_t i)
{
	return cp_orphan_side(b->x, i, 0) == CP_SIDE_CLOSED &&
	    cp_orphan_side(b->x, i, 1) == CP_SIDE_CLOSED;
}

/* Its own channels and parent: nothing, doubtful, or an orphan so far. */
static void
judge_alone(struct bench *b, uint32_t i)
{
	const struct cp_proc *p = &b->c->procs[i];
	enum cp_why why;

	if (p->pid == 1 || is_dead(p) ||
	    cp_orphan_side(b->x, i, 0) != CP_SIDE_CLOSED)
		return;
	why = cp_orphan_parent(b->scene, p);
	if (cp_orphan_side(b->x, i, 1) == CP_SIDE_CLOSED)
		set(b, i, why == CP_WHY_NONE ? CP_WHY_ORPHAN : why,
		    why == CP_WHY_PARENT ? p->ppid : 0);
	else if (why == CP_WHY_NONE)
		set(b, i, CP_WHY_STDOUT, 0);
}

static void
grow_tree(struct bench *b, uint32_t root)
{
	b->n_tree = cp_orphan_tree(b->x, root, b->tree, b->seen);
	for (size_t i = 0; i < b->n_tree; i++)
		b->within[b->tree[i]] = true;
}

static void
fell_tree(struct bench *b)
{
	for (size_t i = 0; i < b->n_tree; i++)
		b->within[b->tree[i]] = false;
}

static enum cp_why
why_of_flags(uint32_t flags)
{
	static const struct {
		uint32_t flag;
		enum cp_why why;
	} rows[] = {
		{ CP_TRAIT_NAMESPACE, CP_WHY_OUTSIDE },
		{ CP_TRAIT_SPARED, CP_WHY_SPARED },
		{ CP_TRAIT_GUARDED, CP_WHY_GUARDED },
		{ CP_TRAIT_TRACED, CP_WHY_TRACED },
		{ CP_TRAIT_NOHUP, CP_WHY_NOHUP },
		{ CP_TRAIT_TERMINAL, CP_WHY_TERMINAL },
		{ CP_TRAIT_NETWORK, CP_WHY_NETWORK },
		{ CP_TRAIT_LISTENS, CP_WHY_LISTENS },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (flags & rows[i].flag)
			return rows[i].why;
	/* Also what this does not know of. */
	return flags == 0 ? CP_WHY_NONE : CP_WHY_UNKNOWN;
}

/* Does a channel of process I lead out of the tree? */
static bool
leads_out(const struct bench *b, uint32_t i)
{
	struct cp_kin_ends ends = cp_kin_ends(b->c, i);

	/* Standard error is where complaints go, whoever reads them. */
	for (size_t e = 0; e < ends.n; e++)
		if (ends.at[e].fd != 2 &&
		    cp_kin_leads_out(b->x, &ends.at[e], b->within))
			return true;
	return false;
}

/* Does it lead a session of its own, without a channel of the root's? */
static bool
is_detached(const struct bench *b, const struct cp_proc *p)
{
	const struct cp_proc *root = &b->c->procs[b->tree[0]];

	return p->sid == p->pid && p->sid != root->sid &&
	    !is_cut_off(b, (uint32_t)(p - b->c->procs));
}

static bool
has_one_socket(const struct bench *b, uint32_t i)
{
	const struct cp_end *in = cp_orphan_end(b->c, i, 0);
	const struct cp_end *out = cp_orphan_end(b->c, i, 1);

	return in != NULL && out != NULL && in->kind == CP_KIND_UNIX &&
	    out->kind == CP_KIND_UNIX && in->ino == out->ino;
}

/* What speaks for a member of the tree, the root too; or CP_WHY_NONE. */
static enum cp_why
what_speaks_for(const struct bench *b, uint32_t i)
{
	const struct cp_proc *p = &b->c->procs[i];
	const struct cp_trait *t = trait_of(b, p);
	enum cp_why why;

	if (p->pid == b->scene->self)
		return CP_WHY_SELF;
	if (is_dead(p))
		return CP_WHY_NONE;
	if (t == NULL || !p->readable || p->state == '?')
		return CP_WHY_UNKNOWN;
	if (p->uid != b->c->procs[b->tree[0]].uid)
		return CP_WHY_USER;
	why = why_of_flags(t->flags);
	if (why != CP_WHY_NONE)
		return why;
	if (has_one_socket(b, i))
		return CP_WHY_ONE_SOCKET;
	if (is_detached(b, p))
		return CP_WHY_DETACHED;
	return leads_out(b, i) ? CP_WHY_CONNECTED : CP_WHY_NONE;
}

/* The root of the tree is doubtful, and with it the rest. */
static void
take_back(struct bench *b, enum cp_why why, pid_t who)
{
	uint32_t root = b->tree[0];

	set(b, root, why, who);
	for (size_t i = 1; i < b->n_tree; i++)
		if (is_cut_off(b, b->tree[i]))
			set(b, b->tree[i], CP_WHY_TREE, b->c->procs[root].pid);
		else if (b->all[b->tree[i]].why == CP_WHY_MEMBER)
			set(b, b->tree[i], CP_WHY_NONE, 0);
}

static void
judge_tree(struct bench *b)
{
	pid_t root = b->c->procs[b->tree[0]].pid;
	enum cp_why why = b->c->complete ? CP_WHY_NONE : CP_WHY_UNKNOWN;

	if (why != CP_WHY_NONE) {
		take_back(b, why, 0);
		return;
	}
	for (size_t i = 0; i < b->n_tree; i++) {
		pid_t pid = b->c->procs[b->tree[i]].pid;

		why = what_speaks_for(b, b->tree[i]);
		if (why != CP_WHY_NONE) {
			take_back(b, why, pid == root ? 0 : pid);
			return;
		}
	}
	for (size_t i = 1; i < b->n_tree; i++)
		if (!is_dead(&b->c->procs[b->tree[i]]))
			set(b, b->tree[i], CP_WHY_MEMBER, root);
}

/* Who has a channel of fd 0 or 1 of I open too, and is no orphan?  Or 0. */
static pid_t
shares_with(const struct bench *b, uint32_t i, int fd)
{
	const struct cp_end *e = cp_orphan_end(b->c, i, fd);
	struct cp_run run;

	if (e == NULL || cp_orphan_side(b->x, i, fd) != CP_SIDE_CLOSED)
		return 0;
	run = cp_index_ends(b->x, (enum cp_kind)e->kind, e->ino);
	for (size_t k = 0; k < run.n; k++) {
		uint32_t other = b->c->ends[run.at[k]].proc;

		if (!cp_why_proven((enum cp_why)b->all[other].why))
			return b->c->procs[other].pid;
	}
	return 0;
}

/* Returns whether the tree was taken back. */
static bool
judge_sharing(struct bench *b)
{
	for (size_t i = 0; i < b->n_tree; i++)
		for (int fd = 0; fd <= 1; fd++) {
			pid_t who = shares_with(b, b->tree[i], fd);

			if (who != 0) {
				take_back(b, CP_WHY_SHARED, who);
				return true;
			}
		}
	return false;
}

static void
judge_all(struct bench *b)
{
	bool again = true;

	for (uint32_t i = 0; i < b->c->n_procs; i++)
		judge_alone(b, i);
	for (uint32_t i = 0; i < b->c->n_procs; i++) {
		if (b->all[i].why != CP_WHY_ORPHAN)
			continue;
		grow_tree(b, i);
		judge_tree(b);
		fell_tree(b);
	}
	/* Each round but the last takes one back at least. */
	while (again) {
		again = false;
		for (uint32_t i = 0; i < b->c->n_procs; i++) {
			if (b->all[i].why != CP_WHY_ORPHAN)
				continue;
			grow_tree(b, i);
			again = judge_sharing(b) || again;
			fell_tree(b);
		}
	}
}

int
cp_orphans_judge(const struct cp_scene *s, struct cp_orphans *out)
{
	struct bench b = { .scene = s, .x = s->index, .c = s->index->census };
	size_t n = b.c->n_procs, kept = 0;

	*out = (struct cp_orphans){ 0 };
	b.all = calloc(n + 1, sizeof(*b.all));
	b.tree = calloc(n + 1, sizeof(*b.tree));
	b.seen = calloc(n + 1, sizeof(*b.seen));
	b.within = calloc(n + 1, sizeof(*b.within));
	if (b.all != NULL && b.tree != NULL && b.seen != NULL &&
	    b.within != NULL) {
		judge_all(&b);
		for (size_t i = 0; i < n; i++)
			if (b.all[i].why != CP_WHY_NONE)
				b.all[kept++] = b.all[i];
		*out = (struct cp_orphans){ .at = b.all, .n = kept };
		b.all = NULL;
	}
	free(b.all);
	free(b.tree);
	free(b.seen);
	free(b.within);
	if (out->at != NULL)
		return 0;
	errno = ENOMEM;
	return -1;
}
