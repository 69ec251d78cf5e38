/* SPDX-License-Identifier: MIT */
/* What a page and a trace say of one life; see lifeline.h.  Context: cli. */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "lifeline.h"
#include "run.h"

const char *
cp_fate_name(enum cp_fate fate)
{
	static const char *const names[CP_FATE_COUNT] = {
		[CP_FATE_LIVE] = "live",
		[CP_FATE_SELF] = "self",
		[CP_FATE_EOF] = "eof",
		[CP_FATE_TERM] = "term",
		[CP_FATE_KILL] = "kill",
		[CP_FATE_SPARED] = "spared",
		[CP_FATE_GAVE_UP] = "gave-up",
		[CP_FATE_DRY_RUN] = "dry-run",
	};

	return names[fate];
}

const char *
cp_fate_text(enum cp_fate fate)
{
	static const char *const texts[CP_FATE_COUNT] = {
		[CP_FATE_LIVE] = "no end in this journal",
		[CP_FATE_SELF] = "ended by itself",
		[CP_FATE_EOF] = "ended on end-of-file",
		[CP_FATE_TERM] = "ended by SIGTERM",
		[CP_FATE_KILL] = "ended by SIGKILL",
		[CP_FATE_SPARED] = "spared",
		[CP_FATE_GAVE_UP] = "given up",
		[CP_FATE_DRY_RUN] = "dry run",
	};

	return texts[fate];
}

/* Where words end must be seen, no more: nobody is to paste it. */
static void
put_word(FILE *f, const char *word)
{
	bool quote = word[0] == '\0' || strpbrk(word, " \t\n\r") != NULL;

	fprintf(f, quote ? "'%s'" : "%s", word);
}

char *
cp_life_command(const struct cp_life *life)
{
	const char *name = json_string_value(life->name);
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (f == NULL)
		err(CP_EXIT_FAILED, "report");
	for (size_t i = 0; i < json_array_size(life->argv); i++) {
		const char *word = json_string_value(
		    json_array_get(life->argv, i));

		if (i > 0)
			putc(' ', f);
		if (word != NULL)
			put_word(f, word);
	}
	if (json_array_size(life->argv) == 0)
		fputs(name != NULL ? name : "?", f);
	if (fclose(f) != 0)
		err(CP_EXIT_FAILED, "report");
	return text;
}
