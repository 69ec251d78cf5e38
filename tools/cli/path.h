/* SPDX-License-Identifier: MIT */
/* Finding a program the way execvp(3) does. */
#ifndef CP_PATH_H
#define CP_PATH_H

#include <stddef.h>

/*
 * Writes to PATH (SIZE bytes) what execvp(NAME) would execute.  Returns 0, or
 * an errno: ENOENT if there is none, EACCES if there is one that may not be
 * executed.  The environment's PATH counts.
 */
int cp_path_find(const char *name, char *path, size_t size);

#endif
