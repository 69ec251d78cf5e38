/* SPDX-License-Identifier: MIT */
/*
 * See look.h: the second half, children that never registered.  Context: guard.
 */
#include <string.h>

#include "../../shim/common/procfs.h"
#include "children.h"
#include "enroll.h"
#include "look.h"

/* The host's end, if it has one, of what is the child's end E. */
static bool
channel_to_host(const struct cp_census *c, const struct cp_end *e,
    uint32_t host, struct cp_channel *ch)
{
	uint64_t want = e->ino;
	const struct cp_truth *t;

	if (e->kind == CP_KIND_UNIX) {
		t = cp_census_truth(c, CP_KIND_UNIX, e->ino);
		if (t == NULL || t->peer_ino == 0)
			return false;
		want = t->peer_ino;
	}
	*ch = (struct cp_channel){ .kind = e->kind,
		.access = e->access,
		.kept = CP_KEPT_YES,
		.child = e->ino,
		.host = e->kind == CP_KIND_PTY ? e->birth : want };
	for (size_t i = 0; i < c->n_ends; i++) {
		const struct cp_end *o = &c->ends[i];
		struct cp_end_id id = { .kind = o->kind,
			.access = o->access,
			.ino = o->ino };

		if (o->proc == host && cp_procfs_is_host_end(ch, &id)) {
			ch->host_fd = o->fd;
			return true;
		}
	}
	return false;
}

/* Is P a child of H that has exec'd? */
static bool
is_child(const struct cp_census *c, const struct cp_proc *p,
    const struct cp_host *h)
{
	const struct cp_proc *hp = cp_census_find(c, h->pid);

	return hp != NULL && hp->start == h->start && p->ppid == h->pid &&
	    p->state != 'Z' && p->image != 0 && p->image != hp->image;
}

bool
cp_look_channels(const struct cp_census *c, const struct cp_proc *p,
    const struct cp_host *h, struct cp_channel channel[2])
{
	const struct cp_proc *hp = cp_census_find(c, h->pid);
	uint32_t index = (uint32_t)(p - c->procs);
	bool any = false;

	memset(channel, 0, 2 * sizeof(channel[0]));
	if (!is_child(c, p, h))
		return false;
	for (size_t i = 0; i < c->n_ends; i++) {
		const struct cp_end *e = &c->ends[i];
		struct cp_channel ch;

		if (e->proc != index || e->fd > 1 || e->fd < 0 ||
		    e->kind == CP_KIND_PTMX)
			continue;
		if (channel_to_host(c, e, (uint32_t)(hp - c->procs), &ch)) {
			channel[e->fd] = ch;
			any = true;
		}
	}
	return any;
}

/* Is fd 0 or 1 of the child something other than the host's own stdio? */
static bool
has_foreign_stdio(pid_t pid, const struct cp_end_id own[3])
{
	for (int fd = 0; fd < 2; fd++) {
		struct cp_end_id e;
		bool same = false;

		if (cp_procfs_end(pid, fd, &e) != 0 || e.kind == CP_KIND_NONE)
			continue;
		for (int i = 0; i < 3; i++)
			same = same ||
			    (own[i].kind == e.kind && own[i].ino == e.ino);
		if (!same)
			return true;
	}
	return false;
}

/* Is there a child that we don't know and that may be a ward? */
static bool
has_strangers(const struct cp_host *h, bool all)
{
	struct cp_end_id own[3] = { 0 };
	static pid_t list[CP_WARDS_MAX]; /* untouched pages cost nothing */
	int n = cp_children(h->pid, list, CP_WARDS_MAX);

	for (int i = 0; i < 3; i++)
		if (cp_procfs_end(h->pid, i, &own[i]) != 0)
			own[i].kind = CP_KIND_NONE;
	for (int i = 0; i < n; i++) {
		const struct cp_ward *w = cp_facts_find_ward(list[i]);
		struct cp_stat st;

		if (cp_procfs_stat(list[i], &st) != 0 ||
		    (w != NULL && w->start == st.start))
			continue;
		if (all ? st.state != 'Z' && st.image != 0 &&
			    st.image != h->image :
			  has_foreign_stdio(list[i], own))
			return true;
	}
	return n < 0; /* this kernel has no list of children */
}

int
cp_look_for_children(struct cp_host *h, bool all, uint64_t now_ms)
{
	struct cp_census c;
	int found = 0;

	if (!has_strangers(h, all) || cp_census_of_host(h->pid, &c) != 0)
		return 0;
	for (size_t i = 0; i < c.n_procs; i++) {
		const struct cp_proc *p = &c.procs[i];
		const struct cp_ward *w = cp_facts_find_ward(p->pid);
		struct cp_channel channel[2];

		if (w != NULL && w->start == p->start)
			continue;
		if ((cp_look_channels(&c, p, h, channel) ||
			(all && is_child(&c, p, h))) &&
		    cp_enroll_found(h, p->pid, p->start, channel, now_ms) !=
			NULL)
			found++;
	}
	cp_census_free(&c);
	return found;
}
