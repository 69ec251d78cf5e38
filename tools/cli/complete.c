/* SPDX-License-Identifier: MIT */
/*
 * Completions: what all shells have in common.  Owns nothing.  Context: cli.
 */
#include <string.h>

#include "complete.h"
#include "usage.h"

/* The rows of the launcher, for C. */
static void
launcher_rows(const struct cp_command *c,
    void (*each)(const struct cp_command *c, const struct cp_flag *f))
{
	const struct cp_option *row = cp_option_table;
	struct cp_flag f;

	for (; row->key != NULL; row++) {
		if (strcmp(row->key, "help") == 0)
			continue;
		f = (struct cp_flag){ row->key, 0, row->value, row->help };
		each(c, &f);
	}
}

void
cp_complete_own(const struct cp_command *c,
    void (*each)(const struct cp_command *c, const struct cp_flag *f))
{
	if (c == NULL)
		launcher_rows(c, each);
	else
		for (const struct cp_flag *f = c->flags; f && f->name; f++)
			each(c, f);
}

void
cp_complete_options(const struct cp_command *c,
    void (*each)(const struct cp_command *c, const struct cp_flag *f))
{
	static const struct cp_flag help = { "help", 0, NULL, "print this" };
	static const struct cp_flag version = { "version", 0, NULL,
		"print the version" };

	cp_complete_own(c, each);
	if (c != NULL && c->options)
		launcher_rows(c, each);
	each(c, &help);
	if (c == NULL)
		each(c, &version);
}

struct cp_shape
cp_complete_shape(const struct cp_flag *f)
{
	struct cp_shape s = { .optional = strcmp(f->arg, "yes|no") == 0 };
	const char *p = f->arg;
	size_t len;

	s.file = strcmp(p, "FILE") == 0;
	for (; *p != '\0'; p += len + (p[len] == '|')) {
		len = strcspn(p, "|");
		if (*p == '/')
			s.file = true;
		/* Capitals are for something to be filled in. */
		if (*p < 'a' || *p > 'z')
			continue;
		if (s.words[0] != '\0')
			strlcat(s.words, " ", sizeof(s.words));
		(void)strncat(s.words, p, len);
	}
	return s;
}

int
cp_complete(const char *shell)
{
	if (strcmp(shell, "bash") == 0)
		cp_complete_bash();
	else if (strcmp(shell, "zsh") == 0)
		cp_complete_zsh();
	else if (strcmp(shell, "fish") == 0)
		cp_complete_fish();
	else
		cp_usage_die(NULL,
		    "--completions=%s: unknown shell (bash, zsh or fish)",
		    shell);
	return cp_usage_finish();
}
