/* SPDX-License-Identifier: MIT */
/*
 * The lines that the doctor prints.  Owns the worst level so far.  Context:
 * cli.
 */
#define LIBBSD_OPENBSD_VIS
#include <stdarg.h>
#include <stdio.h>
#include <vis.h>

#include "finding.h"
#include "table.h"

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
	static const char *const words[] = { "ok  ", "warn", "fail" };
	static const enum cp_colour colours[] = { CP_GREEN, CP_YELLOW, CP_RED };

	if (f.level > worst)
		worst = f.level;
	cp_table_say(cp_table_style(stdout), colours[f.level], words[f.level],
	    stdout);
	fputs("  ", stdout);
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
