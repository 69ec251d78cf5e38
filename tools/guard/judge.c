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

/* The processes that go with a ward, being gathered. */
struct gathering {
	const struct cp_case *c;
	uint32_t *out;
	size_t max;
	size_t n;
};

static bool
alive(const struct cp_proc *p)
{
	return p != NULL && p->state != 'Z' && p->state != 'X' && p->pid > 1;
}

static const struct cp_proc *
living(const struct cp_case *c, pid_t pid, uint64_t start)
{
	const struct cp_proc *p = cp_census_find(c->index->census, pid);

	return alive(p) && p->start == start ? p : NULL;
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
 * Adds P and all that descend from it.  A descendant goes even if it is a
 * ward of its own: its host goes with us.
 */
static void
gather(struct gathering *g, const struct cp_proc *p)
{
	const struct cp_index *x = g->c->index;
	size_t next = g->n;

	if (!alive(p) || gathered(g, p) || g->n == g->max)
		return;
	g->out[g->n++] = (uint32_t)(p - x->census->procs);
	for (; next < g->n; next++) {
		pid_t pid = x->census->procs[g->out[next]].pid;
		struct cp_run kids = cp_index_children(x, pid);

		for (size_t i = 0; i < kids.n && g->n < g->max; i++) {
			const struct cp_proc *k =
			    &x->census->procs[kids.at[i]];

			if (alive(k) && !gathered(g, k))
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
 * A pty's number is handed out again once its master is closed: the birth mark
 * tells ours from the next.  Without one, only what surely belongs to the ward
 * is taken for a holder.
 */
static bool
is_our_pty(const struct gathering *g, const struct cp_channel *ch,
    const struct cp_end *e)
{
	if (ch->host != 0 && e->birth != 0)
		return e->birth == ch->host;
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

/* Is the open end E a child end of channel CH?  (Its number fits already.) */
static bool
is_child_end(const struct gathering *g, const struct cp_channel *ch,
    const struct cp_end *e)
{
	if (ch->kind == CP_KIND_PTY)
		return is_our_pty(g, ch, e);
	return ch->kind != CP_KIND_PIPE || (e->access & ch->access) != 0;
}

/* May the holder P of a child end at FD be gathered? */
static bool
may_hold(const struct gathering *g, const struct cp_proc *p, int fd)
{
	const struct cp_case *c = g->c;
	const struct cp_ward *w = c->ward;
	const struct cp_ward *other;

	if (!alive(p) || gathered(g, p))
		return false;
	if (p->pid == w->host->pid && p->start == w->host->start)
		return false;
	if (p->uid != w->uid)
		return false;
	/* Siblings may share a stdin: each is judged for itself. */
	other = c->find_ward != NULL ? c->find_ward(p->pid) : NULL;
	if (other != NULL && other != w && other->start == p->start)
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

		if (is_child_end(g, ch, e) && may_hold(g, p, e->fd))
			gather(g, p);
	}
}

size_t
cp_judge_members(const struct cp_case *c, uint32_t *out, size_t max)
{
	struct gathering g = { c, out, max, 0 };
	const struct cp_member *m;

	gather(&g, living(c, c->ward->pid, c->ward->start));
	SLIST_FOREACH(m, &c->ward->members, link)
		gather(&g, living(c, m->pid, m->start));
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
 * the host, or another run of the same program, was given it to go on with.
 * Another ward, or any other program that holds it at a high number, has
 * inherited it by accident.
 */
static void
weigh(const struct cp_case *c, const struct cp_proc *p, int fd,
    struct opposite *o)
{
	const struct cp_host *h = c->ward->host;
	const struct cp_ward *other;

	if (p->pid == h->pid && p->start == h->start) {
		o->host = true;
		return;
	}
	if (fd <= 2) {
		o->verdict = CP_SPARED;
		o->rule = CP_RULE_NEIGHBOUR;
		o->who = p->pid;
		return;
	}
	other = c->find_ward != NULL ? c->find_ward(p->pid) : NULL;
	if (other != NULL && other->start == p->start)
		return;
	if (o->verdict == CP_LIVE && same_program(c->ward, p)) {
		o->verdict = CP_ADOPT;
		o->rule = CP_RULE_HEIR;
		o->who = p->pid;
	}
}

/* Does the kernel say that the host end is open? */
static enum cp_open
said_open(const struct cp_case *c, const struct cp_channel *ch)
{
	const struct cp_truth *t =
	    cp_census_truth(c->index->census, ch->kind, ch->child);

	if (t == NULL)
		return CP_OPEN_UNKNOWN;
	if (ch->kind == CP_KIND_UNIX)
		return t->peer;
	if (ch->kind != CP_KIND_PIPE)
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

		if (ch->kind == CP_KIND_PIPE &&
		    (e->access & ~ch->access & (CP_READ | CP_WRITE)) == 0)
			continue;
		if (pty && e->dev != 0 && e->dev != slave->dev)
			continue; /* of another container's devpts */
		seen = true;
		if (alive(p) && !gathered(g, p))
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
		[CP_LIVE] = 0, [CP_ADOPT] = 2, [CP_SPARED] = 3, [CP_DOUBT] = 1,
	};
	bool host = a.host || b.host;

	if (weight[b.verdict] > weight[a.verdict])
		a = b;
	a.host = host;
	return a;
}

/* Does anybody of the ward still have the child end of channel K? */
static bool
holds(const struct gathering *g, int k)
{
	const struct cp_census *census = g->c->index->census;
	const struct cp_channel *ch = &g->c->ward->channel[k];
	struct cp_run run;

	if (ch->kind == CP_KIND_NONE)
		return false;
	run = cp_index_ends(g->c->index, ch->kind, ch->child);
	for (size_t i = 0; i < run.n; i++) {
		const struct cp_end *e = &census->ends[run.at[i]];

		if (is_child_end(g, ch, e) &&
		    gathered(g, &census->procs[e->proc]))
			return true;
	}
	return false;
}

static bool
all_readable(const struct gathering *g)
{
	for (size_t i = 0; i < g->n; i++)
		if (!g->c->index->census->procs[g->out[i]].readable)
			return false;
	return true;
}

static bool
has_execd(const struct cp_case *c)
{
	const struct cp_host *h = c->ward->host;
	const struct cp_proc *p = living(c, h->pid, h->start);

	return p != NULL && p->image != 0 && c->ward->image != 0 &&
	    p->image != c->ward->image;
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

	if (g->n == 0)
		return finding(CP_NOBODY, CP_RULE_NOBODY_LEFT);
	o = worse(look_across(g, &w->channel[0]), look_across(g, &w->channel[1]));
	if (!w->host->dead && (!w->host->leaving || !w->duplex)) {
		struct cp_finding f = judge_living(c, &o);

		if (f.verdict != CP_PARENT_GONE)
			return f;
	}
	if (w->spare)
		return finding(CP_SPARED, CP_RULE_SPARE);
	if (w->step == CP_STEP_WATCH && !holds(g, 0) && !holds(g, 1))
		return all_readable(g) ? finding(CP_SPARED, CP_RULE_LET_GO) :
					 finding(CP_DOUBT, CP_RULE_UNSEEN);
	if (o.verdict != CP_LIVE)
		return (struct cp_finding){ o.verdict, o.rule, o.who, 0 };
	return (struct cp_finding){
		.verdict = CP_PARENT_GONE,
		.rule = w->host->dead	    ? CP_RULE_HOST_DIED :
			w->host->leaving ? CP_RULE_HOST_LEAVES :
					   CP_RULE_HOST_EXECD,
		.act_ms = (w->host->gone_ms != 0 ? w->host->gone_ms : c->now_ms) +
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
	return holds(&g, k);
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
	};

	return rule < sizeof(text) / sizeof(text[0]) ? text[rule] : "?";
}
