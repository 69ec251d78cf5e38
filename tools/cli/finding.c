/* SPDX-License-Identifier: MIT */
/*
 * The lines that the doctor prints.  Owns the worst level so far.  Context:
 * cli.
 */
#define LIBBSD_OPENBSD_VIS
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vis.h>

#include "finding.h"

static enum cp_level worst;

struct cp_finding
cp_finding(enum cp_level level, const char *format, ...)
{
	struct cp_finding f = { .level = level };
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(f.text, sizeof(f.text), format, ap);
	va_end(ap);
	return f;
}

/* no-color.org: set and not empty. */
static bool
is_coloured(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && (no == NULL || *no == '\0') &&
	    term != NULL && strcmp(term, "dumb") != 0;
}

static void
put_escaped(const char *text)
{
	char out[8];

	for (; *text != '\0'; text++) {
		vis(out, *text, VIS_OCTAL | VIS_CSTYLE | VIS_TAB | VIS_NL,
		    text[1]);
		fputs(out, stdout);
	}
}

void
cp_finding_print(const char *what, struct cp_finding f)
{
	static const char *const words[] = { "ok", "warn", "fail" };
	static const char *const colours[] = { "32", "33", "31" };
	const char *word = words[f.level];

	if (f.level > worst)
		worst = f.level;
	if (is_coloured())
		printf("\033[%sm%-4s\033[0m  ", colours[f.level], word);
	else
		printf("%-4s  ", word);
	put_escaped(what);
	fputs(": ", stdout);
	put_escaped(f.text);
	putchar('\n');
}

enum cp_level
cp_finding_worst(void)
{
	return worst;
}
