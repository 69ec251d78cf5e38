/* SPDX-License-Identifier: MIT */
/* See signals.h. */
#include <sys/signalfd.h>

#include <signal.h>
#include <unistd.h>

#include "due.h"
#include "journal.h"
#include "signals.h"
#include "watch.h"

static int signals = -1;
static bool hurried;

void
cp_signals_open(void)
{
	sigset_t all, heard;

	sigfillset(&all);
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGILL);
	sigdelset(&all, SIGABRT);
	sigprocmask(SIG_SETMASK, &all, NULL);
	sigemptyset(&heard);
	sigaddset(&heard, SIGTERM);
	sigaddset(&heard, SIGHUP);
	signals = signalfd(-1, &heard, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals >= 0)
		(void)cp_watch_add(signals, CP_TAG_SIGNAL, 0, 0);
}

/*
 * A service manager stops the unit: what is proven ends at once, and what is
 * proven later too.  A signal to the guard says nothing about a living host,
 * which may be draining its work, so the guard waits for it.
 */
static void
hurry(uint64_t now)
{
	struct cp_ward *w;

	if (!hurried)
		cp_journal_note("hurry", "SIGTERM: grace is over", 0);
	hurried = true;
	for (w = cp_facts_next_ward(NULL); w != NULL; w = cp_facts_next_ward(w))
		if (w->step == CP_STEP_DOOMED && w->due_ms != 0)
			cp_due(w, now);
}

void
cp_signals_hear(uint64_t now_ms)
{
	struct signalfd_siginfo si;

	while (read(signals, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo == SIGTERM)
			hurry(now_ms);
		else
			cp_journal_reopen();
	}
}

bool
cp_signals_hurried(void)
{
	return hurried;
}
