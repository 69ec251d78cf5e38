/* SPDX-License-Identifier: MIT */
/* Finding a program the way execvp(3) does. */
#ifndef CP_PATH_H
#define CP_PATH_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Writes to PATH (SIZE bytes) what execvp(NAME) would execute.  Returns 0, or
 * an errno: ENOENT if there is none, EACCES if there is one that may not be
 * executed.  The environment's PATH counts.
 */
int cp_path_find(const char *name, char *path, size_t size);

/* The same, passing over programs that ACCEPT (NULL: all) turns down. */
int cp_path_find_if(const char *name, bool (*accept)(const char *path),
    char *path, size_t size);

/*
 * Why a program can't be run, ERROR being an errno from above or of exec, as
 * one line on stderr.  Returns the exit status for it, that of env(1).
 */
int cp_path_cannot(const char *name, int error);

/* The parts of that: " (what to do)" or "", and the exit status. */
const char *cp_path_hint(const char *name, int error);
int cp_path_status(int error);

#endif
