/* SPDX-License-Identifier: MIT */
/*
 * The rules.  Read beside the table of verdicts in childproof(1).  Two
 * principles decide every doubtful case: unknown means alive, and whoever
 * talks through the opposite end of a channel is a peer.
 *
 * Context: any process; allocates nothing, changes nothing.
 */
#include <string.h>

#include "judge.h"

/* More than this in one ward are left for the next round. */
#define MEMBERS_MAX 4096
/* How far up a holder looks for a sibling of the ward that it belongs to. */
#define ANCESTORS_MAX 64

/* The processes that go with a ward, being gathered. */
struct gathering {
	const struct cp_case *c;
	uint32_t *out;
	size_t max;
	size_t n;
};

/* PID 1 may well be a host, or hold what it was given. */
static bool
runs(const struct cp_proc *p)
{
	return p != NULL && p->state != 'Z' && p->state != 'X' &&
	    p->state != '?';
}

/* PID 1 never goes. */
static bool
alive(const struct cp_proc *p)
{
	return runs(p) && p->pid > 1;
}

/* A start of 0 is that of a process that nobody has seen. */
static bool
is_process(const struct cp_proc *p, pid_t pid, uint64_t start)
{
	return p->pid == pid && p->start == start && start != 0;
}

static bool
is_host(const struct cp_case *c, const struct cp_proc *p)
{
	return is_process(p, c->ward->host->pid, c->ward->host->start);
}

static const struct cp_proc *
living(const struct cp_case *c, pid_t pid, uint64_t start)
{
	const struct cp_proc *p = cp_census_find(c->index->census, pid);

	return alive(p) && is_process(p, pid, start) ? p : NULL;
}

/* The other ward that P is, or NULL. */
static const struct cp_ward *
other_ward(const struct cp_case *c, const struct cp_proc *p)
{
	const struct cp_ward *other = c->find_ward != NULL ?
	    c->find_ward(p->pid) :
	    NULL;

	return other != NULL && other != c->ward &&
		is_process(p, other->pid, other->start) ?
	    other :
	    NULL;
}

static bool
gathered(const struct gathering *g, const struct cp_proc *p)
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

	if (!alive(p) || is_host(g->c, p) || gathered(g, p) || g->n == g->max)
		return;
	g->out[g->n++] = (uint32_t)(p - x->census->procs);
	for (; next < g->n; next++) {
		pid_t pid = x->census->procs[g->out[next]].pid;
		struct cp_run kids = cp_index_children(x, pid);

		for (size_t i = 0; i < kids.n && g->n < g->max; i++) {
			const struct cp_proc *k = &x->census->procs[kids.at[i]];

			if (alive(k) && !is_host(g->c, k) && !gathered(g, k))
				g->out[g->n++] = kids.at[i];
		}
	}
}

/*
 * Descent that outlives a double fork: membership of the session that the
 * child led.  A session's number stays taken while anybody is in it.
 */
static bool
in_session(const struct cp_case *c, const struct cp_proc *p)
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
		if (is_process(p, w->pid, w->start))
			return e->birth;
		if (mark == 0 && (gathered(g, p) || in_session(g->c, p)))
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
	return gathered(g, &g->c->index->census->procs[e->proc]);
}

/*
 * The open slave of our pty, or NULL if its master is closed (all links say
 * deleted) or nobody holds it.
 */
static const struct cp_end *
open_slave(const struct gathering *g, const struct cp_channel *ch)
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

/*
 * Is the open end E a child end of channel CH?  (Its number fits already.)  A
 * pipe's end that was opened anew for both reading and writing is none: it is
 * a host end as well.
 */
static bool
is_child_end(const struct gathering *g, const struct cp_channel *ch,
    const struct cp_end *e)
{
	if (ch->kind == CP_KIND_PTY)
		return is_our_pty(g, ch, e);
	return ch->kind != CP_KIND_PIPE || e->access == ch->access;
}

/*
 * Does anybody gathered, or just P if it isn't NULL, have the child end of
 * channel K, at any number?
 */
static bool
holds(const struct gathering *g, int k, const struct cp_proc *p)
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

		if ((p == NULL ? gathered(g, q) : p == q) &&
		    is_child_end(g, ch, e))
			return true;
	}
	return false;
}

/*
 * Siblings may share a stdin: each is judged for itself, and so is what
 * descends from it.
 */
static bool
is_siblings(const struct cp_case *c, const struct cp_channel *ch,
    const struct cp_proc *p)
{
	if (other_ward(c, p) != NULL)
		return true;
	for (int i = 0; i < ANCESTORS_MAX && p != NULL && p->pid > 1; i++) {
		const struct cp_ward *o = other_ward(c, p);

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

	if (!alive(p) || gathered(g, p) || is_host(c, p) || p->uid != w->uid ||
	    is_siblings(c, ch, p))
		return false;
	/*
	 * A fork copy of a living host that has not exec'd yet is the host's
	 * own worker, or its next child in the making.
	 */
	if (!w->host->dead && p->image != 0 && p->image == w->image)
		return false;
	return fd <= 1 || in_session(c, p);
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

		if (is_child_end(g, ch, e) && may_hold(g, ch, p, e->fd))
			gather(g, p);
	}
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
	if (p == NULL || gathered(g, p))
		return;
	if (g->c->ward->step != CP_STEP_WATCH ||
	    (other_ward(g->c, p) == NULL && (holds(g, 0, p) || holds(g, 1, p))))
		gather(g, p);
}

