/* SPDX-License-Identifier: MIT */
/*
 * The doctor's look at one command: is it there, what runs it, and does the
 * shim reach that?  Owns nothing.  Context: cli.
 */
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "finding.h"
#include "path.h"
#include "target.h"

/* Where the walk has come to. */
struct walk {
	char path[PATH_MAX];
	int error;
};

static void
see_script(void *arg, const char *script, const char *program, int error)
{
	struct walk *w = arg;

	if (error == 0)
		cp_finding_print(script,
		    cp_finding(CP_OK, "a script, run by %s", program));
	else
		cp_finding_print(script,
		    cp_finding(CP_FAIL, "a script, to be run by %s: %s%s",
			program, strerror(error),
			cp_path_hint(program, error)));
	strlcpy(w->path, program, sizeof(w->path));
	w->error = error;
}

static struct cp_finding
judge(enum cp_reach reach)
{
	const char *why = cp_target_why(reach);

	if (reach == CP_REACH_YES)
		return cp_finding(CP_OK, "%s", why);
	/* Its /proc files are root's then. */
	if (reach == CP_REACH_SETID && geteuid() != 0)
		return cp_finding(CP_FAIL,
		    "%s; nor may a guard that is not root look into it, so it "
		    "is not guarded (run childproof as root)",
		    why);
	return cp_finding(CP_WARN,
	    "%s; guarded by a look at its children once a second (what lives "
	    "for less may be missed)",
	    why);
}

int
cp_doctor_subject(const char *command)
{
	struct walk w = { .error = 0 };
	enum cp_reach reach;
	int error = cp_path_find(command, w.path, sizeof(w.path));

	if (error != 0) {
		cp_finding_print(command,
		    cp_finding(CP_FAIL, "%s%s", strerror(error),
			cp_path_hint(command, error)));
		return cp_path_status(error);
	}
	cp_finding_print(command, cp_finding(CP_OK, "found, %s", w.path));
	reach = cp_target_walk(w.path, see_script, &w);
	if (w.error != 0)
		return cp_path_status(w.error);
	cp_finding_print(w.path, judge(reach));
	return 0;
}
