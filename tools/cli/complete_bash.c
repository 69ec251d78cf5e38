/* SPDX-License-Identifier: MIT */
/*
 * Completions for bash.  Options are listed with "=" where they need a value;
 * readline splits words there, so that "=" is a word of its own.  Owns nothing.
 * Context: cli.
 */
#include <stdio.h>

#include "complete.h"

/*
 * Walks to the cursor: WHERE is the command of ours whose options are next,
 * or "" for the launcher's; a program's own words are not our business.
 */
static const char functions[] =
    "# _childproof_program INDEX: the word there is a command to be run.\n"
    "_childproof_program() {\n"
    "	if declare -F _comp_command_offset >/dev/null; then\n"
    "		_comp_command_offset \"$1\"\n"
    "	elif declare -F _command_offset >/dev/null; then\n"
    "		_command_offset \"$1\"\n"
    "	elif [ \"$1\" -eq \"$COMP_CWORD\" ]; then\n"
    "		mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(\n"
    "			compgen -c -- \"${COMP_WORDS[COMP_CWORD]}\")\n"
    "	else\n"
    "		compopt -o default\n"
    "	fi\n"
    "}\n"
    "\n"
    "# _childproof_value WHERE OPTION TEXT\n"
    "_childproof_value() {\n"
    "	local words\n"
    "	words=$(_childproof_values \"$1\" \"$2\")\n"
    "	mapfile -t COMPREPLY < <(compgen -W \"${words%%/*}\" -- \"$3\")\n"
    "	case $words in\n"
    "	*/*) compopt -o default ;;\n"
    "	esac\n"
    "}\n"
    "\n"
    "_childproof() {\n"
    "	local i=1 where='' word cur=${COMP_WORDS[COMP_CWORD]} option=''\n"
    "	COMPREPLY=()\n"
    "	if [ \"$COMP_CWORD\" -gt 1 ]; then\n"
    "		where=$(_childproof_command \"${COMP_WORDS[1]}\")\n"
    "		[ -z \"$where\" ] || i=2\n"
    "	fi\n"
    "	while [ \"$i\" -lt \"$COMP_CWORD\" ]; do\n"
    "		word=${COMP_WORDS[i]}\n"
    "		i=$((i + 1))\n"
    "		option=''\n"
    "		case $word in\n"
    "		--) _childproof_operand \"$where\" \"$i\"; return ;;\n"
    "		-*) ;;\n"
    "		*) _childproof_operand \"$where\" $((i - 1)); return ;;\n"
    "		esac\n"
    "		if [ \"${COMP_WORDS[i]}\" = = ]; then\n"
    "			i=$((i + 1))\n"
    "			option=$word\n"
    "		elif _childproof_needs \"$where\" \"$word\"; then\n"
    "			option=$word\n"
    "		fi\n"
    "		[ -z \"$option\" ] || i=$((i + 1))\n"
    "	done\n"
    "	if [ -n \"$option\" ] && [ \"$i\" -gt \"$COMP_CWORD\" ]; then\n"
    "		[ \"$cur\" != = ] || cur=''\n"
    "		_childproof_value \"$where\" \"$option\" \"$cur\"\n"
    "		return\n"
    "	fi\n"
    "	case $cur in\n"
    "	-*)\n"
    "		mapfile -t COMPREPLY < <(\n"
    "			compgen -W \"$(_childproof_options \"$where\")\" -- \"$cur\")\n"
    "		case ${COMPREPLY[0]} in\n"
    "		*=) compopt -o nospace ;;\n"
    "		esac\n"
    "		;;\n"
    "	*)\n"
    "		_childproof_operand \"$where\" \"$COMP_CWORD\"\n"
    "		[ \"$COMP_CWORD\" -ne 1 ] || mapfile -t -O ${#COMPREPLY[@]} \\\n"
    "		    COMPREPLY < <(compgen -W \"$(_childproof_names)\" -- \"$cur\")\n"
    "		;;\n"
    "	esac\n"
    "}\n"
    "\n"
    "complete -F _childproof childproof";

static void
put_option(const struct cp_command *c, const struct cp_flag *f)
{
	(void)c;
	printf(" --%s%s", f->name,
	    f->arg != NULL && !cp_complete_shape(f).optional ? "=" : "");
}

static void
put_options(const struct cp_command *c)
{
	printf("\t%s) echo '", c != NULL ? c->name : "''");
	cp_complete_options(c, put_option);
	puts("' ;;");
}

/* "WHERE,--NAME | WHERE,-N"; the launcher's are the same everywhere. */
static void
put_pattern(const struct cp_command *c, const struct cp_flag *f)
{
	const char *where = c != NULL ? c->name : "*";

	printf("\t%s,--%s", where, f->name);
	if (f->letter != 0)
		printf(" | %s,-%c", where, f->letter);
	fputs(") ", stdout);
}

static void
put_value(const struct cp_command *c, const struct cp_flag *f)
{
	struct cp_shape s;

	if (f->arg == NULL)
		return;
	s = cp_complete_shape(f);
	if (s.words[0] == '\0' && !s.file)
		return;
	put_pattern(c, f);
	printf("echo '%s%s' ;;\n", s.words, s.file ? " /" : "");
}

static void
put_needed(const struct cp_command *c, const struct cp_flag *f)
{
	if (f->arg == NULL || cp_complete_shape(f).optional)
		return;
	put_pattern(c, f);
	puts(";;");
}

static void
put_all(void (*each)(const struct cp_command *c, const struct cp_flag *f))
{
	const struct cp_command *const *c = cp_commands;

	for (; *c != NULL; c++)
		cp_complete_own(*c, each);
	cp_complete_own(NULL, each);
}

void
cp_complete_bash(void)
{
	const struct cp_command *const *c;

	puts("# bash completion for childproof; made from its tables\n"
	     "# shellcheck shell=bash\n\n"
	     "_childproof_names() {");
	fputs("\techo '", stdout);
	for (c = cp_commands; *c != NULL; c++)
		printf(" %s", (*c)->name);
	puts("'\n}\n\n# The word, if it is a command of ours.\n"
	     "_childproof_command() {\n"
	     "\tcase \" $(_childproof_names) \" in\n"
	     "\t*\" $1 \"*) echo \"$1\" ;;\n\tesac\n}\n\n"
	     "_childproof_options() {\n\tcase $1 in");
	put_options(NULL);
	for (c = cp_commands; *c != NULL; c++)
		put_options(*c);
	puts("\tesac\n}\n\n# The words for a value; a slash is for files.\n"
	     "_childproof_values() {\n\tcase $1,$2 in");
	put_all(put_value);
	puts("\tesac\n}\n\n# Is the next word its value?\n"
	     "_childproof_needs() {\n\tcase $1,$2 in");
	put_all(put_needed);
	puts("\t*) return 1 ;;\n\tesac\n}\n\n"
	     "# _childproof_operand WHERE INDEX: an operand begins there.\n"
	     "_childproof_operand() {\n\tcase $1 in");
	fputs("\t''", stdout);
	for (c = cp_commands; *c != NULL; c++)
		if ((*c)->command)
			printf(" | %s", (*c)->name);
	puts(") _childproof_program \"$2\" ;;\n"
	     "\t*) compopt -o default ;;\n\tesac\n}\n");
	puts(functions);
}
