/* SPDX-License-Identifier: MIT */
/* Orderings over a census.  No system calls.  Context: guard, cli. */
#include <errno.h>
#include <stdlib.h>

#include "index.h"

static int
by_end(const void *a, const void *b, void *arg)
{
	const struct cp_census *c = arg;
	const struct cp_end *x = &c->ends[*(const uint32_t *)a];
	const struct cp_end *y = &c->ends[*(const uint32_t *)b];

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return (x->ino > y->ino) - (x->ino < y->ino);
}

static int
by_ppid(const void *a, const void *b, void *arg)
{
	const struct cp_census *c = arg;
	pid_t x = c->procs[*(const uint32_t *)a].ppid;
	pid_t y = c->procs[*(const uint32_t *)b].ppid;

	return (x > y) - (x < y);
}

static uint32_t *
ordered(const struct cp_census *c, size_t n,
    int (*cmp)(const void *, const void *, void *))
{
	uint32_t *v = calloc(n + 1, sizeof(*v));

	if (v == NULL)
		return NULL;
	for (size_t i = 0; i < n; i++)
		v[i] = (uint32_t)i;
	qsort_r(v, n, sizeof(*v), cmp, (void *)(uintptr_t)c);
	return v;
}

int
cp_index_build(const struct cp_census *census, struct cp_index *x)
{
	x->census = census;
	x->ends = ordered(census, census->n_ends, by_end);
	x->parents = ordered(census, census->n_procs, by_ppid);
	if (x->ends != NULL && x->parents != NULL)
		return 0;
	cp_index_free(x);
	errno = ENOMEM;
	return -1;
}

void
cp_index_free(struct cp_index *x)
{
	free(x->ends);
	free(x->parents);
	x->ends = x->parents = NULL;
	x->census = NULL;
}

/* How the element at index I compares with the key. */
typedef int compare(const struct cp_census *c, uint32_t i, const void *key);

static struct cp_run
run_of(const struct cp_census *c, const uint32_t *v, size_t n, compare *cmp,
    const void *key)
{
	size_t lo = 0, hi = n, end;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (cmp(c, v[mid], key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (end = lo; end < n && cmp(c, v[end], key) == 0; end++)
		continue;
	return (struct cp_run){ v + lo, end - lo };
}

static int
end_is(const struct cp_census *c, uint32_t i, const void *key)
{
	const struct cp_end *e = &c->ends[i];
	const struct cp_interest *k = key;

	if (e->kind != k->kind)
		return e->kind < k->kind ? -1 : 1;
	return (e->ino > k->ino) - (e->ino < k->ino);
}

static int
ppid_is(const struct cp_census *c, uint32_t i, const void *key)
{
	pid_t x = c->procs[i].ppid, y = *(const pid_t *)key;

	return (x > y) - (x < y);
}

struct cp_run
cp_index_ends(const struct cp_index *x, enum cp_kind kind, uint64_t ino)
{
	struct cp_interest key = { (uint8_t)kind, ino };

	return run_of(x->census, x->ends, x->census->n_ends, end_is, &key);
}

struct cp_run
cp_index_children(const struct cp_index *x, pid_t ppid)
{
	return run_of(x->census, x->parents, x->census->n_procs, ppid_is,
	    &ppid);
}
