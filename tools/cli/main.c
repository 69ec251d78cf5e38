/* SPDX-License-Identifier: MIT */
/*
 * childproof, the program: reads the options (environment first, command line
 * over it), then hands over to a command of the table or to the launcher.
 * Context: cli.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../shim/common/wire.h"
#include "complete.h"
#include "main.h"
#include "run.h"
#include "usage.h"

/* More rows than options.def and our own have. */
#define CP_LONG_MAX 32

/* What getopt_long(3) returns; below CP_OPT_FIRST, an option's own value. */
enum {
	CP_OPT_VERSION = 256,
	CP_OPT_COMPLETIONS, /* for the Makefile, hence in no list */
	CP_OPT_FIRST,	    /* row 0 of cp_option_table */
};

static int
help(void)
{
	const struct cp_command *const *c = cp_commands;

	puts("usage: childproof [--key=value ...] [--] command [arg ...]");
	if (*c != NULL)
		puts("       childproof subcommand [--help] [arg ...]");
	puts(
	    "\nRun command, so that none of its stdio children outlives it."
	    "\n\nOptions, also as " CP_ENV_OPTIONS "=\"key=value:key=value\":");
	cp_usage_options();
	cp_usage_row("--version", "print the version");
	puts("\nA GLOB is matched by fnmatch(3) with the base name of the "
	     "program, that of its\nfirst argument, and the whole command "
	     "line.  One with a slash can only match a\ncommand line, and one "
	     "with a comma nothing: there it ends.");
	if (*c != NULL)
		puts("\nSubcommands (to run a program of such a name: "
		     "childproof -- name):");
	for (; *c != NULL; c++)
		cp_usage_row((*c)->name, (*c)->about);
	return cp_usage_finish();
}

/* The table in the form of getopt_long(3). */
static void
long_options(struct option longs[CP_LONG_MAX])
{
	const struct cp_option *row = cp_option_table;
	size_t n = 0;

	longs[n++] = (struct option){ "version", no_argument, NULL,
		CP_OPT_VERSION };
	longs[n++] = (struct option){ "completions", required_argument, NULL,
		CP_OPT_COMPLETIONS };
	for (size_t i = 0; row[i].key != NULL && n < CP_LONG_MAX - 1; i++)
		longs[n++] = (struct option){ row[i].key,
			strcmp(row[i].value, "yes|no") == 0 ?
			    optional_argument :
			    required_argument,
			NULL, CP_OPT_FIRST + (int)i };
	longs[n] = (struct option){ 0 };
}

static _Noreturn void
bad_option(int c, char *const argv[])
{
	if (c == ':')
		cp_usage_die(NULL, "%s: a value is missing (write --key=value)",
		    argv[optind - 1]);
	if (optopt > 0 && optopt < CP_OPT_VERSION)
		cp_usage_die(NULL,
		    "-%c: unknown option (childproof --help lists them)",
		    optopt);
	if (optopt == CP_OPT_VERSION)
		cp_usage_die(NULL,
		    "%s: it takes no value (write --version alone)",
		    argv[optind - 1]);
	cp_usage_die(NULL, "%s: unknown option (childproof --help lists them)",
	    argv[optind - 1]);
}

/*
 * Reads the command line into *O.  Returns whether "--" ended the options;
 * what follows begins at argv[optind].
 */
static bool
options_from_arguments(struct cp_options *o, int argc, char *argv[])
{
	struct option longs[CP_LONG_MAX];
	int c, last = 1;

	long_options(longs);
	opterr = 0;
	/* "+": stop at the command, whose options are its own. */
	while ((c = getopt_long(argc, argv, "+:", longs, NULL)) != -1) {
		last = optind;
		if (c == '?' || c == ':')
			bad_option(c, argv);
		if (c == CP_OPT_VERSION) {
			puts("childproof " CP_VERSION);
			exit(cp_usage_finish());
		}
		if (c == CP_OPT_COMPLETIONS)
			exit(cp_complete(optarg));
		if (c >= CP_OPT_FIRST)
			cp_usage_set(NULL, o, c - CP_OPT_FIRST, optarg);
	}
	return optind > last;
}

/*
 * A command of ours has options of its own, behind its name.  One that does
 * not exist yet is refused: what it will be must not depend on the version.
 */
static _Noreturn void
refuse(const char *name, const char *before)
{
	if (cp_command_find(name) == NULL)
		cp_usage_die(NULL,
		    "%s: not available in this version (to run a program of "
		    "that name: childproof -- %s)",
		    name, name);
	cp_usage_die(NULL,
	    "%s: %s stands before it (its options stand behind it; to run a "
	    "program of that name: childproof %s -- %s)",
	    name, before, before, name);
}

int
main(int argc, char *argv[])
{
	const struct cp_command *c = argc > 1 ? cp_command_find(argv[1]) : NULL;
	struct cp_options o;
	const char *why;
	bool program;

	/* Not before: a mistake in the options must not keep doctor away. */
	if (c != NULL)
		return c->run(argc - 1, argv + 1);
	/* The list of options can't be refused for a mistake in them. */
	if (argc > 1 && strcmp(argv[1], "--help") == 0)
		return help();
	cp_options_init(&o);
	cp_usage_environment(&o);
	program = options_from_arguments(&o, argc, argv);
	if (o.help)
		return help();
	if (optind >= argc)
		cp_usage_die(NULL,
		    "command: missing (say what to run; childproof --help)");
	if (!program &&
	    (cp_command_find(argv[optind]) != NULL ||
		cp_command_reserved(argv[optind])))
		refuse(argv[optind], argv[1]);
	why = cp_options_check(&o);
	if (why != NULL)
		cp_usage_die(NULL, "options: %s", why);
	return cp_run(&o, argv + optind);
}
