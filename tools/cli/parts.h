/* SPDX-License-Identifier: MIT */
/* Where the parts of childproof lie, and how a guard is named.  Context: cli. */
#ifndef CP_PARTS_H
#define CP_PARTS_H

#include <sys/types.h>

#include <stddef.h>

#include "../../shim/common/wire.h"

/* The path of part NAME, which lies beside us; "" if there is no room. */
void cp_part_path(const char *name, char *out, size_t size);

/*
 * A name for a guard of HOST, which nobody can have taken in advance.
 * Returns 0 or -1 with errno.
 */
int cp_guard_name(pid_t host, char out[CP_NAME_MAX + 1]);

#endif
