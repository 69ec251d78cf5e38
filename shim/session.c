/* SPDX-License-Identifier: MIT */
/*
 * setsid and setpgid: a fork child that does not exec (a double fork on its
 * way to be a daemon) is still known to the guard while its parent is.  vfork
 * children exec at once, and say there what they are.
 */
#include <errno.h>
#include <unistd.h>

#include "common/raw.h"
#include "owner.h"
#include "real.h"
#include "report.h"

static void
left(void)
{
	int saved = errno;

	if (cp_where() == CP_FORK_CHILD && cp_report_known())
		(void)cp_report_type(CP_MSG_MEMBER, 0);
	cp_errno(saved);
}

CP_EXPORT pid_t
setsid(void)
{
	pid_t sid = cp_real(setsid)();

	if (sid != -1)
		left();
	return sid;
}

CP_EXPORT int
setpgid(pid_t pid, pid_t pgid)
{
	int rc = cp_real(setpgid)(pid, pgid);

	if (rc == 0 && (pid == 0 || pid == cp_raw_getpid()))
		left();
	return rc;
}
