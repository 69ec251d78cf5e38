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
#include <unistd.h>

#include "../../shim/common/procfs.h"
#include "clock.h"
#include "ps.h"
#include "run.h"
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

/* What is asked for: PID (0: everything), and what is stale, or not. */
struct wish {
	pid_t pid;
	bool stale;
};

static bool
is_named(const struct cp_view *v, const struct cp_seen_ward *s, pid_t pid)
{
	return pid == 0 || v->hosts[s->host].h->pid == pid ||
	    cp_view_belongs(v, s, pid);
}

static bool
is_meant(const struct cp_view *v, const struct cp_seen_ward *s,
    const struct wish *wish)
{
	return is_named(v, s, wish->pid) &&
	    (s->state == CP_STATE_PEER_GONE || s->state == CP_STATE_ORPHAN ||
		s->state == CP_STATE_ENDING || (wish->stale && s->w->surplus));
}

static void
say(const struct cp_view *v, const struct cp_seen_ward *s, const char *what)
{
	printf("%s %d of %d: %s: %s\n", what, (int)s->w->pid,
	    (int)v->hosts[s->host].h->pid, cp_state_name(s->state), s->command);
}

/* Waits for the process PID that began at START, at most until END. */
static bool
has_ended(pid_t pid, uint64_t start, int64_t end)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0), n;
	int64_t left = end - cp_clock_ms();
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct cp_stat st;

	if (fd < 0)
		return errno == ESRCH;
	n = cp_procfs_stat(pid, &st) == 0 && st.start == start ?
	    poll(&p, 1, left > 0 ? (int)left : 0) :
	    1; /* its number is another's */
	close(fd);
	return n > 0;
}

/* With all that were known to go with it. */
static bool
is_over(const struct cp_view *v, const struct cp_seen_ward *s, int64_t end)
{
	const struct cp_facts *f = v->hosts[s->host].facts;

	if (!has_ended(s->w->pid, s->w->start, end))
		return false;
	for (uint32_t m = 0; m < f->head->n_members; m++)
		if (&f->wards[f->members[m].ward] == s->w &&
		    !has_ended(f->members[m].pid, f->members[m].start, end))
			return false;
	return true;
}

static int
ask_guards(const struct cp_view *v, const struct wish *wish)
{
	const struct cp_msg msg = { .type = CP_MSG_REAP,
		.flags = wish->stale ? CP_REAP_STALE : 0,
		.pid = wish->pid };
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

/* Asks for it and waits for the ends of those that are meant. */
static int
reap(const struct cp_view *v, const struct wish *wish)
{
	int rc = ask_guards(v, wish);
	int64_t end = cp_clock_ms() + patience(v);

	for (size_t i = 0; i < v->n_wards; i++) {
		const struct cp_seen_ward *s = &v->wards[i];
		bool over;

		if (!is_meant(v, s, wish))
			continue;
		over = is_over(v, s, end);
		say(v, s, over ? "ended" : "still there:");
		if (!over)
			rc = 1;
	}
	return rc;
}

static void
dry_run(const struct cp_view *v, const struct wish *wish)
{
	for (size_t i = 0; i < v->n_wards; i++)
		if (is_meant(v, &v->wards[i], wish))
			say(v, &v->wards[i], "would end");
}

/* There is nothing to end: says why, if it was asked for one process. */
static int
nothing(const struct cp_view *v, pid_t pid)
{
	const struct cp_seen_ward *s;

	if (pid == 0 || cp_view_host(v, pid) != NULL) {
		puts("nothing is proven leaked");
		return 0;
	}
	s = cp_view_ward(v, pid);
	if (s == NULL)
		warnx("reap: %d: no guard knows it (childproof why %d)",
		    (int)pid, (int)pid);
	else if (s->state == CP_STATE_CHILD_GONE)
		warnx("reap: %d: is child-gone, which only the silence of its "
		      "whole grace proves (childproof why %d)",
		    (int)pid, (int)pid);
	else if (s->w->surplus)
		warnx("reap: %d: is stale, not proven leaked (childproof reap "
		      "--stale %d ends it)",
		    (int)pid, (int)pid);
	else
		warnx("reap: %d: is %s, not proven leaked (childproof why %d)",
		    (int)pid, cp_state_name(s->state), (int)pid);
	return 1;
}

static int
cmd_reap(int argc, char *argv[])
{
	const struct cp_command *c = &cp_command_reap;
	bool flag[2] = { false, false };
	struct wish wish = { 0 };
	size_t n = 0;
	struct cp_view v;
	int opt, rc = 0;

	while ((opt = cp_usage_next(c, argc, argv)) != -1)
		flag[opt] = true;
	if (optind < argc)
		wish.pid = cp_pid_operand(c, argv[optind++]);
	if (optind < argc)
		cp_usage_die(c, "%s: one PID too many (give one)",
		    argv[optind]);
	wish.stale = flag[STALE];
	(void)setlocale(LC_ALL, "");
	if (cp_view_take(&v) != 0)
		err(CP_EXIT_FAILED, "reap");
	for (size_t i = 0; i < v.n_wards; i++)
		n += is_meant(&v, &v.wards[i], &wish);
	if (n == 0)
		rc = nothing(&v, wish.pid);
	else if (flag[DRY_RUN])
		dry_run(&v, &wish);
	else
		rc = reap(&v, &wish);
	cp_view_free(&v);
	return rc != 0 ? rc : cp_usage_finish();
}
