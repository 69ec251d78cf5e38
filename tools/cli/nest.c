/* SPDX-License-Identifier: MIT */
/* Which children are hosts themselves; see view.h. */
#include <stdlib.h>

#include "view.h"

/* A host and where it is. */
struct place {
	pid_t pid;
	uint64_t start;
	size_t at;
};

static int
by_process(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->start < y->start ? -1 : x->start > y->start;
}

/* A host has one place in the tree, and never below itself. */
static void
place_ward(struct cp_view *v, struct cp_seen_ward *s,
    const struct place *places)
{
	const struct place key = { .pid = s->w->pid, .start = s->w->start };
	const struct place *p = bsearch(&key, places, v->n_hosts,
	    sizeof(*places), by_process);

	if (p == NULL || v->hosts[p->at].nested || p->at == s->host)
		return;
	v->hosts[p->at].nested = true;
	s->guest = p->at;
}

int
cp_view_nest(struct cp_view *v)
{
	struct place *places = calloc(v->n_hosts + 1, sizeof(*places));

	if (places == NULL)
		return -1;
	for (size_t i = 0; i < v->n_hosts; i++)
		places[i] = (struct place){ .pid = v->hosts[i].h->pid,
			.start = v->hosts[i].h->start,
			.at = i };
	qsort(places, v->n_hosts, sizeof(*places), by_process);
	for (size_t i = 0; i < v->n_wards; i++)
		place_ward(v, &v->wards[i], places);
	free(places);
	return 0;
}
