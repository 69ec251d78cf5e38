/* SPDX-License-Identifier: MIT */
/*
 * A file that is there in full or, if anything goes wrong, not at all: what
 * was there before stays until the new one is complete.  Context: cli.
 */
#ifndef CP_OUTPUT_H
#define CP_OUTPUT_H

#include <stdio.h>

struct cp_output {
	const char *name; /* as the user calls it; NULL: not opened */
	FILE *f;
	char *path, *temp; /* the second becomes the first; or both NULL */
};

/* NAME "-" is the standard output.  Returns 0, or -1 with errno. */
int cp_output_open(struct cp_output *o, const char *name);

/* Returns 0, or -1 with errno; then nothing has changed. */
int cp_output_commit(struct cp_output *o);

/* Leaves nothing behind; for one that was committed it does nothing. */
void cp_output_abandon(struct cp_output *o);

#endif
