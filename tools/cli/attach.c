/* SPDX-License-Identifier: MIT */
/*
 * childproof attach: guards a host that already runs, by census and events,
 * until it ends or is let go.  Owns nothing.  Context: cli.
 */
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../shim/common/procfs.h"
#include "../../shim/common/start.h"
#include "export.h"
#include "parts.h"
#include "ps.h"
#include "run.h"
#include "usage.h"

static int cmd_attach(int argc, char *argv[]);

enum { LIST, DETACH };

static const struct cp_flag flags[] = {
	[LIST] = { "list", 'l', NULL, "list the hosts that were attached" },
	[DETACH] = { "detach", 'd', NULL, "guard PID no longer" },
	{ 0 },
};

const struct cp_command cp_command_attach = {
	.name = "attach",
	.about = "guard a host that already runs",
	.operands = "PID",
	.flags = flags,
	.options = true,
	.run = cmd_attach,
};

/* The living host PID, or NULL. */
static const struct cp_seen_host *
find(const struct cp_view *v, pid_t pid)
{
	const struct cp_seen_host *h = cp_view_host(v, pid);

	return h != NULL && !h->h->dead && h->used.pid == pid ? h : NULL;
}

static int
list(const struct cp_view *v)
{
	for (size_t i = 0; i < v->n_hosts; i++)
		if (v->hosts[i].h->attached && !v->hosts[i].h->dead)
			printf("%d\t%s\n", (int)v->hosts[i].h->pid,
			    v->hosts[i].command);
	return cp_usage_finish();
}

/* What the guard said to it, as an exit status. */
static int
report(const char *what, pid_t pid, long answer)
{
	if (answer == 0)
		return 0;
	errno = answer < 0 ? errno : (int)answer;
	if (errno == EPERM)
		warnx("%s: %d: is another user's process (run it as root)",
		    what, (int)pid);
	else if (errno == ECONNREFUSED)
		warnx("%s: %d: the guard did not start (childproof doctor)",
		    what, (int)pid);
	else
		warn("%s: %d", what, (int)pid);
	return 1;
}

/* Two may have attached it at once: each guard is told. */
static int
detach(const struct cp_view *v, pid_t pid)
{
	const struct cp_msg msg = { .type = CP_MSG_DETACH, .pid = pid };
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < v->n_hosts; i++) {
		const struct cp_seen_host *h = &v->hosts[i];

		if (h->h->pid != pid || h->h->dead || !h->h->attached)
			continue;
		n++;
		rc |= report("detach", pid, cp_ask(h->facts->name, &msg));
	}
	if (n > 0)
		return rc;
	warnx("attach: %d: was not attached (childproof attach --list names "
	      "those that were)",
	    (int)pid);
	return 1;
}

/* A guard of its own, that has nobody to watch yet. */
static int
start(pid_t pid, const struct cp_options *o, char name[CP_NAME_MAX + 1])
{
	struct cp_parts parts;
	char *text = cp_export_options(o), *variable = NULL;
	char *env[] = { NULL, NULL };
	int rc = -1;

	cp_parts_find(&parts);
	if (text != NULL &&
	    asprintf(&variable, CP_ENV_OPTIONS "=%s", text) != -1) {
		env[0] = variable;
		rc = cp_guard_name(pid, name);
		if (rc == 0)
			rc = cp_guard_start(name, parts.guard, env);
	}
	free(text);
	free(variable);
	return rc;
}

/* Whose process PID is, or (uid_t)-1. */
static uid_t
owner_of(pid_t pid)
{
	char path[CP_PATH_SIZE];
	struct stat st;

	if (cp_procfs_path(path, sizeof(path), pid, "") == 0 ||
	    stat(path, &st) != 0)
		return (uid_t)-1;
	return st.st_uid;
}

/*
 * Why PID is not attached, or NULL.  The guard checks most of it again, but by
 * then it would run, and watch what it may not touch.
 */
static const char *
refusal(const struct cp_view *v, pid_t pid)
{
	uid_t owner = owner_of(pid);
	struct cp_stat st;

	if (find(v, pid) != NULL)
		return "is guarded already (childproof ps shows it)";
	if (cp_procfs_stat(pid, &st) != 0 || st.state == 'Z' || st.kernel ||
	    owner == (uid_t)-1)
		return "no such process (give the PID of a host that runs)";
	if (pid == 1)
		return "is the system's first process, which adopts the "
		       "children of others (attach their hosts)";
	if (pid == getpid())
		return "is this command itself (give the PID of a host)";
	if (geteuid() != 0 && owner != geteuid())
		return "is another user's process (run it as root)";
	for (size_t i = 0; i < v->n_facts; i++)
		if (v->facts[i].head->guard == pid)
			return "is a guard (give the PID of a host)";
	return NULL;
}

static int
attach(const struct cp_view *v, pid_t pid, const struct cp_options *o)
{
	const struct cp_msg msg = { .type = CP_MSG_ATTACH, .pid = pid };
	const char *why = refusal(v, pid);
	char name[CP_NAME_MAX + 1];
	int rc;

	if (why != NULL) {
		warnx("attach: %d: %s", (int)pid, why);
		return 1;
	}
	if (start(pid, o, name) != 0) {
		warn("attach: %d: no guard could be started", (int)pid);
		return CP_EXIT_FAILED;
	}
	rc = report("attach", pid, cp_ask(name, &msg));
	if (rc == 0)
		printf("%d is guarded by census: children are found within "
		       "about a second.\nWhat needs the preload is missing: "
		       "the wait at its orderly exit, PDEATHSIG,\nlimit= and "
		       "the brake on respawning.\n",
		    (int)pid);
	return rc != 0 ? rc : cp_usage_finish();
}

static int
cmd_attach(int argc, char *argv[])
{
	const struct cp_command *c = &cp_command_attach;
	bool listing = false, letting_go = false;
	struct cp_options o;
	struct cp_view v;
	const char *why;
	pid_t pid = 0;
	int opt, rc;

	cp_options_init(&o);
	cp_usage_environment(&o);
	while ((opt = cp_usage_next(c, argc, argv)) != -1)
		if (opt >= CP_USAGE_OPTION)
			cp_usage_set(c, &o, opt - CP_USAGE_OPTION, optarg);
		else
			*(opt == LIST ? &listing : &letting_go) = true;
	why = cp_options_check(&o);
	if (why != NULL)
		cp_usage_die(c, "options: %s", why);
	if (!listing && optind >= argc)
		cp_usage_die(c, "PID: missing (say which host)");
	if (!listing)
		pid = cp_pid_operand(c, argv[optind++]);
	if (optind < argc)
		cp_usage_die(c,
		    listing ? "%s: --list takes no PID (leave it out)" :
			      "%s: one PID too many (give one)",
		    argv[optind]);
	if (cp_view_take(&v) != 0)
		err(CP_EXIT_FAILED, "attach");
	rc = listing   ? list(&v) :
	    letting_go ? detach(&v, pid) :
			 attach(&v, pid, &o);
	cp_view_free(&v);
	return rc;
}
