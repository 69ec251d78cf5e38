/* SPDX-License-Identifier: MIT */
/* See baseline.h. */
#include <stdlib.h>
#include <string.h>

#include "baseline.h"

static int
by_pid(const void *a, const void *b)
{
	const struct cp_sample *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

static bool
is_same(const struct cp_sample *a, const struct cp_sample *b)
{
	return a->pid == b->pid && a->start == b->start &&
	    a->usage.cpu == b->usage.cpu && a->usage.bytes == b->usage.bytes &&
	    !b->usage.busy;
}

static bool
keep(struct cp_baseline *b, const struct cp_sample *v, size_t n)
{
	if (n > b->room) {
		struct cp_sample *more = reallocarray(b->v, n, sizeof(*v));

		if (more == NULL)
			return false;
		b->v = more;
		b->room = n;
	}
	if (n > 0)
		memcpy(b->v, v, n * sizeof(*v));
	b->n = n;
	return true;
}

bool
cp_baseline_feed(struct cp_baseline *b, struct cp_sample *v, size_t n,
    uint64_t now_ms)
{
	bool same = b->since_ms != 0 && n == b->n && n > 0;

	if (n > 0)
		qsort(v, n, sizeof(*v), by_pid);
	for (size_t i = 0; same && i < n; i++)
		same = is_same(&b->v[i], &v[i]);
	if (same)
		return true;
	b->since_ms = keep(b, v, n) ? now_ms : 0;
	return false;
}

void
cp_baseline_void(struct cp_baseline *b)
{
	b->n = 0;
	b->since_ms = 0;
}

void
cp_baseline_free(struct cp_baseline *b)
{
	free(b->v);
	memset(b, 0, sizeof(*b));
}

struct cp_usage
cp_baseline_sum(const struct cp_baseline *b)
{
	struct cp_usage sum = { 0 };

	for (size_t i = 0; i < b->n; i++) {
		sum.cpu += b->v[i].usage.cpu;
		sum.bytes += b->v[i].usage.bytes;
	}
	return sum;
}
