/* SPDX-License-Identifier: MIT */
/*
 * Who was seen to belong to a ward.  Context: guard (single-threaded).
 */
#include <unistd.h>

#include "facts_tables.h"

static void
drop_member(struct cp_member *m)
{
	if (m->pidfd >= 0)
		close(m->pidfd);
	m->pidfd = -1;
	SLIST_INSERT_HEAD(&cp_tables->free_members, m, link);
}

struct cp_member *
cp_facts_member(struct cp_ward *ward, pid_t pid, uint64_t start)
{
	struct cp_member *m;

	if (ward->pid == pid && ward->start == start)
		return NULL;
	SLIST_FOREACH(m, &ward->members, link)
		if (m->pid == pid && m->start == start)
			return m;
	m = SLIST_FIRST(&cp_tables->free_members);
	if (m != NULL)
		SLIST_REMOVE_HEAD(&cp_tables->free_members, link);
	else if (cp_tables->members_used < CP_MEMBERS_MAX)
		m = &cp_tables->members[cp_tables->members_used++];
	else
		return NULL;
	*m = (struct cp_member){ .pid = pid, .pidfd = -1, .start = start };
	SLIST_INSERT_HEAD(&ward->members, m, link);
	return m;
}

void
cp_facts_prune(struct cp_ward *ward,
    bool (*alive)(pid_t pid, uint64_t start, const void *arg), const void *arg)
{
	struct cp_member *m, *next;

	SLIST_FOREACH_SAFE(m, &ward->members, link, next) {
		if (alive(m->pid, m->start, arg))
			continue;
		SLIST_REMOVE(&ward->members, m, cp_member, link);
		drop_member(m);
	}
}

void
cp_facts_drop_members(struct cp_ward *ward)
{
	struct cp_member *m;

	while ((m = SLIST_FIRST(&ward->members)) != NULL) {
		SLIST_REMOVE_HEAD(&ward->members, link);
		drop_member(m);
	}
}
