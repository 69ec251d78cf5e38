/* SPDX-License-Identifier: MIT */
/* See rebuild.h. */
#include <stdlib.h>
#include <string.h>

#include "rebuild.h"

/* The judge asks for wards by PID, through a function without an argument. */
static const struct cp_ward *known;
static size_t n_known;

static const struct cp_ward *
find_ward(pid_t pid)
{
	for (size_t i = 0; i < n_known; i++)
		if (known[i].pid == pid)
			return &known[i];
	return NULL;
}

static void
rebuild_host(const struct cp_snap_host *s, struct cp_host *h)
{
	h->pid = s->pid;
	h->used = true;
	h->dead = s->dead;
	h->leaving = s->leaving;
	h->census = s->census;
	h->leaky = s->leaky;
	h->sid = s->sid;
	h->start = s->start;
	h->image = s->image;
	h->exe = s->exe;
	h->gone_ms = s->gone_ms;
	h->pidfd = -1;
	memcpy(h->comm, s->comm, sizeof(h->comm));
	LIST_INIT(&h->wards);
}

static void
rebuild_ward(const struct cp_snap_ward *s, struct cp_host *h, struct cp_ward *w)
{
	w->pid = s->pid;
	w->used = true;
	w->dead = s->dead;
	w->duplex = s->duplex;
	w->leader = s->leader;
	w->looked = true;
	w->spare = s->spare;
	w->handed = s->handed;
	w->retired = s->retired;
	w->any = s->any;
	w->linked = s->linked;
	w->step = s->step;
	w->rule = s->rule;
	w->uid = s->uid;
	w->thread = s->thread;
	w->start = s->start;
	w->image = s->image;
	w->key = s->key;
	w->born_ms = s->born_ms;
	w->next_ms = s->next_ms;
	w->shut_ms = s->shut_ms;
	w->died_ms = s->died_ms;
	w->unwaited_ms = s->unwaited_ms;
	w->channel[0] = s->channel[0];
	w->channel[1] = s->channel[1];
	w->host = h;
	w->pidfd = w->wd[0] = w->wd[1] = -1;
	memcpy(w->name, s->name, sizeof(w->name));
	SLIST_INIT(&w->members);
}

int
cp_rebuild(const struct cp_facts *f, struct cp_rebuilt *r)
{
	const struct cp_snap_head *h = f->head;

	r->hosts = calloc(h->n_hosts + 1, sizeof(*r->hosts));
	r->wards = calloc(h->n_wards + 1, sizeof(*r->wards));
	r->members = calloc(h->n_members + 1, sizeof(*r->members));
	if (r->hosts == NULL || r->wards == NULL || r->members == NULL) {
		cp_rebuilt_free(r);
		return -1;
	}
	for (uint32_t i = 0; i < h->n_hosts; i++)
		rebuild_host(&f->hosts[i], &r->hosts[i]);
	for (uint32_t i = 0; i < h->n_wards; i++)
		rebuild_ward(&f->wards[i], &r->hosts[f->wards[i].host],
		    &r->wards[i]);
	for (uint32_t i = 0; i < h->n_members; i++) {
		const struct cp_snap_member *s = &f->members[i];
		struct cp_member *m = &r->members[i];

		*m = (struct cp_member){ .pid = s->pid,
			.pidfd = -1,
			.start = s->start };
		SLIST_INSERT_HEAD(&r->wards[s->ward].members, m, link);
	}
	return 0;
}

void
cp_rebuilt_free(struct cp_rebuilt *r)
{
	free(r->hosts);
	free(r->wards);
	free(r->members);
	*r = (struct cp_rebuilt){ 0 };
}

int
cp_rebuilt_judge(const struct cp_facts *f, const struct cp_rebuilt *r,
    uint32_t i, const struct cp_census *census, struct cp_finding *found)
{
	struct cp_index index;
	const struct cp_case c = { .options = &f->head->options,
		.index = &index,
		.ward = &r->wards[i],
		.find_ward = find_ward,
		.now_ms = f->head->now_ms };

	if (cp_index_build(census, &index) != 0)
		return -1;
	known = r->wards;
	n_known = f->head->n_wards;
	*found = cp_judge(&c);
	known = NULL;
	n_known = 0;
	cp_index_free(&index);
	return 0;
}
