/* SPDX-License-Identifier: MIT */
/* Whom a PID names; see view.h.  A number may be another's by now. */
#include "../../shim/common/procfs.h"
#include "view.h"

/* Does PID still mean the process that began at START, or nobody? */
static bool
is_still(const struct cp_view *v, pid_t pid, uint64_t start)
{
	struct cp_stat st;

	return cp_procs_find(&v->procs, pid, start) != NULL ||
	    cp_procfs_stat(pid, &st) != 0 || st.start == start;
}

const struct cp_seen_host *
cp_view_host(const struct cp_view *v, pid_t pid)
{
	for (size_t i = 0; i < v->n_hosts; i++)
		if (v->hosts[i].h->pid == pid &&
		    is_still(v, pid, v->hosts[i].h->start))
			return &v->hosts[i];
	return NULL;
}

bool
cp_view_belongs(const struct cp_view *v, const struct cp_seen_ward *s,
    pid_t pid)
{
	const struct cp_facts *f = v->hosts[s->host].facts;

	if (s->w->pid == pid)
		return is_still(v, pid, s->w->start);
	for (uint32_t m = 0; m < f->head->n_members; m++)
		if (f->members[m].pid == pid &&
		    &f->wards[f->members[m].ward] == s->w)
			return is_still(v, pid, f->members[m].start);
	return false;
}

const struct cp_seen_ward *
cp_view_ward(const struct cp_view *v, pid_t pid)
{
	for (size_t i = 0; i < v->n_wards; i++)
		if (v->wards[i].w->pid == pid &&
		    is_still(v, pid, v->wards[i].w->start))
			return &v->wards[i];
	for (size_t i = 0; i < v->n_wards; i++)
		if (cp_view_belongs(v, &v->wards[i], pid))
			return &v->wards[i];
	return NULL;
}
