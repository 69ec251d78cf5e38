/* SPDX-License-Identifier: MIT */
/*
 * Memory that who sleeps does without.  The kernel maps sixteen pages of a
 * program or library where one is run, so that after its start a guard seems to
 * use most of its own code and of the libc's.  What is let go of stays in the
 * page cache, and comes back as it is run: some 20 faults, each of which takes
 * about a microsecond (measured).  Context: guard, sentinel.
 */
#ifndef CP_SLIM_H
#define CP_SLIM_H

/* Finds what there is to let go of.  Once, before there are threads. */
void cp_slim_init(void);

/* To be called right before a sleep; what runs in between is mapped again. */
void cp_slim(void);

#endif
