/* SPDX-License-Identifier: MIT */
/*
 * childproof metrics: Prometheus' text format, on stdout or as a file for a
 * textfile collector.  Owns nothing.  Context: cli.
 */
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../guard/judge.h"
#include "output.h"
#include "ps.h"
#include "run.h"
#include "say.h"
#include "usage.h"

static int cmd_metrics(int argc, char *argv[]);

static const struct cp_flag flags[] = {
	{ "textfile", 't', "FILE",
	    "write FILE, in one piece, instead of stdout" },
	{ 0 },
};

const struct cp_command cp_command_metrics = {
	.name = "metrics",
	.about = "print metrics in the format of Prometheus",
	.flags = flags,
	.run = cmd_metrics,
};

static void
head(FILE *f, const char *name, const char *type, const char *help)
{
	fprintf(f, "# HELP childproof_%s %s\n# TYPE childproof_%s %s\n", name,
	    help, name, type);
}

/* Labels are words of ours: nothing in them has to be escaped. */
static const char *
rule_label(int rule)
{
	static const char *const label[CP_RULES] = {
		[CP_RULE_HOST_DIED] = "host-died",
		[CP_RULE_HOST_EXECD] = "host-execd",
		[CP_RULE_HOST_LEAVES] = "host-leaves",
		[CP_RULE_CLOSED] = "peer-gone",
		[CP_RULE_CHILD_DIED] = "child-gone",
		[CP_RULE_STALE] = "stale",
	};

	return label[rule];
}

static void
put_wards(FILE *f, const struct cp_view *v)
{
	size_t n[CP_STATES] = { 0 };

	for (size_t i = 0; i < v->n_wards; i++)
		n[v->wards[i].state]++;
	head(f, "children", "gauge",
	    "Stdio children that are known, by state.");
	for (int s = 0; s < CP_STATES; s++)
		fprintf(f, "childproof_children{state=\"%s\"} %zu\n",
		    cp_state_name((enum cp_state)s), n[s]);
	head(f, "hosts", "gauge", "Hosts that are guarded.");
	fprintf(f, "childproof_hosts %zu\n", v->n_hosts);
}

static void
add_tally(struct cp_tally *sum, const struct cp_tally *t)
{
	sum->wards += t->wards;
	sum->ended += t->ended;
	for (int r = 0; r < CP_TALLY_RULES; r++) {
		sum->verdicts[r] += t->verdicts[r];
		for (int s = 0; s < CP_TALLY_STEPS; s++)
			sum->reaped[r][s] += t->reaped[r][s];
	}
	sum->terms += t->terms;
	sum->kills += t->kills;
	sum->refused += t->refused;
	sum->lost += t->lost;
	sum->replaced += t->replaced;
	sum->censuses += t->censuses;
}

static void
put_counter(FILE *f, const char *name, const char *help, uint64_t n)
{
	head(f, name, "counter", help);
	fprintf(f, "childproof_%s %llu\n", name, (unsigned long long)n);
}

static void
put_by_rule(FILE *f, const struct cp_tally *t)
{
	static const char *const step[] = { "none", "EOF", "TERM", "KILL" };

	head(f, "verdicts_total", "counter", "Leaks proven or stale, by rule.");
	for (int r = 0; r < CP_RULES; r++)
		if (rule_label(r) != NULL)
			fprintf(f,
			    "childproof_verdicts_total{rule=\"%s\"} %llu\n",
			    rule_label(r), (unsigned long long)t->verdicts[r]);
	head(f, "reaped_total", "counter",
	    "Children ended by us, by rule and the step that did it.");
	for (int r = 0; r < CP_RULES; r++)
		for (int s = CP_STEP_DOOMED;
		     rule_label(r) != NULL && s <= CP_STEP_KILL; s++)
			fprintf(f,
			    "childproof_reaped_total{rule=\"%s\",step=\"%s\"} "
			    "%llu\n",
			    rule_label(r), step[s],
			    (unsigned long long)t->reaped[r][s]);
}

