/* SPDX-License-Identifier: MIT */
/*
 * What a scan found, with all that is shown of it: gathered at once, since of
 * a process that has ended nothing can be read.  Context: cli.
 */
#ifndef CP_LISTED_H
#define CP_LISTED_H

#include "survey.h"

enum cp_outcome {
	CP_LEFT = 0, /* nothing was to be done */
	CP_ENDED_ITSELF,
	CP_NO_LONGER, /* a second look did not prove it again */
	CP_WOULD_END, /* but for --dry-run */
	CP_ENDED_TERM,
	CP_ENDED_KILL,
	CP_REFUSED, /* the signal could not be sent */
	CP_SURVIVED,
	CP_OUTCOME_END,
};

struct cp_listed {
	pid_t pid;
	pid_t ppid;
	uid_t uid;
	char state;
	uint8_t why; /* enum cp_why */
	pid_t who;
	uint64_t start; /* clock ticks since boot */
	uint64_t age;	/* seconds */
	uint64_t rss;	/* bytes */
	struct {
		uint8_t kind; /* enum cp_kind */
		uint8_t side; /* enum cp_side */
		uint64_t ino;
	} stdio[2];
	char *cmdline; /* arguments as they are, each ended by NUL */
	size_t len;
	bool bare; /* no arguments: CMDLINE is the kernel's name for it */
	int pidfd; /* or -1 */
	enum cp_outcome outcome;
};

struct cp_list {
	struct cp_listed *at;
	size_t n;
	bool complete; /* all processes could be listed */
};

/*
 * Gathers; a process that is gone meanwhile is left out.  Returns 0 with *L
 * to be freed, or -1 with ENOMEM.
 */
int cp_listed_gather(const struct cp_survey *s, struct cp_list *l);
void cp_listed_free(struct cp_list *l);

/* "orphan" or "doubtful"; a word for the outcome. */
const char *cp_listed_verdict(const struct cp_listed *p);
const char *cp_listed_outcome(enum cp_outcome how);

struct cp_sum {
	size_t orphans;
	size_t doubtful;
	size_t left;  /* orphans that are still there, as far as we know */
	uint64_t rss; /* of the orphans */
};

struct cp_sum cp_listed_sum(const struct cp_list *l);

/* The table and a line that sums up; one JSON object (schema below). */
struct cp_shown {
	const struct cp_list *list;
	bool reap;
	bool dry_run;
};

int cp_listed_table(const struct cp_shown *s);
int cp_listed_json(const struct cp_shown *s);

#endif
