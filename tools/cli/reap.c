/* SPDX-License-Identifier: MIT */
/*
 * childproof reap: ends now what is proven, without the rest of its grace.
 * The guards do it, each by its own judge and by a fresh census; this only
 * asks them, and waits.  Owns nothing.  Context: cli.
 */
#include <sys/syscall.h>

#include <err.h>
#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../guard/judge.h"
#include "ps.h"
#include "run.h"
#include "table.h"
#include "usage.h"

/* What a guard may need beside `term`. */
#define MARGIN_MS 2000

static int cmd_reap(int argc, char *argv[]);

enum { DRY_RUN, STALE };

static const struct cp_flag flags[] = {
	[DRY_RUN] = { "dry-run", 'n', NULL, "say what would be ended" },
	[STALE] = { "stale", 0, NULL, "what is stale as well" },
	{ 0 },
};

const struct cp_command cp_command_reap = {
	.name = "reap",
	.about = "end now what is proven leaked",
	.operands = "[PID]",
	.flags = flags,
	.run = cmd_reap,
};

static bool
is_meant(const struct cp_view *v, const struct cp_seen_ward *s, pid_t pid,
    bool stale)
{
	if (pid != 0 && s->w->pid != pid && v->hosts[s->host].h->pid != pid)
		return false;
	return s->state == CP_STATE_PEER_GONE || s->state == CP_STATE_ORPHAN ||
	    s->state == CP_STATE_ENDING || (stale && s->w->surplus);
}

static void
say(const struct cp_view *v, const struct cp_seen_ward *s, const char *what)
{
	printf("%s %d of %d: %s: %s\n", what, (int)s->w->pid,
	    (int)v->hosts[s->host].h->pid, cp_state_name(s->state), s->command);
}

/* Waits until PIDFD is readable or the time is over; true: it has ended. */
static bool
has_ended(int pidfd, int ms)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return pidfd < 0 || poll(&p, 1, ms) > 0;
}

static int
ask_guards(const struct cp_view *v, pid_t pid, bool stale)
{
	const struct cp_msg msg = { .type = CP_MSG_REAP,
		.flags = stale ? CP_REAP_STALE : 0,
		.pid = pid };
	int rc = 0;

	for (size_t i = 0; i < v->n_facts; i++)
		if (cp_ask(v->facts[i].name, &msg) < 0 &&
		    errno != ECONNREFUSED) {
			warn("reap: guard %d", (int)v->facts[i].head->guard);
			rc = 1;
		}
	return rc;
}

static int
patience(const struct cp_view *v)
{
	uint32_t term = 0;

	for (size_t i = 0; i < v->n_facts; i++)
		if (v->facts[i].head->options.term_ms > term)
			term = v->facts[i].head->options.term_ms;
	return (int)term + MARGIN_MS;
}

/* Asks for it and waits for the ends of those that are MEANT. */
static int
reap(const struct cp_view *v, pid_t pid, bool stale)
{
	int *pidfds = calloc(v->n_wards + 1, sizeof(*pidfds));
	int rc, left = patience(v);

	if (pidfds == NULL)
		return -1;
	for (size_t i = 0; i < v->n_wards; i++)
		pidfds[i] = is_meant(v, &v->wards[i], pid, stale) ?
		    (int)syscall(SYS_pidfd_open, v->wards[i].w->pid, 0) :
		    -1;
	rc = ask_guards(v, pid, stale);
	for (size_t i = 0; i < v->n_wards; i++) {
		if (!is_meant(v, &v->wards[i], pid, stale))
			continue;
		if (has_ended(pidfds[i], left)) {
			say(v, &v->wards[i], "ended");
		} else {
			say(v, &v->wards[i], "still there:");
			left = 0;
			rc = 1;
		}
		if (pidfds[i] >= 0)
			close(pidfds[i]);
	}
	free(pidfds);
	return rc;
}

/* There is nothing to end: says why, if it was asked for one process. */
static int
nothing(const struct cp_view *v, pid_t pid)
{
	for (size_t i = 0; i < v->n_wards; i++)
		if (v->wards[i].w->pid == pid) {
			warnx("reap: %d: is %s, not proven leaked (childproof "
			      "why %d)",
			    (int)pid, cp_state_name(v->wards[i].state),
			    (int)pid);
			return 1;
		}
	for (size_t i = 0; i < v->n_hosts; i++)
		if (v->hosts[i].h->pid == pid)
			pid = 0;
	if (pid != 0) {
		warnx("reap: %d: no guard knows it (childproof why %d)",
		    (int)pid, (int)pid);
		return 1;
	}
	puts("nothing is proven leaked");
	return 0;
}

static int
cmd_reap(int argc, char *argv[])
{
	const struct cp_command *c = &cp_command_reap;
	bool flag[2] = { false, false };
	size_t n = 0;
	struct cp_view v;
	pid_t pid = 0;
	int opt, rc;

	while ((opt = cp_usage_next(c, argc, argv)) != -1)
		flag[opt] = true;
	if (optind < argc)
		pid = cp_pid_operand(c, argv[optind++]);
	if (optind < argc)
		cp_usage_die(c, "%s: one PID is enough", argv[optind]);
	(void)setlocale(LC_ALL, "");
	if (cp_view_take(&v) != 0)
		err(CP_EXIT_FAILED, "reap");
	for (size_t i = 0; i < v.n_wards; i++)
		n += is_meant(&v, &v.wards[i], pid, flag[STALE]);
	if (n == 0)
		rc = nothing(&v, pid);
	else if (!flag[DRY_RUN])
		rc = reap(&v, pid, flag[STALE]);
	else
		for (size_t i = rc = 0; i < v.n_wards; i++)
			if (is_meant(&v, &v.wards[i], pid, flag[STALE]))
				say(&v, &v.wards[i], "would end");
	cp_view_free(&v);
	if (rc < 0)
		err(CP_EXIT_FAILED, "reap");
	return rc != 0 ? rc : cp_usage_finish();
}
