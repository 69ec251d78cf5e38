/* SPDX-License-Identifier: MIT */
/* See tell.h.  Owns nothing. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
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
	msg->pid = pid;
	msg->host = host;
	msg->thread = cp_owner_thread();
	msg->key = cp_ask_key(cmd->argv, pid);
	msg->image = cp_owner_image();
	name_of(msg->name, cmd->program);
}

struct cp_record
cp_tell_record(const struct cp_msg *msg, pid_t pid, uint64_t now)
{
	return (struct cp_record){ .pid = pid,
		.flags = msg->flags,
		.seen = now,
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

/*
 * Where it is remembered that a path could be executed: a look at it goes
 * through all of its directories.  By its address alone, since what lies there
 * may not be ours to read: a host may put one path after another there, so
 * that of a path which has failed is not trusted again.
 */
static _Atomic uint64_t *
memory_of(const struct cp_command *cmd, uint64_t *key)
{
	struct cp_shared *s = cp_owner_shared();

	*key = (uintptr_t)cmd->program;
	return s == NULL || !cmd->by_path ?
	    NULL :
	    &s->worth[*key * 0x9e3779b97f4a7c15u >> (64 - CP_WORTH_BITS)];
}

bool
cp_tell_worth(const struct cp_command *cmd)
{
	uint64_t key, known = 0;
	_Atomic uint64_t *memory = memory_of(cmd, &key);
	bool ok;

	if (memory != NULL)
		known = atomic_load(memory);
	if (!cmd->by_path || (known != 0 && known == key))
		return true;
	ok = syscall(SYS_faccessat2, cmd->dir, cmd->program, X_OK,
		 AT_EACCESS | cmd->flags) == 0;
	if (ok && memory != NULL && known != ~key)
		atomic_store(memory, key);
	return ok || errno == ENOSYS || errno == EPERM || errno == EINVAL;
}

void
cp_tell_failed(const struct cp_command *cmd)
{
	uint64_t key;
	_Atomic uint64_t *memory = memory_of(cmd, &key);

	if (memory != NULL && atomic_load(memory) == key)
		atomic_store(memory, ~key);
}

bool
cp_tell_all(void)
{
	return cp_options()->children == CP_CHILDREN_ALL;
}
