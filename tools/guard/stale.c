/* SPDX-License-Identifier: MIT */
/* See stale.h. */
#include <stdlib.h>

#include "stale.h"

static int
compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int
by_group(const void *a, const void *b)
{
	const struct cp_candidate *x = a, *y = b;

	return x->host != y->host ? compare(x->host, y->host) :
				    compare(x->key, y->key);
}

/* The older first. */
static int
by_rank(const struct cp_candidate *x, const struct cp_candidate *y)
{
	return x->rank_ms != y->rank_ms ? compare(x->rank_ms, y->rank_ms) :
					  compare(x->serial, y->serial);
}

/* The longest idle first, of equals the older. */
static int
by_idleness(const void *a, const void *b)
{
	const struct cp_candidate *x = a, *y = b;

	return x->idle_ms != y->idle_ms ? compare(y->idle_ms, x->idle_ms) :
					  by_rank(x, y);
}

void
cp_stale_sort(struct cp_candidate *v, size_t n)
{
	if (n > 0)
		qsort(v, n, sizeof(*v), by_group);
}

size_t
cp_stale_group(const struct cp_candidate *v, size_t n)
{
	size_t i = 0;

	while (i < n && by_group(&v[0], &v[i]) == 0)
		i++;
	return i;
}

size_t
cp_stale_choose(struct cp_candidate *v, size_t n, uint32_t keep,
    uint64_t idle_ms)
{
	size_t surplus = n > keep ? n - keep : 0, chosen = 0;
	uint32_t newest;

	if (surplus == 0)
		return 0;
	qsort(v, n, sizeof(*v), by_idleness);
	newest = 0;
	for (uint32_t i = 1; i < n; i++)
		if (by_rank(&v[i], &v[newest]) > 0)
			newest = i;
	for (size_t i = 0; i < n && chosen < surplus; i++) {
		v[i].retire = i != newest && v[i].eligible &&
		    v[i].idle_ms >= idle_ms;
		if (v[i].retire)
			chosen++;
	}
	return chosen;
}
