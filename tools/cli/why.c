/* SPDX-License-Identifier: MIT */
/*
 * childproof why: all that is known of one process, and which rule applies to
 * it.  The judge is the guard's own, over a census taken here and now.
 * Context: cli.
 */
#include <err.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../shim/common/procfs.h"
#include "ends.h"
#include "ps.h"
#include "rebuild.h"
#include "run.h"
#include "table.h"
#include "usage.h"

static int cmd_why(int argc, char *argv[]);

const struct cp_command cp_command_why = {
	.name = "why",
	.about = "say what is known of a process, and what follows",
	.operands = "PID",
	.run = cmd_why,
};

static void
print_spawn(const struct cp_view *v, const struct cp_seen_ward *s)
{
	const struct cp_seen_host *h = &v->hosts[s->host];
	time_t born = time(NULL) - (time_t)s->age;
	char when[32], age[CP_TABLE_SHORT];
	struct tm tm;

	cp_table_age(age, s->age);
	(void)strftime(when, sizeof(when), "%F %T", localtime_r(&born, &tm));
	printf("  child    of host %d %s, on a %s\n", (int)h->h->pid,
	    h->command, cp_view_channel(s->w));
	printf("  spawned  %s, %s ago", when, age);
	if (s->w->thread != 0)
		printf(", by thread %u%s", s->w->thread,
		    (pid_t)s->w->thread == h->h->pid ? " (the main thread)" :
						       "");
	putchar('\n');
	if (s->w->dead)
		puts("  dead     the direct child has ended; others hold its "
		     "channels, or its host has not waited for it");
	if (s->idle >= 0)
		printf("  idle     for %lld s\n", (long long)s->idle);
}

/* What the guard has begun, or will do. */
static void
print_next(const struct cp_view *v, const struct cp_seen_ward *s)
{
	const struct cp_options *o = &v->hosts[s->host].facts->head->options;
	double term = o->term_ms / 1000.0;

	printf("  state    %s\n", cp_state_name(s->state));
	if (s->w->unwaited_ms != 0)
		puts("  next     nothing: only its host can wait for it");
	else if (o->dry_run && s->w->surplus)
		puts(
		    "  next     nothing: dry-run (childproof reap --stale ends "
		    "it)");
	else if (o->dry_run && s->w->step == CP_STEP_DOOMED)
		puts("  next     nothing: dry-run (childproof reap ends it)");
	else if (s->w->step == CP_STEP_KILL)
		puts("  next     SIGKILL was sent, and is repeated");
	else if (s->w->step == CP_STEP_TERM)
		printf("  next     SIGTERM was sent; SIGKILL in %lld s\n",
		    (long long)s->due);
	else if (s->w->step == CP_STEP_DOOMED)
		printf("  next     SIGTERM in %lld s, SIGKILL %g s later\n",
		    (long long)s->due, term);
	else
		puts("  next     nothing, as long as that is so");
}

static int
explain_ward(const struct cp_view *v, const struct cp_seen_ward *s)
{
	const struct cp_facts *f = v->hosts[s->host].facts;
	struct cp_channel ch[2] = { s->w->channel[0], s->w->channel[1] };
	struct cp_finding found;
	struct cp_rebuilt r;
	struct cp_census c;
	int rc;

	if (cp_ends_census(ch, &c) != 0)
		return -1;
	print_spawn(v, s);
	cp_ends_print(ch, &c);
	rc = cp_rebuild(f, &r);
	if (rc == 0) {
		rc = cp_rebuilt_judge(f, &r, (uint32_t)(s->w - f->wards), &c,
		    &found);
		if (rc == 0) {
			printf("  rule     %s\n",
			    cp_rule_text(
				s->w->surplus ? CP_RULE_STALE : found.rule));
			print_next(v, s);
		}
		cp_rebuilt_free(&r);
	}
	cp_census_free(&c);
	return rc;
}

static void
explain_host(const struct cp_seen_host *h)
{
	printf("  host     of %zu stdio child%s, guarded by process %d%s%s\n",
	    h->n, h->n == 1 ? "" : "ren", (int)h->facts->head->guard,
	    h->h->census ? ", by census" : "",
	    h->h->attached ? " (attached)" : "");
	if (h->h->dead)
		puts("  dead     its children are being ended");
}

/* Nobody guards it: what the kernel says. */
static int
explain_stranger(pid_t pid)
{
	struct cp_channel ch[2];
	struct cp_census c;

	cp_ends_of(pid, ch);
	if (cp_ends_census(ch, &c) != 0)
		return -1;
	cp_ends_print(ch, &c);
	cp_census_free(&c);
	puts("  rule     no guard knows it: nothing of ours will touch it");
	puts(
	    "  next     nothing (childproof scan says whether it is an orphan)");
	return 0;
}

static int
explain(const struct cp_view *v, pid_t pid)
{
	const struct cp_seen_ward *s = cp_view_ward(v, pid);
	const struct cp_seen_host *h = cp_view_host(v, pid);
	char *command;
	struct cp_stat st;
	bool here = cp_procfs_stat(pid, &st) == 0;

	if (!here && s == NULL && h == NULL) {
		warnx("why: %d: no such process (childproof ps lists hosts "
		      "and children)",
		    (int)pid);
		return 1;
	}
	command = cp_procs_command(pid, here ? st.comm : "gone");
	printf("%d %s\n", (int)pid, command != NULL ? command : "?");
	free(command);
	if (here)
		printf("  process  child of %d, in session %d%s\n",
		    (int)st.ppid, (int)st.sid,
		    st.state == 'Z' ? ", a zombie" : "");
	if (h != NULL)
		explain_host(h);
	if (s == NULL)
		return h != NULL ? 0 : explain_stranger(pid);
	if (s->w->pid != pid)
		printf("  member   of %d %s: it goes with it\n", (int)s->w->pid,
		    s->command);
	return explain_ward(v, s);
}

static int
cmd_why(int argc, char *argv[])
{
	const struct cp_command *c = &cp_command_why;
	struct cp_view v;
	pid_t pid;
	int rc;

	while (cp_usage_next(c, argc, argv) != -1)
		;
	if (optind >= argc)
		cp_usage_die(c, "PID: missing (childproof ps lists them)");
	pid = cp_pid_operand(c, argv[optind++]);
	if (optind < argc)
		cp_usage_die(c, "%s: one PID too many (give one)",
		    argv[optind]);
	(void)setlocale(LC_ALL, "");
	if (cp_view_take(&v) != 0)
		err(CP_EXIT_FAILED, "why");
	rc = explain(&v, pid);
	cp_view_free(&v);
	if (rc < 0)
		err(CP_EXIT_FAILED, "why");
	return rc != 0 ? rc : cp_usage_finish();
}
