/* SPDX-License-Identifier: MIT */
/*
 * The commands of childproof.  A command is one file with one function and
 * one struct cp_command, named in the table of commands.c: dispatch, --help
 * and completions take what they need from there.
 */
#ifndef CP_MAIN_H
#define CP_MAIN_H

#include <stdbool.h>

#include "../../shim/common/options.h"

/* One option of a command; a table of them ends with a name of NULL. */
struct cp_flag {
	const char *name; /* long form, without the dashes */
	char letter;	  /* short form, or 0 */
	const char *arg;  /* shape of its argument ("FILE"); NULL: none */
	const char *help; /* one line */
};

struct cp_command {
	const char *name;
	const char *about;	     /* one line */
	const char *operands;	     /* as in a synopsis ("[PID]"), or NULL */
	const struct cp_flag *flags; /* without --help, or NULL */
	bool options;		     /* takes the launcher's --key=value too */
	bool command; /* an operand is a command: our options end there */
	/* argv[0] is the name; returns the exit status. */
	int (*run)(int argc, char *argv[]);
};

/* All that can be run, by name, ended by NULL. */
extern const struct cp_command *const cp_commands[];

extern const struct cp_command cp_command_attach;
extern const struct cp_command cp_command_doctor;
extern const struct cp_command cp_command_metrics;
extern const struct cp_command cp_command_ps;
extern const struct cp_command cp_command_reap;
extern const struct cp_command cp_command_report;
extern const struct cp_command cp_command_scan;
extern const struct cp_command cp_command_why;
extern const struct cp_command cp_command_wrap;

/* The command NAME, or NULL. */
const struct cp_command *cp_command_find(const char *name);

/*
 * Is NAME kept for a command that is still to come?  Scripts that mean a
 * program of that name must say so already.
 */
bool cp_command_reserved(const char *name);

#endif
