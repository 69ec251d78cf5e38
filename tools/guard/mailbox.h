/* SPDX-License-Identifier: MIT */
/*
 * The guard's side of the mailboxes (shim/common/mailbox.h): while a host
 * spawns a lot the guard promises to look, again and again, and is told of no
 * child meanwhile.  A letter says what the host itself could say of its child,
 * and is believed as much.  Context: guard.
 */
#ifndef CP_GUARD_MAILBOX_H
#define CP_GUARD_MAILBOX_H

#include "trust.h"

/*
 * The host that speaks in X offers the memory in FILE, which stays the
 * caller's.  Nothing is done if it is not fit to be shared.
 */
void cp_mailbox_offered(const struct cp_heard *x, int file);

/*
 * Is there one that nobody would read if we died?  From now on all are meant
 * to be known to a sentinel, and a look is promised.
 */
bool cp_mailbox_renewed(void);

/* Host PID spawns: if it has a mailbox, there will be a look at it. */
void cp_mailbox_promise(pid_t pid, uint64_t now_ms);

/* Reads what is in those that a look was promised at; returns how many. */
int cp_mailbox_read(uint64_t now_ms);

/* Keeps the promises that are due. */
void cp_mailbox_attend(uint64_t now_ms);

/* When the next one is, or 0: none. */
uint64_t cp_mailbox_next(void);

/* The host PID has died, or, 0, we go: no more promises, and a last look. */
int cp_mailbox_close(pid_t pid, uint64_t now_ms);

#endif
