/* SPDX-License-Identifier: MIT */
/*
 * Whether the shim reaches a program: scripts are followed to what runs them,
 * and the ELF file found there is handed to the judge.  Owns nothing.
 * Context: cli.
 */
#include <limits.h>
#include <paths.h>
#include <string.h>

#include "file.h"
#include "path.h"
#include "target.h"

/* Scripts run by scripts; the kernel allows about as many. */
#define CP_SCRIPT_DEPTH 4
/* What the kernel reads of a "#!" line (BINPRM_BUF_SIZE, Linux 5.1). */
#define CP_SCRIPT_LINE 256

/* Takes the next word of TEXT; returns its length, 0 at the end. */
static size_t
next_word(const char **text, const char *end)
{
	const char *p = *text, *word;

	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	for (word = p; p < end && *p != ' ' && *p != '\t';)
		p++;
	*text = word;
	return (size_t)(p - word);
}

static bool
starts(const char *word, size_t len, const char *prefix)
{
	return len >= strlen(prefix) &&
	    memcmp(word, prefix, strlen(prefix)) == 0;
}

static bool
equals(const char *word, size_t len, const char *other)
{
	return len == strlen(other) && memcmp(word, other, len) == 0;
}

/*
 * Skips the options and assignments of env(1) at *ARG, the argument of a "#!"
 * line.  -S may be joined to its text, and -u and -C take a word of their own.
 */
static size_t
env_program(const char **arg, const char *end)
{
	size_t len;

	while ((len = next_word(arg, end)) > 0) {
		if (starts(*arg, len, "-S") && len > 2) {
			*arg += 2;
			continue;
		}
		if (starts(*arg, len, "--split-string=")) {
			*arg += strlen("--split-string=");
			continue;
		}
		if ((*arg)[0] != '-' && memchr(*arg, '=', len) == NULL)
			return len;
		if (equals(*arg, len, "-u") || equals(*arg, len, "-C")) {
			*arg += len;
			len = next_word(arg, end);
		}
		*arg += len;
	}
	return 0;
}

int
cp_target_script(const char *text, size_t len, char *program, size_t size)
{
	const char *end, *word = text + 2, *base;
	size_t n;

	if (!starts(text, len, "#!"))
		return 0;
	if (len > CP_SCRIPT_LINE)
		len = CP_SCRIPT_LINE;
	end = memchr(text, '\n', len);
	if (end == NULL)
		end = text + len;
	n = next_word(&word, end);
	base = memrchr(word, '/', n);
	base = base != NULL ? base + 1 : word;
	if (equals(base, (size_t)(word + n - base), "env")) {
		word += n;
		n = env_program(&word, end);
	}
	if (n == 0 || n >= size || memchr(word, '\0', n) != NULL)
		return -1;
	memcpy(program, word, n);
	program[n] = '\0';
	return 1;
}

static enum cp_reach
judge_file(const struct cp_file *f)
{
	enum cp_reach reach = cp_target_judge(f->base, f->len);

	if (reach == CP_REACH_YES && f->setid)
		return CP_REACH_SETID;
	return reach;
}

/* What runs the file F: 1 with its name in PROGRAM, 0 itself, -1 unusable. */
static int
runner(const struct cp_file *f, enum cp_reach *reach, char program[PATH_MAX])
{
	int script = cp_target_script(f->base, f->len, program, PATH_MAX);

	if (script != 0)
		return script;
	*reach = judge_file(f);
	/* execvp(3) has it run by the shell. */
	if (*reach != CP_REACH_UNKNOWN || starts(f->base, f->len, "\177ELF"))
		return 0;
	strlcpy(program, _PATH_BSHELL, PATH_MAX);
	return 1;
}

enum cp_reach
cp_target_walk(const char *path, cp_target_step *step, void *arg)
{
	enum cp_reach reach = CP_REACH_UNKNOWN;
	char program[PATH_MAX], places[2][PATH_MAX], *found;
	struct cp_file f;
	int script, error;

	for (int depth = 0; depth <= CP_SCRIPT_DEPTH; depth++) {
		if (cp_file_open(path, &f) != 0)
			return CP_REACH_UNKNOWN;
		script = runner(&f, &reach, program);
		cp_file_close(&f);
		if (script <= 0)
			return script < 0 ? CP_REACH_UNKNOWN : reach;
		/* PATH is in the other one. */
		found = places[depth % 2];
		error = cp_path_find(program, found, PATH_MAX);
		if (step != NULL)
			step(arg, path, error == 0 ? found : program, error);
		if (error != 0)
			return CP_REACH_UNKNOWN;
		path = found;
	}
	return CP_REACH_UNKNOWN;
}

enum cp_reach
cp_target_look(const char *path)
{
	return cp_target_walk(path, NULL, NULL);
}

bool
cp_target_preload(enum cp_reach reach)
{
	/* What is static or Go may still have children that are neither. */
	return reach != CP_REACH_MUSL && reach != CP_REACH_FOREIGN &&
	    reach != CP_REACH_ASAN;
}

const char *
cp_target_why(enum cp_reach reach)
{
	switch (reach) {
	case CP_REACH_YES:
		return "the shim reaches it";
	case CP_REACH_STATIC:
		return "statically linked (LD_PRELOAD has no effect)";
	case CP_REACH_GO:
		return "a Go program (spawns by raw system calls)";
	case CP_REACH_MUSL:
		return "linked with musl (the shim is built for another libc)";
	case CP_REACH_FOREIGN:
		return "of another machine or word size (the shim is not)";
	case CP_REACH_ASAN:
		return "linked with AddressSanitizer (which must load first)";
	case CP_REACH_SETID:
		return "set-id or with capabilities (LD_PRELOAD is dropped)";
	case CP_REACH_UNKNOWN:
		break;
	}
	return "not readable or not understood";
}
