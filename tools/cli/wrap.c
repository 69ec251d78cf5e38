/* SPDX-License-Identifier: MIT */
/*
 * childproof wrap: prints a script that stands in PATH before a command and
 * runs it guarded.  The script looks for the command each time, since what is
 * first in PATH may be installed, or moved, later.  It never calls itself or
 * another of its kind, for it passes over whatever has the mark of a wrapper:
 * neither names nor inodes would tell a copy.  Owns nothing.  Context: cli.
 */
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "path.h"
#include "run.h"
#include "usage.h"

/* The first two lines of every wrapper. */
#define CP_WRAP_SHELL "#!/bin/sh"
#define CP_WRAP_MARK  "# childproof wrapper (keep this line: it stops loops)"

/* Options given for the script, as they were written. */
struct baked {
	const char *key[64];
	const char *value[64]; /* NULL: none */
	size_t n;
};

struct wrap {
	struct baked options;
	const char *command;
	char program[PATH_MAX]; /* ourselves */
	char path[PATH_MAX];	/* what COMMAND is today, absolute */
};

static int cmd_wrap(int argc, char *argv[]);

const struct cp_command cp_command_wrap = {
	.name = "wrap",
	.about = "print a script that runs COMMAND guarded, for PATH",
	.operands = "COMMAND",
	.options = true,
	.command = true,
	.run = cmd_wrap,
};

/* Prints TEXT as one word of the shell's. */
static void
put_quoted(const char *text)
{
	putchar('\'');
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*text);
	}
	putchar('\'');
}

static void
put_options(const struct baked *b)
{
	for (size_t i = 0; i < b->n; i++) {
		printf(" --%s", b->key[i]);
		if (b->value[i] == NULL)
			continue;
		putchar('=');
		put_quoted(b->value[i]);
	}
}

/* Is PATH a script of ours? */
static bool
is_wrapper(const char *path)
{
	static const char head[] = CP_WRAP_SHELL "\n" CP_WRAP_MARK "\n";
	char text[sizeof(head)];
	FILE *f = fopen(path, "re");
	size_t n;

	if (f == NULL)
		return false;
	n = fread(text, 1, sizeof(head) - 1, f);
	(void)fclose(f);
	return n == sizeof(head) - 1 && memcmp(text, head, n) == 0;
}

/*
 * A command is what is no wrapper, nor the file that the shell has emptied
 * and given us as stdout, and which may be an old wrapper.
 */
static bool
is_command(const char *path)
{
	struct stat st, out;

	if (stat(path, &st) == 0 && fstat(STDOUT_FILENO, &out) == 0 &&
	    st.st_dev == out.st_dev && st.st_ino == out.st_ino)
		return false;
	return !is_wrapper(path);
}

/* The part of the script that is always the same. */
static const char functions[] = CP_WRAP_SHELL
    "\n" CP_WRAP_MARK "\n"
    "#\n"
    "# Runs the command of the name below guarded by childproof; if that is\n"
    "# not there, just runs it.  Sets no variable but in a subshell, since\n"
    "# one of that name may be in the environment, which is the command's.\n"
    "\n"
    "# is_command FILE: can it be run, and is it no wrapper?\n"
    "is_command() {\n"
    "	[ -f \"$1\" ] && [ -x \"$1\" ] && [ \"$1\" != \"$0\" ] || return 1\n"
    "	[ -r \"$1\" ] || return 0\n"
    "	{\n"
    "		IFS= read -r line || return 0\n"
    "		[ \"$line\" = '" CP_WRAP_SHELL "' ] || return 0\n"
    "		IFS= read -r line || return 0\n"
    "		[ \"$line\" != '" CP_WRAP_MARK "' ]\n"
    "	} <\"$1\"\n"
    "}\n"
    "\n"
    "# in_path NAME: prints the directory of the command.\n"
    "in_path() {\n"
    "	rest=${PATH-}:\n"
    "	while [ -n \"$rest\" ]; do\n"
    "		dir=${rest%%:*}\n"
    "		rest=${rest#*:}\n"
    "		case $dir in\n"
    "		/*) ;;\n"
    "		*) dir=./$dir ;;\n"
    "		esac\n"
    "		if is_command \"$dir/$1\"; then\n"
    "			printf '%s\\n' \"$dir\"\n"
    "			return\n"
    "		fi\n"
    "	done\n"
    "	return 1\n"
    "}\n"
    "\n"
    "# at DIRECTORY NAME: is it there?\n"
    "at() {\n"
    "	is_command \"$1/$2\" && printf '%s\\n' \"$1\"\n"
    "}\n"
    "\n"
    "none() {\n"
    "	printf 'childproof: %s: not found behind its wrapper (%s)\\n' \\\n"
    "	    \"$1\" 'check PATH' >&2\n"
    "	exit 127\n"
    "}\n";