size_t
cp_judge_members(const struct cp_case *c, uint32_t *out, size_t max)
{
	struct gathering g = { c, out, max, 0 };
	const struct cp_member *m;

	gather(&g, living(c, c->ward->pid, c->ward->start));
	SLIST_FOREACH(m, &c->ward->members, link)
		gather_member(&g, living(c, m->pid, m->start));
	gather_holders(&g, &c->ward->channel[0]);
	gather_holders(&g, &c->ward->channel[1]);
	return g.n;
}

/* Who is on the other side of one channel. */
struct opposite {
	enum cp_verdict verdict; /* LIVE if nobody stands in the way */
	enum cp_rule rule;
	pid_t who;
	bool host; /* the host itself holds it */
};

static bool
same_program(const struct cp_ward *w, const struct cp_proc *p)
{
	/* Unknown: it may be. */
	return w->image == 0 || w->image == p->image ||
	    (w->host->exe != 0 && w->host->exe == p->exe);
}

/*
 * What a process outside the ward that holds the host end at FD means.
 *
 * On fd 0 to 2 it talks through it: a pipeline's neighbour.  A fork copy of
 * the host, or another run of the same program, was given it to go on with, as
 * was what is older than the host: it can't have inherited it, and so was who
 * holds the end of a one-way ward, as a shell hands it on in `tee >(gzip)`.
 * Another ward, or any other program that holds it at a high number, has
 * inherited it by accident.
 */
static void
weigh(const struct cp_case *c, const struct cp_proc *p, int fd,
    struct opposite *o)
{
	bool older = p->start < c->ward->host->start;

