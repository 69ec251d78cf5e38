/* SPDX-License-Identifier: MIT */
/*
 * What the guard does at an orderly exit, as far as it can be done from inside
 * the host: the wards themselves, not whom they have started.  PIDs are turned
 * into pidfds first, and what is signalled was checked behind that.
 */
#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

#include "clock.h"
#include "common/procfs.h"
#include "common/raw.h"
#include "common/wire.h"
#include "config.h"
#include "finish.h"
#include "held.h"
#include "map.h"
#include "ward.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif

#define MARGIN_MS 1000

/* Not on the stack, which may be a signal stack. */
struct group {
	size_t n;
	struct pollfd member[CP_HELD_MAX]; /* fd -1: dead, or not ours */
	struct cp_held held;		   /* with the same numbers */
};

static bool
join(const struct cp_record *r, void *arg)
{
	struct group *g = arg;
	struct cp_stat st;
	int fd;

	if ((r->flags & CP_WARD_DUPLEX) == 0)
		return true;
	fd = (int)syscall(SYS_pidfd_open, r->pid, 0);
	if (fd == -1)
		return true;
	/* Checked behind the open: from here on the descriptor is it. */
	if (cp_procfs_stat(r->pid, &st) == -1 || !cp_ward_is(r, &st)) {
		cp_raw_close(fd);
		return true;
	}
	if (cp_held_add(&g->held, g->n, r))
		g->member[g->n++] = (struct pollfd){ fd, POLLIN, 0 };
	else
		cp_raw_close(fd);
	return g->n < CP_HELD_MAX;
}

/* Leaves alone whom somebody still talks to. */
static void
let_go(struct group *g)
{
	bool some = false;

	for (size_t i = 0; i < g->n; i++) {
		if (g->member[i].fd == -1)
			cp_held_drop(&g->held, i);
		some = some || cp_held_asks(&g->held, i);
	}
	if (!some)
		return;
	cp_held_look(&g->held, g->n, cp_clock_ms() + MARGIN_MS);
	for (size_t i = 0; i < g->n; i++)
		if (g->held.of[i].found && g->member[i].fd != -1) {
			cp_raw_close(g->member[i].fd);
			g->member[i].fd = -1;
		}
}

/* Until all are dead; true if some are left. */
static bool
await(struct group *g, int64_t deadline)
{
	for (;;) {
		size_t alive = 0;

		for (size_t i = 0; i < g->n; i++)
			alive += g->member[i].fd != -1;
		if (alive == 0)
			return false;
		if (cp_clock_wait(g->member, g->n, deadline) <= 0)
			return true;
		for (size_t i = 0; i < g->n; i++)
			if (g->member[i].fd != -1 &&
			    g->member[i].revents != 0) {
				cp_raw_close(g->member[i].fd);
				g->member[i].fd = -1;
			}
	}
}

static void
signal_all(const struct group *g, int sig)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->member[i].fd != -1)
			(void)syscall(SYS_pidfd_send_signal, g->member[i].fd,
			    sig, NULL, 0);
}

void
cp_finish(void)
{
	const struct cp_options *o = cp_options();
	struct group *g;

	/* Only the guard can match what is to be spared. */
	if (o->spare[0] != '\0')
		return;
	g = cp_map(sizeof(*g), MAP_PRIVATE);
	if (g == NULL)
		return;
	cp_ward_each(join, g);
	let_go(g);
	if (await(g, cp_clock_ms() + o->exit_grace_ms)) {
		let_go(g); /* it may have been passed on while we looked */
		signal_all(g, SIGTERM);
		if (await(g, cp_clock_ms() + o->term_ms)) {
			signal_all(g, SIGKILL);
			(void)await(g, cp_clock_ms() + MARGIN_MS);
		}
	}
	for (size_t i = 0; i < g->n; i++)
		if (g->member[i].fd != -1)
			cp_raw_close(g->member[i].fd);
	cp_unmap(g, sizeof(*g));
}
