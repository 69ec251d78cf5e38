/* SPDX-License-Identifier: MIT */
/*
 * childproof doctor: will it work here, and for this command?  Looks and
 * measures, and changes nothing.  Owns nothing.  Context: cli,
 * single-threaded.
 */
#include <sys/resource.h>
#include <sys/utsname.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../shim/common/procfs.h"
#include "../../shim/common/wire.h"
#include "doctor.h"
#include "exam.h"
#include "file.h"
#include "parts.h"
#include "probe.h"
#include "run.h"
#include "usage.h"

/* More than the mounts of a usual machine. */
#define CP_TEXT_SIZE 65536

static int cmd_doctor(int argc, char *argv[]);

const struct cp_command cp_command_doctor = {
	.name = "doctor",
	.about = "say whether it will work here, and for COMMAND",
	.operands = "[-- COMMAND [ARG ...]]",
	.options = true,
	.command = true,
	.run = cmd_doctor,
};

struct probe {
	const char *what;
	int (*run)(void);
	enum cp_level level; /* if it fails */
	const char *remedy;
};

static const struct probe probes[] = {
	{ "pidfd", cp_probe_pidfd, CP_FAIL, "Linux 5.3 or later is needed" },
	{ "pidfd poll", cp_probe_pidfd_poll, CP_FAIL,
	    "Linux 5.3 or later is needed" },
	{ "SCM_PIDFD", cp_probe_sender_pidfd, CP_OK,
	    "Linux 6.5 has it; senders are told by PID till then" },
	{ "inotify on pipes", cp_probe_inotify_pipe, CP_WARN,
	    "closed ends are found by looking, later" },
	{ "inotify on sockets", cp_probe_inotify_socket, CP_WARN,
	    "closed ends are found by looking, later" },
	{ "inotify on ptys", cp_probe_inotify_pty, CP_WARN,
	    "closed ends are found by looking, later" },
	{ "sock_diag", cp_probe_sockdiag, CP_WARN,
	    "who is connected to whom is known of registered children only; "
	    "modprobe unix_diag" },
	{ "MADV_WIPEONFORK", cp_probe_wipeonfork, CP_FAIL,
	    "Linux 4.14 or later is needed" },
	{ "/proc/PID/task/TID/children", cp_probe_children, CP_WARN,
	    "a kernel with CONFIG_PROC_CHILDREN has it" },
};

/* The text of a file in BUF, or NULL. */
static const char *
text_of(const char *path, char buf[CP_TEXT_SIZE])
{
	ssize_t n = cp_procfs_read(AT_FDCWD, path, buf, CP_TEXT_SIZE - 1);

	if (n < 0)
		return NULL;
	buf[n] = '\0';
	return buf;
}

static void
look_at_kernel(void)
{
	static char buf[CP_TEXT_SIZE];
	bool seccomp = cp_exam_seccomp(text_of("/proc/self/status", buf));
	const struct probe *p = probes;
	struct utsname u;

	if (uname(&u) == 0)
		cp_finding_print("kernel",
		    cp_finding(CP_OK, "%s %s, %s", u.sysname, u.release,
			u.machine));
	for (; p < probes + sizeof(probes) / sizeof(probes[0]); p++)
		cp_finding_print(p->what,
		    cp_exam_probe(p->run(), p->level, p->remedy, seccomp));
}

static void
look_at_limits(void)
{
	static char buf[CP_TEXT_SIZE];
	struct rlimit rl = { .rlim_max = RLIM_INFINITY };

	cp_finding_print("inotify watches",
	    cp_exam_watches(
		text_of("/proc/sys/fs/inotify/max_user_watches", buf)));
	cp_finding_print("inotify instances",
	    cp_exam_instances(
		text_of("/proc/sys/fs/inotify/max_user_instances", buf)));
	cp_finding_print("datagram queue",
	    cp_exam_queue(text_of("/proc/sys/net/unix/max_dgram_qlen", buf)));
	/* The guard raises its own soft limit. */
	(void)getrlimit(RLIMIT_NOFILE, &rl);
	cp_finding_print("descriptors",
	    cp_exam_descriptors(
		rl.rlim_max == RLIM_INFINITY ? UINT64_MAX : rl.rlim_max));
}

