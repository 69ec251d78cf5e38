/* SPDX-License-Identifier: MIT */
/* The parts of childproof, which lie in one directory with this program. */
#ifndef CP_PARTS_H
#define CP_PARTS_H

#include <sys/types.h>

#include <limits.h>

#include "../../shim/common/wire.h"

struct cp_parts {
	char shim[PATH_MAX]; /* "" if we can't tell */
	char guard[PATH_MAX];
};

/* Where the parts should be; whether they are is another matter. */
void cp_parts_find(struct cp_parts *p);

/* Why LD_PRELOAD can't name the shim, "why (what to do)"; NULL if it can. */
const char *cp_parts_shim_problem(const struct cp_parts *p);

/*
 * A name for a guard of HOST, which nobody can have taken in advance.
 * Returns 0 or -1 with errno.
 */
int cp_guard_name(pid_t host, char out[CP_NAME_MAX + 1]);

#endif
