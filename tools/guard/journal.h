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

/* Who a process is, as looked up before it was sent what may end it. */
struct cp_whom {
	char name[16]; /* empty: as the ward's, or nobody knows */
	size_t args_len;
	char args[4096]; /* each with its NUL, but maybe the last */
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
	const struct cp_whom *whom; /* that process, or NULL: look now */
	int error;		    /* errno to tell of, or 0 */
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
 * Looks up what this journal will tell of PID, which is W's child or goes with
 * it: of whoever has been sent SIGKILL little can be read.
 */
void cp_journal_whom(struct cp_whom *whom, const struct cp_ward *w, pid_t pid);

/* The arguments of PID as they are now, up to SIZE bytes; returns how many. */
size_t cp_journal_args(pid_t pid, char *buf, size_t size);

/* The name of whom E, which has a ward, is about; its length in *LEN. */
const char *cp_journal_name(const struct cp_entry *e, size_t *len);

/*
 * The entry as an object of JSON without line break, which the caller frees.
 * NULL: no memory.
 */
char *cp_journal_json(const struct cp_entry *e);

/* An entry without host or ward. */
void cp_journal_note(const char *event, const char *reason, int error);

#endif
