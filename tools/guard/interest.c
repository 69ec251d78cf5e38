/* SPDX-License-Identifier: MIT */
/*
 * Sets of channel ends, and finding things in a census.  Context: guard, cli.
 */
#include <stdlib.h>
#include <string.h>

#include "interest.h"

/* The order of sets and truths: by kind, then inode. */
static int
compare_ends(uint8_t kind_a, uint64_t ino_a, uint8_t kind_b, uint64_t ino_b)
{
	if (kind_a != kind_b)
		return kind_a < kind_b ? -1 : 1;
	return ino_a < ino_b ? -1 : ino_a > ino_b;
}

static int
compare(const void *a, const void *b)
{
	const struct cp_interest *x = a, *y = b;

	return compare_ends(x->kind, x->ino, y->kind, y->ino);
}

struct cp_interest *
cp_interest_sort(const struct cp_interest *set, size_t *n)
{
	struct cp_interest *sorted;
	size_t kept = 0;

	sorted = calloc(*n + 1, sizeof(*sorted));
	if (sorted == NULL)
		return NULL;
	if (*n > 0)
		memcpy(sorted, set, *n * sizeof(*sorted));
	qsort(sorted, *n, sizeof(*sorted), compare);
	for (size_t i = 0; i < *n; i++)
		if (kept == 0 || compare(&sorted[kept - 1], &sorted[i]) != 0)
			sorted[kept++] = sorted[i];
	*n = kept;
	return sorted;
}

bool
cp_interest_has(const struct cp_interest *set, size_t n, uint8_t kind,
    uint64_t ino)
{
	struct cp_interest key = { .kind = kind, .ino = ino };

	return bsearch(&key, set, n, sizeof(*set), compare) != NULL;
}

static int
compare_pid(const void *key, const void *proc)
{
	const pid_t *pid = key;
	const struct cp_proc *p = proc;

	return *pid < p->pid ? -1 : *pid > p->pid;
}

const struct cp_proc *
cp_census_find(const struct cp_census *c, pid_t pid)
{
	return c->n_procs == 0 ?
	    NULL :
	    bsearch(&pid, c->procs, c->n_procs, sizeof(*c->procs), compare_pid);
}

static int
compare_truth(const void *key, const void *truth)
{
	const struct cp_interest *k = key;
	const struct cp_truth *t = truth;

	return compare_ends(k->kind, k->ino, t->kind, t->ino);
}

const struct cp_truth *
cp_census_truth(const struct cp_census *c, enum cp_kind kind, uint64_t ino)
{
	struct cp_interest key = { .kind = (uint8_t)kind, .ino = ino };

	return c->n_truths == 0 ? NULL :
				  bsearch(&key, c->truths, c->n_truths,
				      sizeof(*c->truths), compare_truth);
}

void
cp_census_free(struct cp_census *c)
{
	free(c->procs);
	free(c->ends);
	free(c->truths);
	memset(c, 0, sizeof(*c));
}
