/* SPDX-License-Identifier: MIT */
/* The environment of a child, as far as it concerns us. */
#ifndef CP_PRELOAD_H
#define CP_PRELOAD_H

#include <stdbool.h>
#include <stddef.h>

struct cp_preload {
	const char *self;    /* path of libchildproof.so, "" if unknown */
	const char *guard;   /* "CHILDPROOF_GUARD=name", "" if none */
	const char *options; /* "CHILDPROOF_OPTIONS=text", "" if none */
	bool inject;	     /* put us back where we were taken out */
	bool strip;	     /* take us out */
};

/* Room that cp_preload_build() needs; 0 and 0: nothing is to be changed. */
struct cp_room {
	size_t pointers;
	size_t text;
};

/*
 * How much room the rebuilt environment takes.  ENVP may be NULL.  An
 * environment too large to be rebuilt on a stack is left as it is.
 * Context: any.
 */
struct cp_room cp_preload_room(const struct cp_preload *p, char *const envp[]);

/*
 * Builds it: ENVP with the needed changes, in the same order, as pointers
 * into ENVP, *P and TEXT.  ENVP itself is not touched.  Context: any.
 */
void cp_preload_build(const struct cp_preload *p, char *const envp[],
    char *out[], char *text);

#endif
