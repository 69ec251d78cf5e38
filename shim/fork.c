/* SPDX-License-Identifier: MIT */
/*
 * fork and its kin.  There is next to nothing to do: the kernel itself marks
 * the child, by wiping the owner's page, so that no lock, no mask and no
 * atfork handler is needed here.  vfork is left alone, since a C function
 * can't return twice on one stack; its children meet us in exec.
 */
#include <sys/types.h>

#include <errno.h>
#include <unistd.h>

#include "channel.h"
#include "child.h"
#include "common/raw.h"
#include "init.h"
#include "made.h"
#include "owner.h"
#include "real.h"
#include "report.h"
#include "spawned.h"
#include "ward.h"

pid_t _Fork(void);

CP_EXPORT pid_t
fork(void)
{
	pid_t pid;

	(void)cp_enter(false);
	cp_forking(true);
	pid = cp_real(fork)();
	cp_forking(false);
	return pid;
}

CP_EXPORT pid_t
_Fork(void)
{
	(void)cp_enter(false);
	return cp_real(_Fork)();
}

/* The child's exec will tell where the terminal is held, if we don't. */
static void
register_terminal(pid_t pid, int master)
{
	static const struct cp_command unknown;
	const int fd[2] = { master, -1 };
	struct cp_made made;
	struct cp_end_id end;
	struct cp_channel ch[2];

	cp_made_keep(CP_KIND_PTY, fd, false);
	if (cp_procfs_own_end(master, &end) == -1 || end.kind != CP_KIND_PTMX)
		return;
	end.kind = CP_KIND_PTY;
	if (cp_channel_find(&end, &made) == -1)
		return;
	ch[0] = (struct cp_channel){ .kind = CP_KIND_PTY,
		.access = CP_READ | CP_WRITE,
		.kept = CP_KEPT_YES,
		.host_fd = master,
		.child = end.ino };
	ch[1] = ch[0];
	cp_spawned_register(pid, &unknown, ch);
}

CP_EXPORT pid_t
forkpty(int *master, char *name, const struct termios *termios,
    const struct winsize *size)
{
	bool owner = cp_enter(true);
	int saved;
	pid_t pid;

	cp_forking(true);
	pid = cp_real(forkpty)(master, name, termios, size);
	cp_forking(false);
	saved = errno;
	if (pid == 0)
		cp_child_on_pty();
	else if (pid > 0 && owner)
		register_terminal(pid, *master);
	cp_errno(saved);
	return pid;
}

CP_EXPORT int
daemon(int nochdir, int noclose)
{
	pid_t old = cp_raw_getpid();
	struct cp_msg msg = { .type = CP_MSG_HEIR, .pid = old };
	bool child;
	int rc;

	if (cp_where() == CP_OWNER) {
		cp_drain();
		cp_ward_save();
	}
	cp_forking(true);
	rc = cp_real(daemon)(nochdir, noclose);
	cp_forking(false);
	child = cp_raw_getpid() != old;
	if (rc == 0 && child && cp_enter_heir(old) && cp_report_known())
		(void)cp_report(&msg, CP_REPORT_INSIST);
	cp_ward_forget_saved();
	return rc;
}
