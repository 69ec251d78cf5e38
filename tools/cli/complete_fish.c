/* SPDX-License-Identifier: MIT */
/*
 * Completions for fish: a line for each option, with the place where it may
 * stand.  Owns nothing.  Context: cli.
 */
#include <stdio.h>

#include "complete.h"

/* Prints where the cursor is: launcher, program, or a command of ours. */
static const char functions[] =
    "function __childproof_where\n"
    "    set -l words (commandline -opc)\n"
    "    set -l where launcher\n"
    "    set -e words[1]\n"
    "    if set -q words[1]; and contains -- $words[1] $__childproof_names\n"
    "        set where $words[1]\n"
    "        set -e words[1]\n"
    "    end\n"
    "    while set -q words[1]\n"
    "        switch $words[1]\n"
    "            case --\n"
    "                echo program $where\n"
    "                return\n"
    "            case '-*'\n"
    "                if contains -- $words[1] $__childproof_valued\n"
    "                    set -e words[1]\n"
    "                end\n"
    "            case '*'\n"
    "                echo program $where\n"
    "                return\n"
    "        end\n"
    "        set -e words[1]\n"
    "    end\n"
    "    echo $where\n"
    "end\n"
    "\n"
    "function __childproof_at\n"
    "    test (__childproof_where) = $argv[1]\n"
    "end\n"
    "\n"
    "function __childproof_first\n"
    "    test (count (commandline -opc)) -eq 1\n"
    "end\n"
    "\n"
    "# A command to be run, or the words of one, behind our own.\n"
    "function __childproof_runs\n"
    "    set -l where (string split ' ' -- (__childproof_where))\n"
    "    contains -- $where[-1] launcher $__childproof_runners\n"
    "end\n"
    "\n"
    "function __childproof_program\n"
    "    set -l words (commandline -opc) (commandline -ct)\n"
    "    set -e words[1]\n"
    "    if contains -- $words[1] $__childproof_runners\n"
    "        set -e words[1]\n"
    "    end\n"
    "    while string match -q -- '-*' $words[1]\n"
    "        set -l option $words[1]\n"
    "        set -e words[1]\n"
    "        if test $option = --\n"
    "            break\n"
    "        else if contains -- $option $__childproof_valued\n"
    "            set -e words[1]\n"
    "        end\n"
    "    end\n"
    "    set -q words[1]; or return\n"
    "    set -l line (string escape -- $words[1..-2]) $words[-1]\n"
    "    complete --do-complete=(string join ' ' -- $line | string collect -a)\n"
    "end\n"
    "\n"
    "complete -c childproof -f\n"
    "complete -c childproof -n __childproof_runs -a "
    "'(__childproof_program)'";

/* TEXT within single quotes. */
static void
put(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
}

static void
put_option(const struct cp_command *c, const struct cp_flag *f)
{
	struct cp_shape s = { .optional = true };

	printf("complete -c childproof -n '__childproof_at %s' -l %s",
	    c != NULL ? c->name : "launcher", f->name);
	if (f->letter != 0)
		printf(" -s %c", f->letter);
	if (f->arg != NULL)
		s = cp_complete_shape(f);
	if (!s.optional)
		fputs(s.file ? " -r -F" : " -x", stdout);
	if (s.words[0] != '\0')
		printf(" -a '%s'", s.words);
	fputs(" -d '", stdout);
	put(f->help);
	puts("'");
}

static void
put_valued(const struct cp_command *c, const struct cp_flag *f)
{
	(void)c;
	if (f->arg == NULL || cp_complete_shape(f).optional)
		return;
	printf(" --%s", f->name);
	if (f->letter != 0)
		printf(" -%c", f->letter);
}

void
cp_complete_fish(void)
{
	const struct cp_command *const *c;

	fputs("# fish completion for childproof; made from its tables\n\n"
	      "set -g __childproof_names",
	    stdout);
	for (c = cp_commands; *c != NULL; c++)
		printf(" %s", (*c)->name);
	fputs("\nset -g __childproof_runners", stdout);
	for (c = cp_commands; *c != NULL; c++)
		if ((*c)->command)
			printf(" %s", (*c)->name);
	fputs("\nset -g __childproof_valued", stdout);
	cp_complete_options(NULL, put_valued);
	for (c = cp_commands; *c != NULL; c++)
		cp_complete_options(*c, put_valued);
	puts("\n");
	puts(functions);
	for (c = cp_commands; *c != NULL; c++) {
		printf(
		    "complete -c childproof -n __childproof_first -a %s -d '",
		    (*c)->name);
		put((*c)->about);
		puts("'");
	}
	cp_complete_options(NULL, put_option);
	for (c = cp_commands; *c != NULL; c++)
		cp_complete_options(*c, put_option);
}
