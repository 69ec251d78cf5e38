/* SPDX-License-Identifier: MIT */
/* What a walk has found; see walk.h.  Memory grows by doubling. */
#include <stdlib.h>
#include <string.h>

#include "walk.h"

/* Room for N entries of WIDTH in *ARRAY, where *SIZE fit. */
static int
grow(void **array, size_t n, size_t *size, size_t width)
{
	size_t new = *size == 0 ? 256 : *size * 2;
	void *p;

	if (n <= *size)
		return 0;
	while (new < n)
		new *= 2;
	p = reallocarray(*array, new, width);
	if (p == NULL)
		return -1;
	*array = p;
	*size = new;
	return 0;
}

static int
room_for_procs(struct cp_walk *w, size_t more)
{
	void *procs = w->found.procs;
	int result = grow(&procs, w->found.n_procs + more, &w->procs_size,
	    sizeof(struct cp_proc));

	w->found.procs = procs;
	return result;
}

static int
room_for_ends(struct cp_walk *w, size_t more)
{
	void *ends = w->found.ends;
	int result = grow(&ends, w->found.n_ends + more, &w->ends_size,
	    sizeof(struct cp_end));

	w->found.ends = ends;
	return result;
}

struct cp_proc *
cp_walk_add(struct cp_walk *w)
{
	struct cp_proc *p;

	if (room_for_procs(w, 1) == -1)
		return NULL;
	p = &w->found.procs[w->found.n_procs++];
	memset(p, 0, sizeof(*p));
	return p;
}

int
cp_walk_add_end(struct cp_walk *w, int fd, const struct cp_end_id *id,
    uint32_t dev)
{
	struct cp_census *c = &w->found;

	if (room_for_ends(w, 1) == -1)
		return -1;
	c->ends[c->n_ends++] = (struct cp_end){
		.proc = (uint32_t)(c->n_procs - 1),
		.fd = fd,
		.kind = id->kind,
		.access = id->access,
		.deleted = id->deleted,
		.dev = dev,
		.birth = id->kind == CP_KIND_PTY ? id->birth : 0,
		.ino = id->ino,
	};
	return 0;
}

int
cp_walk_take(struct cp_walk *w, struct cp_walk *from)
{
	struct cp_census *to = &w->found, *c = &from->found;

	if (room_for_procs(w, c->n_procs) == -1 ||
	    room_for_ends(w, c->n_ends) == -1)
		return -1;
	for (size_t i = 0; i < c->n_ends; i++) {
		to->ends[to->n_ends] = c->ends[i];
		to->ends[to->n_ends++].proc += (uint32_t)to->n_procs;
	}
	for (size_t i = 0; i < c->n_procs; i++)
		to->procs[to->n_procs++] = c->procs[i];
	to->n_faded += c->n_faded;
	to->complete = to->complete && c->complete;
	w->failed = w->failed || from->failed;
	c->n_procs = c->n_ends = c->n_faded = 0;
	return 0;
}
