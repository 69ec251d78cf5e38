/* SPDX-License-Identifier: MIT */
/*
 * Completions for shells, printed from the tables of options and commands.
 */
#ifndef CP_COMPLETE_H
#define CP_COMPLETE_H

#include <stdbool.h>

#include "main.h"

/* What can stand for an option's argument. */
struct cp_shape {
	char words[128]; /* separated by spaces */
	bool file;
	bool optional; /* and then only as --name=value */
};

/* Prints the script for SHELL (bash, zsh, fish); the exit status. */
int cp_complete(const char *shell);

void cp_complete_bash(void);
void cp_complete_zsh(void);
void cp_complete_fish(void);

/*
 * Calls EACH for every option of C, --help included; with C NULL, of the
 * launcher.
 */
void cp_complete_options(const struct cp_command *c,
    void (*each)(const struct cp_command *c, const struct cp_flag *f));

/* The same without what C has in common with others; NULL: that. */
void cp_complete_own(const struct cp_command *c,
    void (*each)(const struct cp_command *c, const struct cp_flag *f));

/* What the argument of F, which has one, looks like. */
struct cp_shape cp_complete_shape(const struct cp_flag *f);

#endif
