/* SPDX-License-Identifier: MIT */
/*
 * A file that is there in full or, if anything goes wrong, not at all: what
 * was there before stays until the new one is complete.  Context: cli.
 */
#ifndef CP_OUTPUT_H
#define CP_OUTPUT_H

#include <stdio.h>

struct cp_output {
	FILE *f;
	char *path, *temp; /* the second becomes the first; or both NULL */
};

/* NAME "-" is the standard output.  Returns 0, or -1 with errno. */
int cp_output_open(struct cp_output *o, const char *name);

/*
 * Writes out what is left.  Returns 0, or -1 with errno.  Of several outputs
 * all should be flushed before the first is committed: then little can fail.
 */
int cp_output_flush(struct cp_output *o);

/* Puts it in its place.  Returns 0, or -1 with errno; nothing changes then. */
int cp_output_commit(struct cp_output *o);

/* Leaves nothing behind; for one that was committed it does nothing. */
void cp_output_abandon(struct cp_output *o);

#endif
