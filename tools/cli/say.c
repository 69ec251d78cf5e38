/* SPDX-License-Identifier: MIT */
/* See say.h. */
#include <err.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "say.h"
#include "table.h"

void
cp_say(const char *format, ...)
{
	char *text = NULL, *shown = NULL;
	va_list ap;

	/* Else all that is not ASCII would be escaped. */
	(void)setlocale(LC_CTYPE, "");
	va_start(ap, format);
	if (vasprintf(&text, format, ap) == -1)
		text = NULL;
	va_end(ap);
	if (text != NULL)
		shown = cp_table_visible(text, strlen(text));
	warnx("%s", shown != NULL ? shown : "out of memory");
	free(shown);
	free(text);
}

const char *
cp_say_name(const char *name)
{
	return name[0] != '\0' ? name : "''";
}
