/* SPDX-License-Identifier: MIT */
/*
 * The journal, the last stage: one line for each thing done, with its reason.
 * JSON lines in a file (mode 0600), or syslog with command names only, as
 * arguments can hold secrets.  Never the host's standard output or error.
 *
 * A journal that can't be written is silently done without: the guard's work
 * goes on.  Context: guard.
 */
#ifndef CP_JOURNAL_H
#define CP_JOURNAL_H

#include <sys/types.h>

#include <stdint.h>

#include "facts.h"

/* A figure that led to it. */
struct cp_number {
	const char *name;
	double value;
};

struct cp_entry {
	const char *event;  /* "ward", "verdict", "signal", "ended" … */
	const char *reason; /* a sentence, or NULL */
	const char *step;   /* "TERM", "KILL" …, or NULL */
	int sig;	    /* the signal sent, or 0 */
	const struct cp_host *host; /* or NULL */
	const struct cp_ward *ward; /* or NULL */
	pid_t pid; /* the process meant, if not the ward's child */
	uint64_t start;
	int error;	  /* errno to tell of, or 0 */
	const char *name; /* without a ward: the program meant, or NULL */
	const struct cp_number *numbers; /* ended by a NULL name, or NULL */
};

/*
 * WHERE as in the option `journal`: "syslog", "none" or an absolute path.  What
 * can't be written to that file goes to syslog.
 */
void cp_journal_open(const char *where);

/* Opens the file anew, after it was rotated. */
void cp_journal_reopen(void);

void cp_journal(const struct cp_entry *e);

/*
 * The entry as an object of JSON without line break, which the caller frees.
 * NULL: no memory.
 */
char *cp_journal_json(const struct cp_entry *e);

/* An entry without host or ward. */
void cp_journal_note(const char *event, const char *reason, int error);

#endif
