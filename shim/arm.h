/* SPDX-License-Identifier: MIT */
/* PDEATHSIG. */
#ifndef CP_ARM_H
#define CP_ARM_H

#include <sys/types.h>

#include <stdbool.h>

/*
 * Lets the kernel send us SIGTERM when HOST, our parent, dies.  False if it
 * was not done: a signal was set already, or HOST is gone.  Context: child.
 */
bool cp_arm(pid_t host);

/* Takes that back: there was no signal before.  Context: child. */
void cp_disarm(void);

#endif
