/* SPDX-License-Identifier: MIT */
/* What a child does just before exec, and its host after a spawn. */
#ifndef CP_CHILD_H
#define CP_CHILD_H

#include <sys/types.h>

#include <stdbool.h>

#include "common/wire.h"
#include "slot.h"

/* What was done for one exec, to be undone if it fails. */
struct cp_child {
	bool told;
	bool armed;
	struct cp_slots *slots;
	struct cp_ticket ticket;
	struct cp_msg msg;
};

/*
 * Called on the way into an exec of PROGRAM: if we are a child whose stdio its
 * host keeps the other ends of, the guard is told and the host left a record;
 * if we are a host, the guard is told that it goes.  Context: any.
 */
void cp_child_prepare(struct cp_child *c, const char *program);

/* The exec failed.  errno is kept.  Context: any. */
void cp_child_undo(struct cp_child *c);

/*
 * Called in the host after it has spawned PROGRAM as PID by other means than
 * fork and exec.  False if it is no ward.  Context: host.
 */
bool cp_child_spawned(pid_t pid, const char *program);

/* As above, with the channels known.  Context: host. */
void cp_child_register(pid_t pid, const char *program,
    const struct cp_channel ch[2]);

/* We are forkpty's child: the host keeps our terminal.  Context: child. */
void cp_child_on_pty(void);

#endif