	if (is_host(c, p)) {
		o->host = true;
		return;
	}
	if (fd <= 2) {
		o->verdict = CP_SPARED;
		o->rule = CP_RULE_NEIGHBOUR;
		o->who = p->pid;
		return;
	}
	if (o->verdict == CP_LIVE &&
	    (older ||
		(other_ward(c, p) == NULL &&
		    (same_program(c->ward, p) || !c->ward->duplex)))) {
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

static struct opposite
look_across(const struct gathering *g, const struct cp_channel *ch)
{
	const struct cp_case *c = g->c;
	const struct cp_census *census = c->index->census;
	struct opposite o = { CP_LIVE, CP_RULE_HOST_DIED, 0, false };
	bool pty = ch->kind == CP_KIND_PTY, seen = false;
	const struct cp_end *slave = pty ? open_slave(g, ch) : NULL;
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
		if (runs(p) && !gathered(g, p))
			weigh(c, p, e->fd, &o);
	}
	if (!seen && (pty || said_open(c, ch) == CP_OPEN_YES)) {
		o.verdict = CP_DOUBT;
		o.rule = CP_RULE_UNSEEN;
	}
	return o;
}

/* Of two channels the one with more reason to wait decides. */
static struct opposite
worse(struct opposite a, struct opposite b)
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

/*
 * Nobody is seen to hold a channel: do we know that?  A process in the middle
 * of its exit has lost its memory, then its descriptors.
 */
static bool
all_seen(const struct gathering *g)
{
	for (size_t i = 0; i < g->n; i++) {
		const struct cp_proc *p = &g->c->index->census
					       ->procs[g->out[i]];

		if (!p->readable || p->image == 0)
			return false;
	}
	return true;
}

static bool
has_execd(const struct cp_case *c)
{
	const struct cp_proc *p = cp_census_find(c->index->census,
	    c->ward->host->pid);

	return runs(p) && is_host(c, p) && p->image != 0 &&
	    c->ward->image != 0 && p->image != c->ward->image;
}

/*
 * The child's parent, if that is a process with the host's image other than
 * the host that was told.  A dead host is nobody's parent: the number was that
 * of another PID namespace, and this is the host, or a fork copy of it.
 */
static pid_t
true_parent(const struct cp_case *c)
{
	const struct cp_ward *w = c->ward;
	const struct cp_proc *p = living(c, w->pid, w->start);

	p = p == NULL ? NULL : cp_census_find(c->index->census, p->ppid);
	return runs(p) && !is_host(c, p) && w->image != 0 &&
		p->image == w->image ?
	    p->pid :
	    0;
}

/* Has anybody seen, or do the names alone prove, the host at the other end? */
static bool
is_stdio_child(const struct cp_ward *w)
{
	for (int i = 0; i < 2; i++) {
		const struct cp_channel *ch = &w->channel[i];

		if (ch->kind != CP_KIND_NONE &&
		    (ch->kept == CP_KEPT_YES || ch->kind != CP_KIND_UNIX ||
			ch->host != 0))
			return true;
	}
	return false;
}

static struct cp_finding
finding(enum cp_verdict verdict, enum cp_rule rule)
{
	return (struct cp_finding){ verdict, rule, 0, 0 };
}

/* A host that is alive, and not about to leave. */
static struct cp_finding
judge_living(const struct cp_case *c, const struct opposite *o)
{
	if (has_execd(c) && !o->host && o->verdict == CP_LIVE)
		return finding(CP_PARENT_GONE, CP_RULE_HOST_EXECD);
	/*
	 * A pipeline: the shell had the opposite end in its hand when it made
	 * the child, and gave it to the next one.  It is no stdio child.
	 */
	if (!c->ward->duplex && !o->host && o->verdict == CP_SPARED)
		return (struct cp_finding){ CP_SPARED, o->rule, o->who, 0 };
	return finding(CP_LIVE, CP_RULE_HOST_LIVES);
}

static struct cp_finding
judge_gathered(const struct gathering *g)
{
	const struct cp_case *c = g->c;
	const struct cp_ward *w = c->ward;
	const struct cp_options *opt = c->options;
	struct opposite o;
	pid_t parent;

	if (g->n == 0)
		return finding(CP_NOBODY, CP_RULE_NOBODY_LEFT);
	o = worse(look_across(g, &w->channel[0]),
	    look_across(g, &w->channel[1]));
	if (!w->host->dead && (!w->host->leaving || !w->duplex)) {
		struct cp_finding f = judge_living(c, &o);

		if (f.verdict != CP_PARENT_GONE)
			return f;
	}
	if (w->spare)
		return finding(CP_SPARED, CP_RULE_SPARE);
	if (!is_stdio_child(w))
		return finding(CP_SPARED, CP_RULE_UNPROVEN);
	parent = true_parent(c);
	if (parent != 0)
		return (struct cp_finding){ CP_ADOPT, CP_RULE_HEIR, parent, 0 };
	if (w->step == CP_STEP_WATCH && !holds(g, 0, NULL) &&
	    !holds(g, 1, NULL))
		return all_seen(g) ? finding(CP_SPARED, CP_RULE_LET_GO) :
				     finding(CP_DOUBT, CP_RULE_UNSEEN);
	if (o.verdict != CP_LIVE)
		return (struct cp_finding){ o.verdict, o.rule, o.who, 0 };
	return (struct cp_finding){
		.verdict = CP_PARENT_GONE,
		.rule = w->host->dead ? CP_RULE_HOST_DIED :
		    w->host->leaving  ? CP_RULE_HOST_LEAVES :
					CP_RULE_HOST_EXECD,
		.act_ms = (w->host->gone_ms != 0 ? w->host->gone_ms :
						   c->now_ms) +
		    (w->duplex ? opt->exit_grace_ms : opt->grace_ms),
	};
}

struct cp_finding
cp_judge(const struct cp_case *c)
{
	uint32_t out[MEMBERS_MAX];
	struct gathering g = { c, out, MEMBERS_MAX, 0 };

	if (!c->index->census->complete)
		return finding(CP_DOUBT, CP_RULE_INCOMPLETE);
	g.n = cp_judge_members(c, out, MEMBERS_MAX);
	return judge_gathered(&g);
}

bool
cp_judge_holds(const struct cp_case *c, int k)
{
	uint32_t out[MEMBERS_MAX];
	struct gathering g = { c, out, MEMBERS_MAX, 0 };

	g.n = cp_judge_members(c, out, MEMBERS_MAX);
	return holds(&g, k, NULL);
}

const char *
cp_rule_text(enum cp_rule rule)
{
	static const char *const text[] = {
		[CP_RULE_HOST_LIVES] = "the host lives",
		[CP_RULE_HOST_DIED] = "the host is dead and nobody has taken "
				      "its ends of the channels",
		[CP_RULE_HOST_EXECD] = "the host has replaced itself by exec "
				       "and dropped its ends of the channels",
		[CP_RULE_HOST_LEAVES] = "the host is leaving and has given up "
					"its ends of the channels",
		[CP_RULE_NOBODY_LEFT] = "no process is left",
		[CP_RULE_LET_GO] = "it has let go of its channels: a daemon",
		[CP_RULE_NEIGHBOUR] = "the other end is the standard input or "
				      "output of another process: a pipeline",
		[CP_RULE_HEIR] = "the host's fork or successor holds its ends",
		[CP_RULE_UNSEEN] = "somebody who can't be seen holds the other "
				   "end",
		[CP_RULE_INCOMPLETE] = "/proc could not be read completely",
		[CP_RULE_SPARE] = "spare=",
		[CP_RULE_UNPROVEN] = "nobody has seen the host at the other "
				     "end",
	};

	return rule < sizeof(text) / sizeof(text[0]) ? text[rule] : "?";
}
