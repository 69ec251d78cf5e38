/* SPDX-License-Identifier: MIT */
/* The option `spare`: what the user never wants to see ended. */
#ifndef CP_SPARE_H
#define CP_SPARE_H

#include <sys/types.h>

#include <stdbool.h>

/*
 * Does one of the comma separated GLOBS match the program of PID, by the base
 * name of its executable or of argv[0], or by its full command line (arguments
 * joined by single spaces)?  False for an empty list and for a process that
 * can't be read.  Context: guard.
 */
bool cp_spare_matches(const char *globs, pid_t pid);

/* The same for given names; EXE and CMDLINE may be empty.  Pure. */
bool cp_spare_match(const char *globs, const char *exe, const char *cmdline);

#endif
