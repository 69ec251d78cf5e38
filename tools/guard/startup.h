/* SPDX-License-Identifier: MIT */
/*
 * What the guard's starter (shim/common/start.h) handed over: the name of the
 * socket in the arguments, the options in the environment, and a process with
 * more open than it should have.  Context: guard.
 */
#ifndef CP_STARTUP_H
#define CP_STARTUP_H

#include <sys/types.h>

#include "../../shim/common/options.h"

/*
 * Leaves nothing open but the socket, and fills OPTIONS.  Returns the PID of
 * the host it was started for.  Exits if that isn't said.
 */
pid_t cp_startup(int argc, char **argv, struct cp_options *options);

#endif
