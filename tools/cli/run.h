/* SPDX-License-Identifier: MIT */
/* The launcher: run a command guarded, in this very process. */
#ifndef CP_RUN_H
#define CP_RUN_H

#include "../../shim/common/options.h"

/* Exit status of the tools themselves, as of env(1). */
#define CP_EXIT_FAILED	   125
#define CP_EXIT_CANNOT_RUN 126
#define CP_EXIT_NOT_FOUND  127

/*
 * Becomes the command ARGV (at least one word), guarded under *O.  Returns
 * only if that failed, with the exit status; it has been said on stderr then.
 */
int cp_run(const struct cp_options *o, char *const argv[]);

#endif
