/* SPDX-License-Identifier: MIT */
/* Orderly exit of a host. */
#ifndef CP_LEAVE_H
#define CP_LEAVE_H

#include <stdbool.h>

/* For the exit lists; the argument is not used.  Context: host. */
void cp_leave_exit(void *unused);
void cp_leave_quick_exit(void *unused);

/*
 * The same from a signal handler.  False if it is under way already, in
 * another thread or in the frame that was interrupted.  Context: host.
 */
bool cp_leave_signal(void);

/* A new owner has not left yet.  Context: host. */
void cp_leave_reset(void);

#endif
