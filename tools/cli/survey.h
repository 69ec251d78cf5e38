/* SPDX-License-Identifier: MIT */
/*
 * One look at all processes for orphans: who has nobody at the other end of
 * its standard input, what is to be known of those and of what descends from
 * them, a census of their channels, and the verdicts.  Context: cli.
 */
#ifndef CP_SURVEY_H
#define CP_SURVEY_H

#include "orphan.h"

struct cp_survey {
	struct cp_census census;
	struct cp_index index;
	struct cp_trait *traits;
	size_t n_traits;
	struct cp_orphans found;
};

/*
 * Takes it; SPARE as in the option.  Returns 0 with *S to be freed, or -1 with
 * errno and *S empty.  EXDEV: /proc is of another PID namespace than ours, so
 * that no number in it is to be trusted.
 */
int cp_survey_take(const char *spare, struct cp_survey *s);
void cp_survey_free(struct cp_survey *s);

/* The process that finding F is about. */
static inline const struct cp_proc *
cp_survey_proc(const struct cp_survey *s, const struct cp_orphan *f)
{
	return &s->census.procs[f->proc];
}

/* The finding about the process PID that was born at START, or NULL. */
const struct cp_orphan *cp_survey_find(const struct cp_survey *s, pid_t pid,
    uint64_t start);

#endif
