/* SPDX-License-Identifier: MIT */
/*
 * The command line of a command: its own options, --help, and the one way to
 * say that it was used wrongly.
 */
#ifndef CP_USAGE_H
#define CP_USAGE_H

#include "main.h"

/* What cp_usage_next returns for row I of cp_option_table: this + I. */
#define CP_USAGE_OPTION 4096

/*
 * Takes the next option of command C.  Returns the number of its row in
 * C->flags, with its argument in optarg; CP_USAGE_OPTION + I for an option of
 * the launcher, if C takes those; or -1 at the end, with the operands from
 * argv[optind] on.  --help (exit 0) and whatever is no option of C (exit 125)
 * end the program.
 */
int cp_usage_next(const struct cp_command *c, int argc, char *argv[]);

/*
 * Sets the launcher's option of row I in *O to VALUE (NULL: yes); a wrong
 * one ends the program.  C is NULL for the launcher itself.
 */
void cp_usage_set(const struct cp_command *c, struct cp_options *o, int i,
    const char *value);

/* Applies CHILDPROOF_OPTIONS to *O; a mistake there ends the program. */
void cp_usage_environment(struct cp_options *o);

/*
 * "childproof: NAME: " and the text, which should be "what: why (what to
 * do)", in one line on stderr; exit 125.  C is NULL for the launcher itself.
 */
_Noreturn void cp_usage_die(const struct cp_command *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Prints one row of a list of options: LEFT, and HELP in its column. */
void cp_usage_row(const char *left, const char *help);

/* The launcher's options, a row each. */
void cp_usage_options(void);

/* Flushes stdout: a listing that could not be written is a failure. */
int cp_usage_finish(void);

#endif
