/* SPDX-License-Identifier: MIT */
/* See tell.h.  Owns nothing. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ask.h"
#include "common/raw.h"
#include "config.h"
#include "kept.h"
#include "owner.h"
#include "report.h"
#include "tell.h"

#ifndef SYS_faccessat2
#define SYS_faccessat2 439
#endif

static void
name_of(char out[32], const char *program)
{
	const char *slash = program == NULL ? NULL : strrchr(program, '/');
	const char *base = slash != NULL ? slash + 1 : program;
	size_t n = base == NULL ? 0 : strlen(base);

	if (n > 31)
		n = 31;
	memset(out, 0, 32);
	if (n > 0)
		memcpy(out, base, n);
}

void
cp_tell_fill(struct cp_msg *msg, pid_t pid, pid_t host,
    const struct cp_command *cmd)
{
	bool in = msg->channel[0].kind != CP_KIND_NONE;
	bool out = msg->channel[1].kind != CP_KIND_NONE;

	msg->type = CP_MSG_WARD;
	msg->flags = 0;
	if (in && out)
		msg->flags |= CP_WARD_DUPLEX;
	if (!in && !out)
		msg->flags |= CP_WARD_ANY;
	if (cp_owner_on_main_thread())
		msg->flags |= CP_WARD_MAIN_THREAD;
	msg->pid = pid;
	msg->host = host;
	msg->thread = cp_owner_thread();
	msg->key = cp_ask_key(cmd->argv, pid);
	msg->image = cp_owner_image();
	name_of(msg->name, cmd->program);
}

/* The clock that start times of processes are of: no system call. */
static uint64_t
now(void)
{
	struct timespec t = { 0, 0 };

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

struct cp_record
cp_tell_record(const struct cp_msg *msg, pid_t pid, bool ours)
{
	return (struct cp_record){ .pid = pid,
		.flags = msg->flags,
		.seen = ours ? now() : 0,
		.channel = { msg->channel[0], msg->channel[1] } };
}

/* No guard is started for what may be nobody's ward. */
int
cp_tell_effort(const struct cp_msg *msg)
{
	int how = CP_REPORT_INSIST;

	if (msg->flags & CP_WARD_ANY || cp_kept_sure(msg->channel) ||
	    msg->channel[0].kind == CP_KIND_PTY ||
	    msg->channel[1].kind == CP_KIND_PTY)
		how |= CP_REPORT_START;
	return how;
}

bool
cp_tell_worth(const struct cp_command *cmd)
{
	int saved = errno;
	bool ok = !cmd->by_path ||
	    syscall(SYS_faccessat2, cmd->dir, cmd->program, X_OK,
		AT_EACCESS | cmd->flags) == 0 ||
	    errno == ENOSYS || errno == EPERM || errno == EINVAL;

	cp_errno(saved);
	return ok;
}

bool
cp_tell_all(void)
{
	return cp_options()->children == CP_CHILDREN_ALL;
}
