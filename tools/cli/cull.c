/* SPDX-License-Identifier: MIT */
/* See cull.h. */
#include <sys/pidfd.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../shim/common/procfs.h"
#include "clock.h"
#include "cull.h"

#define KILL_MS 5000 /* to die of SIGKILL: one may be in the kernel */

static bool
is_orphan(const struct cp_listed *p)
{
	return cp_why_proven((enum cp_why)p->why);
}

/*
 * Takes hold of the process.  The PID may be another's by now: what was born
 * at the same tick under the same PID is the one that was listed.
 */
static void
hold(struct cp_listed *p)
{
	struct cp_stat st;

	p->pidfd = pidfd_open(p->pid, 0);
	if (p->pidfd != -1 && cp_procfs_stat(p->pid, &st) == 0 &&
	    st.start == p->start)
		return;
	p->outcome = p->pidfd == -1 && errno != ESRCH ? CP_REFUSED :
							CP_ENDED_ITSELF;
	if (p->pidfd != -1)
		close(p->pidfd);
	p->pidfd = -1;
}

/*
 * Waits until all that are held have ended, at most MS; who has is let go of,
 * with outcome HOW unless it has one.  Returns how many are left.
 */
static size_t
await(struct cp_list *l, int64_t ms, enum cp_outcome how)
{
	struct pollfd *p = calloc(l->n + 1, sizeof(*p));
	int64_t until = cp_clock_ms() + ms, left = ms;
	size_t held = 0;

	for (size_t i = 0; p != NULL && i < l->n; i++) {
		p[i] = (struct pollfd){ .fd = l->at[i].pidfd,
			.events = POLLIN };
		held += p[i].fd >= 0;
	}
	while (held > 0) {
		if (poll(p, l->n, left > 0 ? (int)left : 0) == -1 &&
		    errno != EINTR)
			break;
		for (size_t i = 0; i < l->n; i++) {
			if (p[i].fd < 0 || (p[i].revents & POLLIN) == 0)
				continue;
			close(p[i].fd);
			p[i].fd = l->at[i].pidfd = -1;
			l->at[i].outcome = how;
			held--;
		}
		if (left <= 0)
			break;
		left = until - cp_clock_ms();
	}
	free(p);
	return held;
}

/* Lets go of all that a fresh census does not prove again. */
static int
prove_again(struct cp_list *l, const char *spare)
{
	struct cp_survey s;

	if (cp_survey_take(spare, &s) == -1)
		return -1;
	for (size_t i = 0; i < l->n; i++) {
		struct cp_listed *p = &l->at[i];
		const struct cp_orphan *f;

		if (p->pidfd < 0)
			continue;
		f = cp_survey_find(&s, p->pid, p->start);
		if (f != NULL && cp_why_proven((enum cp_why)f->why))
			continue;
		close(p->pidfd);
		p->pidfd = -1;
		p->outcome = CP_NO_LONGER;
	}
	cp_survey_free(&s);
	return 0;
}

static void
send_all(struct cp_list *l, int sig)
{
	for (size_t i = 0; i < l->n; i++) {
		struct cp_listed *p = &l->at[i];

		if (p->pidfd < 0 ||
		    pidfd_send_signal(p->pidfd, sig, NULL, 0) == 0 ||
		    errno == ESRCH)
			continue;
		close(p->pidfd);
		p->pidfd = -1;
		p->outcome = CP_REFUSED;
	}
}

static void
mark_held(struct cp_list *l, enum cp_outcome how)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->at[i].pidfd >= 0)
			l->at[i].outcome = how;
}

int
cp_cull(struct cp_list *l, const struct cp_options *o)
{
	size_t held = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (!is_orphan(&l->at[i]))
			continue;
		hold(&l->at[i]);
		held += l->at[i].pidfd >= 0;
	}
	if (held == 0)
		return 0;
	/* The host may just have gone: they may be about to. */
	if (await(l, o->exit_grace_ms, CP_ENDED_ITSELF) == 0)
		return 0;
	if (prove_again(l, o->spare) == -1)
		return -1;
	if (o->dry_run) {
		mark_held(l, CP_WOULD_END);
		return 0;
	}
	send_all(l, SIGTERM);
	if (await(l, o->term_ms, CP_ENDED_TERM) == 0)
		return 0;
	send_all(l, SIGKILL);
	if (await(l, KILL_MS, CP_ENDED_KILL) > 0)
		mark_held(l, CP_SURVIVED);
	return 0;
}
