/* SPDX-License-Identifier: MIT */
/*
 * The command lines of childproof's commands.  One table of options serves
 * getopt_long(3), --help and the completions.  Context: cli.
 */
#include <err.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "../../shim/common/wire.h"
#include "run.h"
#include "say.h"
#include "usage.h"

/* More than options.def and any command's own rows together. */
#define CP_LONG_MAX 64
/* No character, and no row of a table: below all that is returned. */
#define CP_OPT_HELP  256
#define CP_OPT_FIRST 512

void
cp_usage_row(const char *left, const char *help)
{
	printf("  %-27s %s\n", left, help);
}

int
cp_usage_finish(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	warn("stdout");
	return CP_EXIT_FAILED;
}

void
cp_usage_die(const struct cp_command *c, const char *format, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&text, format, ap) == -1)
		err(CP_EXIT_FAILED, "usage");
	va_end(ap);
	cp_say("%s%s%s", c != NULL ? c->name : "", c != NULL ? ": " : "", text);
	exit(CP_EXIT_FAILED);
}

void
cp_usage_options(void)
{
	const struct cp_option *row = cp_option_table;
	char left[64], help[128];

	for (; row->key != NULL; row++) {
		(void)snprintf(left, sizeof(left), "--%s=%s", row->key,
		    row->value);
		(void)snprintf(help, sizeof(help),
		    row->initial[0] != '\0' ? "%s [%s]" : "%s", row->help,
		    row->initial);
		cp_usage_row(left, help);
	}
}

static void
put_synopsis(const struct cp_command *c)
{
	printf("usage: childproof %s", c->name);
	for (const struct cp_flag *f = c->flags; f && f->name; f++)
		printf(" [--%s%s%s]", f->name, f->arg ? "=" : "",
		    f->arg ? f->arg : "");
	if (c->options)
		fputs(" [--key=value ...]", stdout);
	printf("%s%s\n", c->operands ? " " : "",
	    c->operands ? c->operands : "");
}

static _Noreturn void
help(const struct cp_command *c)
{
	char left[64];

	put_synopsis(c);
	printf("\n%s.\n\n", c->about);
	for (const struct cp_flag *f = c->flags; f && f->name; f++) {
		(void)snprintf(left, sizeof(left), "%c%c%s--%s%s%s",
		    f->letter ? '-' : ' ', f->letter ? f->letter : ' ',
		    f->letter ? ", " : "  ", f->name, f->arg ? "=" : "",
		    f->arg ? f->arg : "");
		cp_usage_row(left, f->help);
	}
	cp_usage_row("    --help", "print this");
	if (c->options) {
		puts("\nOptions of the launcher (childproof --help):");
		cp_usage_options();
	}
	exit(cp_usage_finish());
}

/* Adds the command's own rows in the form of getopt_long(3). */
static size_t
own_rows(const struct cp_command *c, struct option longs[], char *shorts)
{
	const struct cp_flag *f = c->flags;
	size_t n = 0;

	for (; f && f->name && n < CP_LONG_MAX / 2; f++, n++) {
		longs[n] = (struct option){ f->name,
			f->arg ? required_argument : no_argument, NULL,
			CP_OPT_FIRST + (int)n };
		if (f->letter == 0)
			continue;
		*shorts++ = f->letter;
		if (f->arg != NULL)
			*shorts++ = ':';
	}
	*shorts = '\0';
	return n;
}

static void
long_rows(const struct cp_command *c, struct option longs[], char *shorts)
{
	const struct cp_option *row = cp_option_table;
	size_t n = own_rows(c, longs, shorts);

	longs[n++] = (struct option){ "help", no_argument, NULL, CP_OPT_HELP };
	for (int i = 0; c->options && row[i].key && n < CP_LONG_MAX - 1; i++)
		if (strcmp(row[i].key, "help") != 0)
			longs[n++] = (struct option){ row[i].key,
				strcmp(row[i].value, "yes|no") == 0 ?
				    optional_argument :
				    required_argument,
				NULL, CP_USAGE_OPTION + i };
	longs[n] = (struct option){ 0 };
}

static _Noreturn void
bad_option(const struct cp_command *c, int got, char *const argv[])
{
	char letter[3] = { '-', (char)optopt, '\0' };
	bool is_letter = optopt > 0 && optopt < CP_OPT_HELP;
	const char *what = is_letter ? letter : argv[optind - 1];

	if (got == ':')
		cp_usage_die(c, "%s: a value is missing (childproof %s --help)",
		    what, c->name);
	if (optopt >= CP_OPT_HELP)
		cp_usage_die(c, "%s: it takes no value (childproof %s --help)",
		    what, c->name);
	cp_usage_die(c, "%s: unknown option (childproof %s --help lists them)",
	    what, c->name);
}

/* The row of the option whose short form is LETTER. */
static int
row_of(const struct cp_command *c, int letter)
{
	int i = 0;

	while (c->flags[i].letter != letter)
		i++;
	return i;
}

int
cp_usage_next(const struct cp_command *c, int argc, char *argv[])
{
	struct option longs[CP_LONG_MAX];
	char all[2 + CP_LONG_MAX] = "+:", *shorts = all;
	int got;

	long_rows(c, longs, all + 2);
	opterr = 0;
	/* "+": stop at the first operand. */
	if (!c->command)
		shorts++;
	got = getopt_long(argc, argv, shorts, longs, NULL);
	if (got == '?' || got == ':')
		bad_option(c, got, argv);
	if (got == CP_OPT_HELP)
		help(c);
	if (got == -1 || got >= CP_USAGE_OPTION)
		return got;
	return got >= CP_OPT_FIRST ? got - CP_OPT_FIRST : row_of(c, got);
}

void
cp_usage_set(const struct cp_command *c, struct cp_options *o, int i,
    const char *value)
{
	const char *key = cp_option_table[i].key;
	const char *why = cp_options_set(o, key, strlen(key), value,
	    value != NULL ? strlen(value) : 0);
	const char *equals = value != NULL ? "=" : "";

	if (why == NULL)
		return;
	if (value == NULL)
		value = "";
	cp_usage_die(c, "--%s%s%s: %s", key, equals, value, why);
}

void
cp_usage_environment(struct cp_options *o)
{
	const char *text = getenv(CP_ENV_OPTIONS), *bad, *why;
	size_t len;

	if (text == NULL)
		return;
	why = cp_options_parse(o, text, &bad, &len);
	if (why != NULL)
		cp_usage_die(NULL, "%s: %.*s: %s", CP_ENV_OPTIONS, (int)len,
		    bad, why);
}