/* Where to look: in PATH and then where it is today, or only there. */
static void
put_search(const struct wrap *w, const char *name)
{
	char dir[PATH_MAX];

	/* A directory "/" leaves nothing, which would be the working one. */
	strlcpy(dir, w->path, sizeof(dir));
	*strrchr(dir, '/') = '\0';
	if (dir[0] == '\0')
		strlcpy(dir, "/", sizeof(dir));
	fputs("\nset -- \"$(", stdout);
	if (strchr(w->command, '/') == NULL) {
		fputs("in_path ", stdout);
		put_quoted(name);
		fputs(" || ", stdout);
	}
	fputs("at ", stdout);
	put_quoted(dir);
	putchar(' ');
	put_quoted(name);
	fputs(")\"/", stdout);
	put_quoted(name);
	fputs(" \"$@\"\n[ \"$1\" != /", stdout);
	put_quoted(name);
	fputs(" ] || none ", stdout);
	put_quoted(name);
	putchar('\n');
}

/* Guarded if we are still there. */
static void
put_start(const struct wrap *w)
{
	fputs("if [ -f ", stdout);
	put_quoted(w->program);
	fputs(" ] && [ -x ", stdout);
	put_quoted(w->program);
	fputs(" ]; then\n\texec ", stdout);
	put_quoted(w->program);
	put_options(&w->options);
	puts(" -- \"$@\"\nfi\nexec \"$@\"");
}

static int
put_script(const struct wrap *w)
{
	const char *name = strrchr(w->command, '/');

	fputs(functions, stdout);
	put_search(w, name != NULL ? name + 1 : w->command);
	put_start(w);
	return cp_usage_finish();
}

static void
read_options(struct baked *b, int argc, char *argv[])
{
	const struct cp_command *c = &cp_command_wrap;
	struct cp_options o;
	const char *why;
	int i;

	cp_options_init(&o);
	while ((i = cp_usage_next(c, argc, argv)) != -1) {
		i -= CP_USAGE_OPTION;
		cp_usage_set(c, &o, i, optarg);
		if (b->n == sizeof(b->key) / sizeof(b->key[0]))
			cp_usage_die(c, "options: too many (give each once)");
		b->key[b->n] = cp_option_table[i].key;
		b->value[b->n++] = optarg;
	}
	why = cp_options_check(&o);
	if (why != NULL)
		cp_usage_die(c, "options: %s", why);
}

/* The path of the command today, absolute, its links left as they are. */
static int
find(struct wrap *w)
{
	char found[PATH_MAX], cwd[PATH_MAX];
	int error = cp_path_find_if(w->command, is_command, found,
	    sizeof(found));

	if (error != 0)
		return error;
	if (found[0] == '/')
		cwd[0] = '\0';
	else if (getcwd(cwd, sizeof(cwd)) == NULL)
		return errno;
	if ((size_t)snprintf(w->path, sizeof(w->path), "%s%s%s", cwd,
		cwd[0] != '\0' ? "/" : "", found) >= sizeof(w->path))
		return ENAMETOOLONG;
	return 0;
}

static int
cmd_wrap(int argc, char *argv[])
{
	const struct cp_command *c = &cp_command_wrap;
	struct wrap w = { 0 };
	int error;

	read_options(&w.options, argc, argv);
	if (optind >= argc)
		cp_usage_die(c, "COMMAND: missing (say what to wrap)");
	if (optind + 1 < argc)
		cp_usage_die(c,
		    "%s: only COMMAND is expected (the wrapper passes "
		    "its own arguments on)",
		    argv[optind + 1]);
	w.command = argv[optind];
	error = find(&w);
	if (error != 0)
		return cp_path_cannot(w.command, error);
	if (realpath("/proc/self/exe", w.program) == NULL) {
		warn("wrap: /proc/self/exe");
		return CP_EXIT_FAILED;
	}
	return put_script(&w);
}
