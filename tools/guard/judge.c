/* SPDX-License-Identifier: MIT */
/*
 * The rules.  Read beside the table of verdicts in childproof(1).  Two
 * principles decide every doubtful case: unknown means alive, and whoever
 * talks through the opposite end of a channel is a peer.
 *
 * Context: any process; allocates nothing, changes nothing.
 */
#include "judge.h"
#include "across.h"

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

	return p != NULL && cp_runs(p) && cp_is_host(c, p) && p->image != 0 &&
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
	const struct cp_proc *p = cp_living(c, w->pid, w->start);

	if (p != NULL)
		p = cp_census_find(c->index->census, p->ppid);
	if (p == NULL || !cp_runs(p) || cp_is_host(c, p))
		return 0;
	return w->image != 0 && p->image == w->image ? p->pid : 0;
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

/*
 * A living host and a duplex ward, which never works off its input on its own.
 * Once signalled it is not let off for what it closes then.
 */
static struct cp_finding
judge_abandoned(const struct gathering *g)
{
	const struct cp_case *c = g->c;
	const struct cp_ward *w = c->ward;
	bool signalled = w->step > CP_STEP_DOOMED;
	bool in = cp_holds(g, 0, NULL);
	struct cp_finding f = finding(CP_LIVE, CP_RULE_HOST_LIVES);

	if (!w->duplex || w->spare || !is_stdio_child(w) ||
	    !(in || signalled || cp_holds(g, 1, NULL)))
		return f;
	if (!w->linked && cp_peer_gone(g)) {
		f.verdict = CP_PEER_GONE;
		f.rule = CP_RULE_CLOSED;
		f.act_ms = w->shut_ms;
	} else if (w->dead && !w->handed && !w->guess && (in || signalled)) {
		f.verdict = CP_CHILD_GONE;
		f.rule = CP_RULE_CHILD_DIED;
		f.act_ms = w->died_ms;
	} else
		return f;
	if (f.act_ms == 0)
		f.act_ms = c->now_ms;
	if (f.verdict == CP_CHILD_GONE || !c->hurried)
		f.act_ms += c->options->grace_ms;
	return f;
}

/* A host that is alive, and not about to leave. */
static struct cp_finding
judge_living(const struct gathering *g, const struct cp_across *o)
{
	const struct cp_case *c = g->c;

	/* It is the host's child still, whatever the host runs. */
	if (c->ward->any)
		return finding(CP_LIVE, CP_RULE_HOST_LIVES);
	if (has_execd(c) && !o->host && o->verdict == CP_LIVE)
		return finding(CP_PARENT_GONE, CP_RULE_HOST_EXECD);
	/*
	 * A pipeline: the shell had the opposite end in its hand when it made
	 * the child, and gave it to the next one.  It is no stdio child.
	 */
	if (!c->ward->duplex && !o->host && o->verdict == CP_SPARED)
		return (struct cp_finding){ CP_SPARED, o->rule, o->who, 0 };
	if (c->ward->retired && !c->ward->spare)
		return (
		    struct cp_finding){ CP_STALE, CP_RULE_STALE, 0, c->now_ms };
	return judge_abandoned(g);
}

/* From the host's end to SIGTERM. */
static uint32_t
grace_of(const struct cp_case *c)
{
	if (c->hurried)
		return 0;
	return c->ward->duplex || c->ward->any ? c->options->exit_grace_ms :
						 c->options->grace_ms;
}

static struct cp_finding
judge_gathered(const struct gathering *g)
{
	const struct cp_case *c = g->c;
	const struct cp_ward *w = c->ward;
	struct cp_across o;
	pid_t parent;

	if (g->n == 0)
		return cp_is_claimed(g) ?
		    finding(CP_DOUBT, CP_RULE_UNSEEN) :
		    finding(CP_NOBODY, CP_RULE_NOBODY_LEFT);
	o = cp_across(g);
	if (!w->host->dead && (!w->host->leaving || !w->duplex)) {
		struct cp_finding f = judge_living(g, &o);

		if (f.verdict != CP_PARENT_GONE)
			return f;
	}
	if (w->spare)
		return finding(CP_SPARED, CP_RULE_SPARE);
	if (!w->any && !is_stdio_child(w))
		return finding(CP_SPARED, CP_RULE_UNPROVEN);
	parent = true_parent(c);
	if (parent != 0)
		return (struct cp_finding){ CP_ADOPT, CP_RULE_HEIR, parent, 0 };
	if (!w->any && !cp_is_frozen(w) && !cp_holds(g, 0, NULL) &&
	    !cp_holds(g, 1, NULL))
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
		    grace_of(c),
	};
}

struct cp_finding
cp_judge(const struct cp_case *c)
{
	uint32_t out[CP_GATHER_MAX];
	struct gathering g = { c, out, CP_GATHER_MAX, 0 };

	if (!c->index->census->complete)
		return finding(CP_DOUBT, CP_RULE_INCOMPLETE);
	g.n = cp_judge_members(c, out, CP_GATHER_MAX);
	return judge_gathered(&g);
}

bool
cp_judge_has(const struct cp_case *c, int k)
{
	uint32_t out[CP_GATHER_MAX];
	struct gathering g = { c, out, CP_GATHER_MAX, 0 };

	g.n = cp_judge_members(c, out, CP_GATHER_MAX);
	for (size_t i = 0; i < g.n; i++) {
		const struct cp_proc *p = &c->index->census->procs[out[i]];

		if (cp_holds(&g, k, p) && !cp_is_of_host(c, p))
			return true;
	}
	return false;
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
		[CP_RULE_CLOSED] = "the host has closed all its ends of the "
				   "channels",
		[CP_RULE_CHILD_DIED] = "the direct child is dead, its stdin is "
				       "still held, and no byte has moved",
		[CP_RULE_STALE] = "more than keep= of the same command, and it "
				  "was idle",
	};

	return rule < sizeof(text) / sizeof(text[0]) ? text[rule] : "?";
}
