/* SPDX-License-Identifier: MIT */
/* The message that tells the guard of a child. */
#ifndef CP_TELL_H
#define CP_TELL_H

#include <sys/types.h>

#include <stdbool.h>

#include "common/wire.h"
#include "slot.h"

/* What is executed; ARGV NULL: not known. */
struct cp_command {
	const char *program;
	char *const *argv;
	bool by_path; /* PROGRAM is a path, relative to DIR, with AT_* FLAGS */
	int dir;
	int flags;
};

/*
 * Fills *MSG, whose channels are set, for child PID (0: the sender) of HOST.
 * Context: any.
 */
void cp_tell_fill(struct cp_msg *msg, pid_t pid, pid_t host,
    const struct cp_command *cmd);

/*
 * What its host keeps of that child, PID, which was its own at the time NOW
 * (CLOCK_BOOTTIME, ns); 0: it is another's.  Context: any.
 */
struct cp_record cp_tell_record(const struct cp_msg *msg, pid_t pid,
    uint64_t now);

/* How hard cp_report() is to try.  Context: any. */
int cp_tell_effort(const struct cp_msg *msg);

/*
 * Can *CMD be executed at all?  CPython tries every directory of PATH: no need
 * to tell the guard of each.  Where nothing can be said (no path; before Linux
 * 5.8), yes.  What could be stays so until it has failed.  Context: any.
 */
bool cp_tell_worth(const struct cp_command *cmd);
void cp_tell_failed(const struct cp_command *cmd);

/* Is a child without channels told of, too?  Context: any. */
bool cp_tell_all(void);

#endif
