/* SPDX-License-Identifier: MIT */
/*
 * The lives of the wards, as a journal tells them: who lived from when to
 * when, what the guard had to say on the way, and how it ended.
 *
 * A journal may begin in the middle (it was rotated), stop in the middle of a
 * line (it is being written), hold the lines of several guards, and events
 * that a later version writes.  What is no line of a journal is counted and
 * left out.  Out of memory ends the program.  Context: cli.
 */
#ifndef CP_LIFELINE_H
#define CP_LIFELINE_H

#include <sys/types.h>

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <uthash.h>

enum cp_fate {
	CP_FATE_LIVE,	 /* the journal knows of no end */
	CP_FATE_SELF,	 /* ended by itself, or by its host */
	CP_FATE_EOF,	 /* ended in the grace after a verdict */
	CP_FATE_TERM,	 /* ended after our SIGTERM */
	CP_FATE_KILL,	 /* ended after our SIGKILL */
	CP_FATE_SPARED,	 /* no longer watched: it may live on */
	CP_FATE_GAVE_UP, /* did not die of SIGKILL */
	CP_FATE_DRY_RUN, /* would have been signalled */
	CP_FATE_COUNT,
};

struct cp_id {
	int64_t pid;
	int64_t start; /* clock ticks since boot */
};

struct cp_teller { /* a host */
	struct cp_id id;
	size_t index;
	json_t *comm;
	UT_hash_handle hh;
};

struct cp_life {
	struct cp_id id;
	enum cp_fate fate;
	double born, last; /* seconds since the epoch; its end, or last news */
	struct cp_teller *host; /* the latest; NULL: never told */
	json_t *name, *argv, *channel;
	json_t *events; /* {t, e[, s, r, p, x]}; see report.js */
	size_t unkept;	/* more events than are kept */
	UT_hash_handle hh;
};

struct cp_lifelines {
	struct cp_life **lives; /* in the order in which they were heard of */
	size_t n_lives;
	struct cp_life *by_id;	 /* hash; the newest bearer of an ID */
	struct cp_teller *hosts; /* hash, in the order of their indexes */
	json_t *notes;		 /* events without a ward */
	double from, to;	 /* from > to: nothing yet */
	size_t lines, strange;	 /* of all lines: no line of a journal */
};

void cp_lifelines_init(struct cp_lifelines *l);
void cp_lifelines_free(struct cp_lifelines *l);

/* Takes one line, without its end.  Returns whether it was of a journal. */
bool cp_lifelines_line(struct cp_lifelines *l, const char *line, size_t len);

/* Takes all lines of FROM.  Returns 0, or -1 with errno. */
int cp_lifelines_read(struct cp_lifelines *l, FILE *from);

/* "live", "self", "eof" …, as the page and the trace say it. */
const char *cp_fate_name(enum cp_fate fate);

/* The same in words, for people. */
const char *cp_fate_text(enum cp_fate fate);

/* The command line, words with blanks quoted; to be freed. */
char *cp_life_command(const struct cp_life *life);

#endif
