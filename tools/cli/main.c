/* SPDX-License-Identifier: MIT */
/*
 * childproof, the program: reads the options (environment first, command line
 * over it), then hands over to a command of the table or to the launcher.
 * Context: cli.
 */
#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../shim/common/wire.h"
#include "main.h"
#include "report.h"
#include "run.h"

/* More rows than options.def and our own have. */
#define CP_LONG_MAX 32

/* What getopt_long(3) returns; below CP_OPT_FIRST, an option's own value. */
enum {
	CP_OPT_VERSION = 256,
	CP_OPT_FIRST, /* row 0 of cp_option_table */
};

static const struct cp_command cp_commands[] = {
	{ "attach", NULL },
	{ "check", NULL },
	{ "doctor", NULL },
	{ "metrics", NULL },
	{ "ps", NULL },
	{ "reap", NULL },
	{ "report", cp_report },
	{ "scan", NULL },
	{ "why", NULL },
	{ "wrap", NULL },
	{ NULL, NULL },
};

static void
usage(FILE *to)
{
	fputs("usage: childproof [--key=value ...] [--] command [arg ...]\n",
	    to);
}

/* A listing that could not be written is a failure. */
static int
finish(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	warn("stdout");
	return CP_EXIT_FAILED;
}

static int
help(void)
{
	const struct cp_option *row = cp_option_table;
	char left[64];

	usage(stdout);
	puts(
	    "\nRun command, so that none of its stdio children outlives it."
	    "\n\nOptions, also as " CP_ENV_OPTIONS "=\"key=value:key=value\":");
	for (; row->key != NULL; row++) {
		(void)snprintf(left, sizeof(left), "--%s=%s", row->key,
		    row->value);
		printf("  %-27s %s", left, row->help);
		if (row->initial[0] != '\0')
			printf(" [%s]", row->initial);
		putchar('\n');
	}
	printf("  %-27s print the version\n\n", "--version");
	puts("So far keep, idle, limit and children=all are checked, but have "
	     "no effect.");
	return finish();
}

static void
options_from_environment(struct cp_options *o)
{
	const char *text = getenv(CP_ENV_OPTIONS), *bad, *why;
	size_t len;

	if (text == NULL)
		return;
	why = cp_options_parse(o, text, &bad, &len);
	if (why != NULL)
		errx(CP_EXIT_FAILED, "%s: %.*s: %s", CP_ENV_OPTIONS, (int)len,
		    bad, why);
}

/* The table in the form of getopt_long(3). */
static void
long_options(struct option longs[CP_LONG_MAX])
{
	const struct cp_option *row = cp_option_table;
	size_t n = 0;

	longs[n++] = (struct option){ "version", no_argument, NULL,
		CP_OPT_VERSION };
	for (size_t i = 0; row[i].key != NULL && n < CP_LONG_MAX - 1; i++)
		longs[n++] = (struct option){ row[i].key,
			strcmp(row[i].value, "yes|no") == 0 ?
			    optional_argument :
			    required_argument,
			NULL, CP_OPT_FIRST + (int)i };
	longs[n] = (struct option){ 0 };
}

static void
set_option(struct cp_options *o, const char *key, const char *value)
{
	const char *why = cp_options_set(o, key, strlen(key), value,
	    value != NULL ? strlen(value) : 0);

	if (why == NULL)
		return;
	errx(CP_EXIT_FAILED, "--%s%s%s: %s", key, value != NULL ? "=" : "",
	    value != NULL ? value : "", why);
}

static _Noreturn void
bad_option(int c, char *const argv[])
{
	if (c == ':')
		errx(CP_EXIT_FAILED,
		    "%s: a value is missing (write --key=value)",
		    argv[optind - 1]);
	if (optopt > 0 && optopt < CP_OPT_VERSION)
		errx(CP_EXIT_FAILED,
		    "-%c: unknown option (childproof --help lists them)",
		    optopt);
	if (optopt == CP_OPT_VERSION)
		errx(CP_EXIT_FAILED, "--version: it takes no value");
	errx(CP_EXIT_FAILED,
	    "%s: unknown option (childproof --help lists them)",
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
			exit(finish());
		}
		if (c >= CP_OPT_FIRST)
			set_option(o, cp_option_table[c - CP_OPT_FIRST].key,
			    optarg);
	}
	return optind > last;
}

/* A command of ours, unless "--" says that a program is meant. */
static int
run_command(const struct cp_options *o, int argc, char *argv[])
{
	const struct cp_command *c = cp_commands;

	while (c->name != NULL && strcmp(c->name, argv[0]) != 0)
		c++;
	if (c->name == NULL)
		return cp_run(o, argv);
	if (c->run == NULL)
		errx(CP_EXIT_FAILED,
		    "%s: not available in this version (to run a program of "
		    "that name: childproof -- %s)",
		    c->name, c->name);
	return c->run(o, argc, argv);
}

int
main(int argc, char *argv[])
{
	struct cp_options o;
	const char *why;
	bool program;

	cp_options_init(&o);
	options_from_environment(&o);
	program = options_from_arguments(&o, argc, argv);
	if (o.help)
		return help();
	why = cp_options_check(&o);
	if (why != NULL)
		errx(CP_EXIT_FAILED, "options: %s", why);
	if (optind >= argc) {
		warnx("command: missing (say what to run)");
		usage(stderr);
		return CP_EXIT_FAILED;
	}
	if (program)
		return cp_run(&o, argv + optind);
	return run_command(&o, argc - optind, argv + optind);
}
