/* SPDX-License-Identifier: MIT */
/*
 * The host's ends of its wards' channels, for a host that gives some of them
 * up while it lives, and goes on talking to the others.
 */
#ifndef CP_TESTS_SHUT_H
#define CP_TESTS_SHUT_H

#include "spawn.h"

/* Remembers the ends of one ward of GROUP. */
void ends_keep(int group, const struct job *job);

/* Closes the ends of GROUP.  Returns when, by CLOCK_MONOTONIC in us. */
long ends_shut(int group);

/* Each ward in mode `echo` must answer; ends the program if one doesn't. */
void ends_ask(void);

#endif
