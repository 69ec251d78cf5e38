/* SPDX-License-Identifier: MIT */
/* The commands of childproof. */
#ifndef CP_MAIN_H
#define CP_MAIN_H

#include "../../shim/common/options.h"

/*
 * One row of the table of commands.  A name whose `run` is NULL is reserved:
 * scripts that mean a program of that name must say so already.
 */
struct cp_command {
	const char *name;
	int (*run)(const struct cp_options *o, int argc, char *argv[]);
};

#endif
