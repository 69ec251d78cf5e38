/* SPDX-License-Identifier: MIT */
/* Which command a process runs, for those that nobody told of. */
#ifndef CP_COMMAND_H
#define CP_COMMAND_H

#include "facts.h"

/*
 * The key (see key.h) of WARD's command line and working directory; 0 if they
 * can't be read, or are the host's still.  Context: guard.
 */
uint64_t cp_command_key(const struct cp_ward *ward);

#endif