static void
put_tally(FILE *f, const struct cp_tally *t)
{
	put_counter(f, "children_total", "Stdio children that were met.",
	    t->wards);
	put_counter(f, "children_ended_total",
	    "Stdio children that ended by themselves.", t->ended);
	put_by_rule(f, t);
	head(f, "signals_total", "counter", "Signals sent.");
	fprintf(f,
	    "childproof_signals_total{signal=\"TERM\"} %llu\n"
	    "childproof_signals_total{signal=\"KILL\"} %llu\n",
	    (unsigned long long)t->terms, (unsigned long long)t->kills);
	put_counter(f, "refused_total",
	    "Spawns refused by limit or the respawn brake.", t->refused);
	put_counter(f, "events_lost_total",
	    "Times that the kernel dropped events.", t->lost);
	put_counter(f, "guards_replaced_total",
	    "Guards that died before their time.", t->replaced);
	put_counter(f, "censuses_total", "Censuses of /proc taken.",
	    t->censuses);
}

/* Processor time and memory of the guards themselves. */
static void
put_guards(FILE *f, const struct cp_view *v)
{
	uint64_t ticks = 0, rss = 0;

	for (size_t i = 0; i < v->n_facts; i++)
		for (size_t k = 0; k < v->procs.n; k++)
			if (v->procs.at[k].pid == v->facts[i].head->guard) {
				ticks += v->procs.at[k].ticks;
				rss += v->procs.at[k].rss;
			}
	head(f, "guards", "gauge", "Guards that run.");
	fprintf(f, "childproof_guards %zu\n", v->n_facts);
	head(f, "guard_cpu_seconds", "gauge",
	    "Processor time of the guards that run.");
	fprintf(f, "childproof_guard_cpu_seconds %.2f\n",
	    (double)ticks / (double)sysconf(_SC_CLK_TCK));
	head(f, "guard_memory_bytes", "gauge",
	    "Resident memory of the guards.");
	fprintf(f, "childproof_guard_memory_bytes %llu\n",
	    (unsigned long long)rss);
}

static void
put_all(FILE *f, const struct cp_view *v)
{
	struct cp_tally sum = { 0 };

	for (size_t i = 0; i < v->n_facts; i++)
		add_tally(&sum, &v->facts[i].head->tally);
	put_guards(f, v);
	put_wards(f, v);
	put_tally(f, &sum);
}

/* In one piece, so that a collector never reads half of it. */
static int
write_to(const char *path, const struct cp_view *v)
{
	struct cp_output o = { 0 };
	int saved;

	if (cp_output_open(&o, path) == 0) {
		if (o.path != NULL) /* a collector is another user */
			(void)fchmod(fileno(o.f), 0644);
		put_all(o.f, v);
		if (cp_output_flush(&o) == 0 && cp_output_commit(&o) == 0)
			return 0;
	}
	saved = errno;
	cp_output_abandon(&o);
	errno = saved;
	return -1;
}

static int
cmd_metrics(int argc, char *argv[])
{
	const struct cp_command *c = &cp_command_metrics;
	const char *path = "-";
	struct cp_view v;
	int rc;

	while (cp_usage_next(c, argc, argv) != -1)
		path = optarg;
	if (optind < argc)
		cp_usage_die(c,
		    "%s: no operand is taken (--textfile=FILE writes a file)",
		    cp_say_name(argv[optind]));
	if (cp_view_take(&v) != 0)
		err(CP_EXIT_FAILED, "metrics");
	rc = write_to(path, &v);
	if (rc != 0)
		cp_say("metrics: %s: %s (nothing was written; give another "
		       "file)",
		    cp_say_name(path), strerror(errno));
	cp_view_free(&v);
	return rc == 0 ? 0 : CP_EXIT_FAILED;
}
