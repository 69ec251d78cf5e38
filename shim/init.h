/* SPDX-License-Identifier: MIT */
/* Becoming an owner. */
#ifndef CP_INIT_H
#define CP_INIT_H

#include <stdbool.h>

/*
 * To be called on the way into each hook that makes a channel or a process:
 * makes this process an owner if it is none (a fork child only if PROMOTE),
 * and moves what children left in the slots into the ward table.  True if we
 * are in the owner now.  Context: host; harmless elsewhere.
 */
bool cp_enter(bool promote);

/*
 * Set while a fork is under way on this thread.  In the child that lasts until
 * the atfork handlers are through: a channel that one of them makes (libuv
 * renews that of its signals) is no reason to be promoted.  Context: any.
 */
void cp_forking(bool now);

/* daemon(3) has forked: go on as the owner that OLD was.  Context: host. */
bool cp_enter_heir(int old);

/* The second half of cp_enter() alone.  Context: host, the owner. */
void cp_drain(void);

/* Are there wards, dead ones not yet seen included?  Context: any. */
bool cp_has_wards(void);

#endif
