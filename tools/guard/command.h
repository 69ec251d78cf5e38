/* SPDX-License-Identifier: MIT */
/* Which command a process runs, for those that nobody told of. */
#ifndef CP_COMMAND_H
#define CP_COMMAND_H

#include <sys/types.h>

#include <stdint.h>

/*
 * The key (see key.h) of the command line and working directory of PID; 0 if
 * they can't be read.  Before its exec it has the host's.  Context: guard.
 */
uint64_t cp_command_key(pid_t pid);

#endif
