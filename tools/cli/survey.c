/* SPDX-License-Identifier: MIT */
/*
 * See survey.h.  The first, cheap pass reads one link a process; most often
 * nobody is suspect then, and that was all.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../shim/common/procfs.h"
#include "../guard/interest.h"
#include "../guard/truth.h"
#include "survey.h"

/* The first pass: processes, and what they have on fd 0. */
struct first {
	struct cp_census census;
	struct cp_index index;
	struct cp_wishes stdins;
	bool *suspect; /* or descends from one */
};

static int
check_proc(void)
{
	char text[32];
	const char *p = text;
	uint64_t pid;
	ssize_t len;

	len = readlink("/proc/self", text, sizeof(text));
	if (len == -1)
		return -1;
	if (cp_procfs_number(&p, text + len, &pid) && (pid_t)pid == getpid())
		return 0;
	errno = EXDEV;
	return -1;
}

/* Everybody's fd 0, as far as it is a channel and may be seen. */
static int
look_at_stdins(struct first *f)
{
	struct cp_census *c = &f->census;
	struct cp_end_id id;

	c->ends = calloc(c->n_procs + 1, sizeof(*c->ends));
	if (c->ends == NULL)
		return -1;
	for (uint32_t i = 0; i < c->n_procs; i++) {
		if (cp_procfs_end(c->procs[i].pid, 0, &id) == -1 ||
		    (id.kind != CP_KIND_PIPE && id.kind != CP_KIND_UNIX))
			continue;
		c->ends[c->n_ends++] = (struct cp_end){ .proc = i,
			.kind = id.kind,
			.access = id.access,
			.ino = id.ino };
		if (cp_wishes_add(&f->stdins, id.kind, id.ino) == -1)
			return -1;
	}
	return 0;
}

/* Replaces the truths of a census of processes, which has none. */
static int
ask_of_stdins(struct first *f)
{
	struct cp_interest *sorted;
	size_t n = f->stdins.n;
	int result;

	sorted = cp_interest_sort(f->stdins.at, &n);
	if (sorted == NULL)
		return -1;
	free(f->census.truths);
	f->census.truths = NULL;
	f->census.n_truths = 0;
	result = cp_truth_fill(&f->census, sorted, n);
	free(sorted);
	return result;
}

static int
suspect(struct first *f)
{
	size_t n = f->census.n_procs;
	uint32_t *tree = calloc(n + 1, sizeof(*tree));
	bool *seen = calloc(n + 1, sizeof(*seen));

	f->suspect = calloc(n + 1, sizeof(*f->suspect));
	for (uint32_t i = 0; tree != NULL && seen != NULL && i < n; i++) {
		size_t size;

		if (f->suspect == NULL || f->suspect[i] ||
		    cp_orphan_side(&f->index, i, 0) != CP_SIDE_CLOSED)
			continue;
		size = cp_orphan_tree(&f->index, i, tree, seen);
		for (size_t k = 0; k < size; k++)
			f->suspect[tree[k]] = true;
	}
	n = tree == NULL || seen == NULL || f->suspect == NULL;
	free(tree);
	free(seen);
	return n == 0 ? 0 : -1;
}

/* The traits of suspects, and the session's age of their parents. */
static int
read_traits(const struct first *f, const char *spare, struct cp_survey *s,
    struct cp_wishes *w)
{
	const struct cp_census *c = &f->census;
	bool *parent = calloc(c->n_procs + 1, sizeof(*parent));
	struct cp_sockets sockets;
	int result = 0;

	s->traits = calloc(c->n_procs + 1, sizeof(*s->traits));
	if (s->traits == NULL || parent == NULL) {
		free(parent);
		return -1;
	}
	/* Without it every UNIX socket counts as one that listens. */
	if (cp_sockets_load(&sockets) == -1)
		memset(&sockets, 0, sizeof(sockets));
	for (size_t i = 0; i < c->n_procs; i++) {
		const struct cp_proc *q = cp_census_find(c, c->procs[i].ppid);

		if (f->suspect[i] && q != NULL)
			parent[q - c->procs] = true;
	}
	for (size_t i = 0; i < c->n_procs && result == 0; i++) {
		struct cp_trait *t = &s->traits[s->n_traits];

		t->pid = c->procs[i].pid;
		t->start = c->procs[i].start;
		if (f->suspect[i])
			result = cp_traits_read(t, &sockets, spare, w);
		else if (parent[i])
			t->autogroup = cp_traits_autogroup(t->pid);
		s->n_traits += f->suspect[i] || parent[i];
	}
	cp_sockets_free(&sockets);
	free(parent);
	return result;
}

/* The second pass, if there is anybody to look at. */
static int
judge(const struct first *f, const char *spare, struct cp_survey *s)
{
	struct cp_wishes w = { 0 };
	struct cp_scene scene;
	int result;

	result = read_traits(f, spare, s, &w);
	if (result == 0)
		result = cp_census_take(w.at, w.n, &s->census);
	free(w.at);
	if (result == -1 || cp_index_build(&s->census, &s->index) == -1)
		return -1;
	s->census.complete = s->census.complete && f->census.complete;
	scene = (struct cp_scene){ .index = &s->index,
		.traits = s->traits,
		.n_traits = s->n_traits,
		.self = getpid() };
	return cp_orphans_judge(&scene, &s->found);
}

int
cp_survey_take(const char *spare, struct cp_survey *s)
{
	struct first f = { 0 };
	int result = -1, saved;

	*s = (struct cp_survey){ 0 };
	if (check_proc() == -1 || cp_census_take(NULL, 0, &f.census) == -1)
		return -1;
	if (look_at_stdins(&f) == 0 && ask_of_stdins(&f) == 0 &&
	    cp_index_build(&f.census, &f.index) == 0 && suspect(&f) == 0)
		result = judge(&f, spare, s);
	saved = errno;
	free(f.suspect);
	free(f.stdins.at);
	cp_index_free(&f.index);
	cp_census_free(&f.census);
	if (result == -1)
		cp_survey_free(s);
	errno = saved;
	return result;
}

void
cp_survey_free(struct cp_survey *s)
{
	free(s->found.at);
	free(s->traits);
	cp_index_free(&s->index);
	cp_census_free(&s->census);
	*s = (struct cp_survey){ 0 };
}

const struct cp_orphan *
cp_survey_find(const struct cp_survey *s, pid_t pid, uint64_t start)
{
	for (size_t i = 0; i < s->found.n; i++) {
		const struct cp_proc *p = cp_survey_proc(s, &s->found.at[i]);

		if (p->pid == pid && p->start == start)
			return &s->found.at[i];
	}
	return NULL;
}
