/* SPDX-License-Identifier: MIT */
/*
 * The cloak.  In an owner, where the disposition of a claimed signal would be
 * SIG_DFL, ours stands instead, and whoever asks is told SIG_DFL.  What the
 * host installs, SIG_IGN included, goes to the kernel as it is: the kernel
 * keeps the only record, so a vfork child that resets every signal of its own
 * can't put ours out of step with the host's.
 *
 * No table, no lock: the hooks are as async-signal-safe as what they wrap, and
 * may be called in any context.
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cloak.h"
#include "common/raw.h"
#include "leave.h"
#include "owner.h"
#include "real.h"

/* Names that the headers hide or do not have. */
int __sigaction(int, const struct sigaction *, struct sigaction *);
sighandler_t bsd_signal(int, sighandler_t);
sighandler_t sysv_signal(int, sighandler_t);
sighandler_t __sysv_signal(int, sighandler_t);
sighandler_t ssignal(int, sighandler_t);
sighandler_t sigset(int, sighandler_t);

/* Crashes are left to those who debug them, SIGCHLD to whoever has it. */
static const int claimed[] = { SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM };

static _Atomic bool installed;

static bool
is_claimed(int sig)
{
	for (size_t i = 0; i < sizeof(claimed) / sizeof(claimed[0]); i++)
		if (claimed[i] == sig)
			return true;
	return false;
}

/*
 * The host dies of the signal after all, as if we had not been there.  It is
 * raised while it is still blocked, so it comes when the handler returns.
 * Under a filter that refuses what it takes (seccomp), it would come back to us
 * for ever, or not at all: then the host ends with the status that a shell
 * would have given.
 */
static void
die(int sig)
{
	static const struct sigaction none; /* SIG_DFL */
	pid_t self = cp_raw_getpid();

	if (cp_real(sigaction)(sig, &none, NULL) == -1 ||
	    (syscall(SYS_tgkill, self, cp_raw_gettid(), sig) == -1 &&
		syscall(SYS_kill, self, sig) == -1))
		(void)syscall(SYS_exit_group, 128 + sig);
}

static void
handler(int sig, siginfo_t *info, void *context)
{
	int saved = errno;

	(void)info;
	(void)context;
	/* One at a time: what comes while the host leaves changes nothing. */
	if (cp_where() != CP_OWNER || cp_leave_signal())
		die(sig);
	cp_errno(saved);
}

static bool
is_ours(const struct sigaction *sa)
{
	return sa->sa_flags & SA_SIGINFO && sa->sa_sigaction == handler;
}

static struct sigaction
ours(void)
{
	struct sigaction sa = { 0 };

	sa.sa_sigaction = handler;
	sa.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
	(void)sigfillset(&sa.sa_mask);
	return sa;
}

static bool
is_default(const struct sigaction *sa)
{
	return !(sa->sa_flags & SA_SIGINFO) && sa->sa_handler == SIG_DFL;
}

/*
 * Replaces SIG_DFL by ours.  Another thread of the host may install something
 * between the look and the change: then that is put back, and what was found
 * in its place then, until both agree.
 */
static void
put_on(int sig)
{
	cp_type_sigaction *real = cp_real(sigaction);
	struct sigaction mine = ours(), theirs, last;

	if (real(sig, NULL, &theirs) == -1 || !is_default(&theirs) ||
	    real(sig, &mine, &theirs) == -1)
		return;
	while (!is_default(&theirs) && !is_ours(&theirs)) {
		if (real(sig, &theirs, &last) == -1 || is_ours(&last))
			return;
		theirs = last;
	}
}

void
cp_cloak_install(void)
{
	int saved = errno;

	/* The kernel spares init from SIG_DFL; a handler would undo that. */
	if (cp_raw_getpid() == 1)
		return;
	atomic_store(&installed, true);
	for (size_t i = 0; i < sizeof(claimed) / sizeof(claimed[0]); i++)
		put_on(claimed[i]);
	cp_errno(saved);
}

/* Is SIG_DFL for SIG to be replaced here?  Not in any child. */
static bool
is_ours_to_hide(int sig)
{
	return is_claimed(sig) && atomic_load(&installed) &&
	    cp_where() == CP_OWNER;
}

static int
act(cp_type_sigaction *real, int sig, const struct sigaction *new,
    struct sigaction *old)
{
	struct sigaction mine;
	int rc;

	if (new != NULL && is_default(new) && is_ours_to_hide(sig)) {
		mine = ours();
		new = &mine;
	}
	rc = real(sig, new, old);
	if (rc == 0 && old != NULL && is_ours(old))
		memset(old, 0, sizeof(*old));
	return rc;
}

/*
 * signal and its kin have conventions of their own (flags, masks, SIG_HOLD),
 * so the real one does its work first.
 */
static sighandler_t
set(cp_type_signal *real, int sig, sighandler_t new)
{
	sighandler_t old = real(sig, new);
	int saved = errno;

	if (old == (sighandler_t)(void *)handler)
		old = SIG_DFL;
	if (new == SIG_DFL && old != SIG_ERR &&is_ours_to_hide(sig))
		put_on(sig);
	cp_errno(saved);
	return old;
}

CP_EXPORT int
sigaction(int sig, const struct sigaction *new, struct sigaction *old)
{
	return act(cp_real(sigaction), sig, new, old);
}

CP_EXPORT int
__sigaction(int sig, const struct sigaction *new, struct sigaction *old)
{
	return act(cp_real(__sigaction), sig, new, old);
}

CP_EXPORT sighandler_t
signal(int sig, sighandler_t new)
{
	return set(cp_real(signal), sig, new);
}

CP_EXPORT sighandler_t
bsd_signal(int sig, sighandler_t new)
{
	return set(cp_real(bsd_signal), sig, new);
}

CP_EXPORT sighandler_t
sysv_signal(int sig, sighandler_t new)
{
	return set(cp_real(sysv_signal), sig, new);
}

CP_EXPORT sighandler_t
__sysv_signal(int sig, sighandler_t new)
{
	return set(cp_real(__sysv_signal), sig, new);
}

CP_EXPORT sighandler_t
ssignal(int sig, sighandler_t new)
{
	return set(cp_real(ssignal), sig, new);
}

CP_EXPORT sighandler_t
sigset(int sig, sighandler_t new)
{
	return set(cp_real(sigset), sig, new);
}
