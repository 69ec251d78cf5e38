/* SPDX-License-Identifier: MIT */
/* Telling a guard that is awake, without waking it; see common/mailbox.h. */
#ifndef CP_MAILBOX_H
#define CP_MAILBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "common/wire.h"

/* What cp_mailbox_put() wrote; good for cp_mailbox_take_back(). */
struct cp_posted {
	int index; /* -1: nothing */
	uint32_t word;
};

/*
 * A child was told of.  Once there were many a mailbox is made and the guard
 * gets a copy of its descriptor; ours is closed at once.  Context: host.
 */
void cp_mailbox_count(void);

/*
 * Leaves *MSG, of child PID of the owner's at the time NOW (CLOCK_BOOTTIME,
 * ns), for the guard.  Returns what was posted, with index -1 if it has to be
 * told otherwise.  Context: any.
 */
struct cp_posted cp_mailbox_put(const struct cp_msg *msg, pid_t pid,
    uint64_t now);

/* Takes it back; false if the guard has it already.  Context: any. */
bool cp_mailbox_take_back(const struct cp_posted *posted);

/* What was our maker's is not ours, who are an owner from now on.  host. */
void cp_mailbox_forget(void);

#endif
