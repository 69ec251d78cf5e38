/* SPDX-License-Identifier: MIT */
/* What a child does just before exec. */
#ifndef CP_CHILD_H
#define CP_CHILD_H

#include <sys/types.h>

#include <stdbool.h>

#include "common/wire.h"
#include "mailbox.h"
#include "owner.h"
#include "slot.h"
#include "tell.h"

/* What was done for one exec, to be undone if it fails. */
struct cp_child {
	bool told;
	bool armed;
	struct cp_slots *slots;
	struct cp_ticket ticket;
	struct cp_posted posted;
	struct cp_msg msg;
};

/*
 * Called on the way into an exec of *CMD, at the place WHERE: if we are a child
 * whose stdio its host keeps the other ends of, the guard is told and the host
 * left a record; if we are a host, the guard is told that it goes.  Returns 0,
 * or the errno with which the exec is to fail: there are enough of its kind,
 * and nothing is to be undone.  errno is not kept: the exec sets it.  Context:
 * any.
 */
int cp_child_prepare(struct cp_child *c, enum cp_where where,
    const struct cp_command *cmd);

/* The exec of *CMD failed.  errno is kept.  Context: any. */
void cp_child_undo(struct cp_child *c, const struct cp_command *cmd);

/* We are forkpty's child: the host keeps our terminal.  Context: child. */
void cp_child_on_pty(void);

#endif
