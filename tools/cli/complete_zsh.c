/* SPDX-License-Identifier: MIT */
/*
 * Completions for zsh: the tables in the words of _arguments.  Owns nothing.
 * Context: cli.
 */
#include <stdio.h>
#include <string.h>

#include "complete.h"

/* TEXT within single quotes, where "[]:" would end a part. */
static void
put(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			fputs("'\\'", stdout);
		else if (strchr("[]:\\", *text) != NULL)
			putchar('\\');
		putchar(*text);
	}
}

static void
put_option(const struct cp_command *c, const struct cp_flag *f)
{
	struct cp_shape s = { .optional = false };

	(void)c;
	if (f->arg != NULL)
		s = cp_complete_shape(f);
	printf("\t\t'--%s%s[", f->name,
	    f->arg == NULL ? "" :
		s.optional ? "=-" :
			     "=");
	put(f->help);
	putchar(']');
	if (f->arg != NULL) {
		fputs(s.optional ? "::" : ":", stdout);
		put(f->arg);
		putchar(':');
		if (s.words[0] != '\0' && s.file)
			printf("{_alternative \"words\\:word\\:(%s)\" "
			       "files\\:file\\:_files}",
			    s.words);
		else if (s.words[0] != '\0')
			printf("(%s)", s.words);
		else if (s.file)
			fputs("_files", stdout);
	}
	puts("' \\");
}

static void
put_command(const struct cp_command *c)
{
	printf("\t%s)\n\t\t_arguments -S \\\n", c->name);
	cp_complete_options(c, put_option);
	puts(c->command ? "\t\t\t'(-)1:command:_command_names -e' "
			  "'*::argument:_normal'" :
			  "\t\t\t'*:operand:_files'");
	puts("\t\t;;");
}

void
cp_complete_zsh(void)
{
	const struct cp_command *const *c = cp_commands;

	puts("#compdef childproof\n"
	     "# zsh completion for childproof; made from its tables\n\n"
	     "_childproof_first() {\n\tlocal -a names\n\tnames=(");
	for (; *c != NULL; c++) {
		printf("\t\t'%s:", (*c)->name);
		put((*c)->about);
		puts("'");
	}
	puts("\t)\n\t(( in_front )) && _describe -t names "
	     "'command of childproof' names\n"
	     "\t_command_names -e\n}\n\n"
	     "_childproof() {\n"
	     "\tlocal in_front=$(( CURRENT == 2 )) where=\n"
	     "\tif (( CURRENT > 2 )); then\n\t\tcase $words[2] in");
	for (c = cp_commands; *c != NULL; c++)
		printf("\t\t%s) where=%s ;;\n", (*c)->name, (*c)->name);
	puts("\t\tesac\n\tfi\n"
	     "\tif [[ -n $where ]]; then\n"
	     "\t\tshift words\n\t\t(( CURRENT-- ))\n\tfi\n"
	     "\t# _arguments takes a first -- for something else.\n"
	     "\tif [[ $words[2] == -- ]] && (( CURRENT > 2 )); then\n"
	     "\t\twords[2]=()\n\t\t(( CURRENT-- ))\n\tfi\n"
	     "\tcase $where in\n\t'')\n\t\t_arguments -S \\");
	cp_complete_options(NULL, put_option);
	puts("\t\t\t'(-)1:command:_childproof_first' '*::argument:_normal'\n"
	     "\t\t;;");
	for (c = cp_commands; *c != NULL; c++)
		put_command(*c);
	puts("\tesac\n}\n\n_childproof \"$@\"");
}
