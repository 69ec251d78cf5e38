/* SPDX-License-Identifier: MIT */
/*
 * childproof ps: a tree for each host, its children below it.  Owns nothing.
 * Context: cli.
 */
#include <err.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ps.h"
#include "run.h"
#include "say.h"
#include "usage.h"

static int cmd_ps(int argc, char *argv[]);

static const struct cp_flag flags[] = {
	{ "json", 'j', NULL, "print one JSON object" },
	{ 0 },
};

const struct cp_command cp_command_ps = {
	.name = "ps",
	.about = "list hosts and their stdio children",
	.operands = "[PID]",
	.flags = flags,
	.run = cmd_ps,
};

/* The host whose tree shows PID, or NULL. */
static const struct cp_seen_host *
host_of(const struct cp_view *v, pid_t pid)
{
	const struct cp_seen_host *h = cp_view_host(v, pid);
	const struct cp_seen_ward *s = cp_view_ward(v, pid);

	return h != NULL ? h : s != NULL ? &v->hosts[s->host] : NULL;
}

/* What there is besides, or why there is nothing. */
static void
remark(const struct cp_view *v)
{
	fflush(stdout);
	if (v->foreign > 0)
		warnx("ps: %zu guard%s of other %s", v->foreign,
		    v->foreign == 1 ? "" : "s",
		    geteuid() == 0 ? "namespaces (look at them from there)" :
				     "users or namespaces (root sees those "
				     "of all users)");
	if (v->silent > 0)
		warnx("ps: %zu guard%s did not answer within a second (stopped,"
		      " or of another version)",
		    v->silent, v->silent == 1 ? "" : "s");
	if (v->n_facts == 0)
		warnx("ps: no guard runs (childproof -- COMMAND starts one, "
		      "childproof scan finds orphans without one)");
}

pid_t
cp_pid_operand(const struct cp_command *c, const char *text)
{
	const char *why;
	long long pid = strtonum(text, 1, INT32_MAX, &why);

	if (why != NULL)
		cp_usage_die(c, "%s: not a process ID: %s (give a number)",
		    cp_say_name(text), why);
	return (pid_t)pid;
}

static int
cmd_ps(int argc, char *argv[])
{
	const struct cp_command *c = &cp_command_ps;
	bool json = false;
	const struct cp_seen_host *only = NULL;
	struct cp_view v;
	pid_t pid = 0;
	int opt, rc = 0;

	while ((opt = cp_usage_next(c, argc, argv)) != -1)
		json = json || opt == 0;
	if (optind < argc)
		pid = cp_pid_operand(c, argv[optind++]);
	if (optind < argc)
		cp_usage_die(c, "%s: one PID too many (give one)",
		    argv[optind]);
	(void)setlocale(LC_ALL, "");
	if (cp_view_take(&v) != 0)
		err(CP_EXIT_FAILED, "ps");
	if (pid != 0)
		only = host_of(&v, pid);
	if (pid != 0 && only == NULL) {
		rc = 1;
		if (v.n_facts > 0)
			warnx(
			    "ps: %d: no guard knows it (childproof why %d tells "
			    "more)",
			    (int)pid, (int)pid);
	} else if (json)
		rc = cp_ps_json(&v, only);
	else if (v.n_facts > 0)
		rc = cp_ps_tree(&v, only);
	if (!json)
		remark(&v);
	cp_view_free(&v);
	if (rc < 0)
		err(CP_EXIT_FAILED, "ps");
	return rc != 0 ? rc : cp_usage_finish();
}
