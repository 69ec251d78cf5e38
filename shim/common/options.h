/* SPDX-License-Identifier: MIT */
/*
 * The option table: one list of keys serves `--key=value` of the launcher,
 * CHILDPROOF_OPTIONS ("key=value:key=value", the sanitizers' syntax) and
 * help=1.  No allocation, no locks, no stdio: compiled into the shim too.
 * Context of every function: any.
 */
#ifndef CP_OPTIONS_H
#define CP_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CP_TEXT_MAX 511

enum cp_children {
	CP_CHILDREN_STDIO = 0,
	CP_CHILDREN_ALL,
};

enum cp_pdeathsig {
	CP_PDEATHSIG_AUTO = 0, /* when the guard can't be told of the ward */
	CP_PDEATHSIG_ALWAYS,
	CP_PDEATHSIG_OFF,
};

struct cp_options {
	uint32_t grace_ms;	/* default 15000 */
	uint32_t exit_grace_ms; /* default 2000 */
	uint32_t term_ms;	/* default 3000 */
	uint32_t keep;		/* 0: off */
	uint32_t idle_ms;	/* 0: off */
	uint32_t limit;		/* 0: off */
	uint8_t children;	/* enum cp_children */
	uint8_t pdeathsig;	/* enum cp_pdeathsig */
	bool inherit;		/* default yes */
	bool inject;
	bool dry_run;
	bool help;
	bool verbose;
	char spare[CP_TEXT_MAX + 1];   /* comma separated globs */
	char journal[CP_TEXT_MAX + 1]; /* "syslog", "none" or a path */
};

/* One row of the table, for help=1, the manual's check and completions. */
struct cp_option {
	const char *key;
	const char *value;   /* shape of the value: "DURATION", "yes|no" … */
	const char *initial; /* default, as one would write it; "" for off */
	const char *help;    /* one line */
};

/* The table, ended by a row whose key is NULL. */
extern const struct cp_option cp_option_table[];

/* Sets every option to its default. */
void cp_options_init(struct cp_options *o);

/*
 * Sets one option from KEY (KEYLEN bytes) and VALUE (VALUELEN bytes; VALUE
 * may be NULL, which means yes).  Returns NULL, or a static text of the form
 * "why (what to do)" with *O untouched.
 */
const char *cp_options_set(struct cp_options *o, const char *key, size_t keylen,
    const char *value, size_t valuelen);

/*
 * Applies TEXT ("key=value:key=value"; ' and " quote as in the shell, so that
 * a value can hold a colon).  Goes on after an error: the rest still counts.
 * Returns NULL, or the text of the first error, with *BAD and *BADLEN naming
 * the offending key=value inside TEXT.
 */
const char *cp_options_parse(struct cp_options *o, const char *text,
    const char **bad, size_t *badlen);

/*
 * Checks what only the whole can tell ("keep needs idle").  Returns NULL or a
 * static text.
 */
const char *cp_options_check(const struct cp_options *o);

#endif
