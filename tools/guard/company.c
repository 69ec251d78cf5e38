/* SPDX-License-Identifier: MIT */
/* See company.h. */
#include <sys/syscall.h>

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "company.h"
#include "journal.h"
#include "spare.h"
#include "usage.h"
#include "watch.h"

static const char *
step_name(int sig)
{
	return sig == SIGTERM ? "TERM" : "KILL";
}

/* Signals one process.  Returns 0, or -1 with errno; ESRCH: it is gone. */
static int
send_to(const struct cp_proc *p, int *pidfd, int sig)
{
	if (*pidfd < 0)
		*pidfd = cp_watch_pidfd(p->pid, p->start);
	if (*pidfd < 0)
		return -1;
	return (int)syscall(SYS_pidfd_send_signal, *pidfd, sig, NULL, 0);
}

static void
signal_member(struct cp_ward *w, const struct cp_proc *p, int sig, bool again)
{
	struct cp_member *m = cp_facts_member(w, p->pid, p->start);
	bool child = p->pid == w->pid && p->start == w->start;
	int sent = child ? w->sent : m != NULL ? m->sent : 0;
	int fd = -1, error = 0;
	int *pidfd = child ? &w->pidfd : m != NULL ? &m->pidfd : &fd;
	bool unwatched = *pidfd < 0;
	struct cp_whom whom;

	if (sent == sig && !again)
		return;
	if (sent != sig)
		cp_journal_whom(&whom, w, p->pid);
	if (send_to(p, pidfd, sig) != 0)
		error = errno;
	if (child)
		w->sent = (uint8_t)sig;
	else if (m != NULL)
		m->sent = sig;
	if (unwatched && *pidfd >= 0 && fd < 0)
		*pidfd = cp_watch_keep(*pidfd, CP_TAG_WARD,
		    cp_facts_ward_index(w), w->serial);
	if (fd >= 0)
		close(fd);
	if (error == ESRCH || (sent == sig && error == 0))
		return;
	if (error == 0 && sig == SIGTERM)
		cp_facts_tally()->terms++;
	else if (error == 0)
		cp_facts_tally()->kills++;
	cp_journal(&(struct cp_entry){ .event = "signal",
	    .reason = cp_rule_text(w->rule),
	    .step = step_name(sig),
	    .sig = sig,
	    .host = w->host,
	    .ward = w,
	    .pid = p->pid,
	    .start = p->start,
	    .whom = sent != sig ? &whom : NULL,
	    .error = error });
}

/* Signals everybody who goes with the ward, but what `spare` names. */
void
cp_company_signal(struct cp_ward *w, const struct cp_case *c, int sig,
    bool again)
{
	uint32_t out[CP_GATHER_MAX];
	size_t n = cp_judge_members(c, out, CP_GATHER_MAX);

	for (size_t i = 0; i < n; i++) {
		const struct cp_proc *p = &c->index->census->procs[out[i]];

		if (!cp_spare_matches(c->options->spare, p->pid))
			signal_member(w, p, sig, again);
	}
}

/* Who goes with a ward, by a census. */
struct company {
	const struct cp_census *census;
	const uint32_t *procs;
	size_t n;
};

static bool
in_company(pid_t pid, uint64_t start, const void *arg)
{
	const struct company *all = arg;

	for (size_t i = 0; i < all->n; i++) {
		const struct cp_proc *p = &all->census->procs[all->procs[i]];

		if (p->pid == pid && p->start == start)
			return true;
	}
	return false;
}

/*
 * Remembers who belongs to the ward, so that they are found when it is gone,
 * and forgets who does no longer: what let go while all was well is a daemon,
 * and stays one.
 */
void
cp_company_remember(struct cp_ward *w, const struct cp_case *c)
{
	uint32_t out[CP_GATHER_MAX];
	struct company all = { c->index->census, out, 0 };

	all.n = cp_judge_members(c, out, CP_GATHER_MAX);
	if (all.n < CP_GATHER_MAX)
		cp_facts_prune(w, in_company, &all);
	for (size_t i = 0; i < all.n; i++) {
		const struct cp_proc *p = &all.census->procs[out[i]];

		(void)cp_facts_member(w, p->pid, p->start);
	}
}

bool
cp_company_has_written(const struct cp_case *c)
{
	uint32_t out[CP_GATHER_MAX];
	size_t n = cp_judge_members(c, out, CP_GATHER_MAX);

	for (size_t i = 0; i < n; i++) {
		const struct cp_proc *p = &c->index->census->procs[out[i]];
		struct cp_usage u;

		switch (cp_usage_read(p->pid, p->start, &u)) {
		case CP_USED_GONE:
			break;
		case CP_USED_UNKNOWN:
			return true;
		case CP_USED_KNOWN:
			if (u.wrote > 0)
				return true;
		}
	}
	return false;
}

/* When the child itself is gone, the ends of its members are awaited. */
void
cp_company_watch(struct cp_ward *w)
{
	struct cp_member *m;

	SLIST_FOREACH(m, &w->members, link) {
		if (m->pidfd >= 0)
			continue;
		m->pidfd = cp_watch_keep(cp_watch_pidfd(m->pid, m->start),
		    CP_TAG_WARD, cp_facts_ward_index(w), w->serial);
	}
}