static void
look_at_proc(void)
{
	static char buf[CP_TEXT_SIZE];
	char link[32];
	ssize_t n = readlink("/proc/self", link, sizeof(link) - 1);

	link[n > 0 ? n : 0] = '\0';
	cp_finding_print("/proc",
	    cp_exam_proc(text_of("/proc/self/mountinfo", buf), geteuid() == 0));
	cp_finding_print("/proc", cp_exam_self(link, getpid()));
	cp_finding_print("yama ptrace_scope",
	    cp_exam_yama(text_of("/proc/sys/kernel/yama/ptrace_scope", buf)));
}

/* A part of another version might not understand the others. */
static struct cp_finding
judge_part(const char *path, int mode)
{
	char version[32];
	struct cp_file f;
	bool known;

	if (path[0] == '\0')
		return cp_finding(CP_FAIL, "not found, for want of /proc");
	if (access(path, mode) != 0)
		return cp_finding(CP_FAIL, "%s (install it again)",
		    strerror(errno));
	if (cp_file_open(path, &f) != 0)
		return cp_finding(CP_FAIL, "not a file (install it again)");
	known = cp_exam_version(f.base, f.len, version, sizeof(version));
	cp_file_close(&f);
	if (!known || strcmp(version, CP_VERSION) != 0)
		return cp_finding(CP_FAIL,
		    "version %s, but this program is %s (install all again)",
		    known ? version : "unknown", CP_VERSION);
	return cp_finding(CP_OK, "version %s", version);
}

static void
look_at_parts(void)
{
	const char *outer = getenv(CP_ENV_GUARD), *problem;
	struct cp_finding shim;
	struct cp_parts parts;
	char why[256];

	cp_parts_find(&parts);
	cp_finding_print(parts.guard[0] != '\0' ? parts.guard : "guard",
	    judge_part(parts.guard, X_OK));
	shim = judge_part(parts.shim, R_OK);
	problem = cp_parts_shim_problem(&parts);
	if (shim.level == CP_OK && problem != NULL)
		shim = cp_finding(CP_FAIL, "%s", problem);
	else if (shim.level == CP_OK &&
	    cp_probe_load(parts.shim, why, sizeof(why)) != 0)
		shim = cp_finding(CP_FAIL, "does not load: %s (build it here)",
		    why);
	cp_finding_print(parts.shim[0] != '\0' ? parts.shim : "shim", shim);
	if (outer != NULL)
		cp_finding_print("guard",
		    cp_finding(CP_OK,
			"that of an outer childproof is asked "
			"first, with its options"));
}

/* A mistake in the environment is a finding, not ours. */
static void
options_from_environment(struct cp_options *o)
{
	const char *text = getenv(CP_ENV_OPTIONS), *bad, *why;
	size_t len;

	if (text == NULL)
		return;
	why = cp_options_parse(o, text, &bad, &len);
	cp_finding_print(CP_ENV_OPTIONS,
	    why == NULL ? cp_finding(CP_OK, "understood") :
			  cp_finding(CP_FAIL, "%.*s: %s", (int)len, bad, why));
}

static int
cmd_doctor(int argc, char *argv[])
{
	struct cp_options o;
	const char *why;
	int i, status = 0;

	/* Our own children are waited for. */
	(void)signal(SIGCHLD, SIG_DFL);
	cp_options_init(&o);
	options_from_environment(&o);
	while ((i = cp_usage_next(&cp_command_doctor, argc, argv)) != -1)
		cp_usage_set(&cp_command_doctor, &o, i - CP_USAGE_OPTION,
		    optarg);
	why = cp_options_check(&o);
	if (why != NULL)
		cp_finding_print("options", cp_finding(CP_FAIL, "%s", why));
	look_at_kernel();
	look_at_limits();
	look_at_proc();
	look_at_parts();
	cp_doctor_journal(o.journal);
	cp_doctor_preloads();
	if (optind < argc)
		status = cp_doctor_subject(argv[optind]);
	if (cp_usage_finish() != 0)
		return CP_EXIT_FAILED;
	return status != 0 ? status : (int)cp_finding_worst();
}
