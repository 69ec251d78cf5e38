/* SPDX-License-Identifier: MIT */
/* See facts_adopt.h. */
#include <stddef.h>

#include "../../shim/common/procfs.h"
#include "due.h"
#include "facts_adopt.h"
#include "facts_tables.h"
#include "process.h"

static bool
same_process(pid_t pid, uint64_t start)
{
	struct cp_stat st;

	return cp_procfs_stat(pid, &st) == 0 && st.start == start &&
	    !cp_process_is_over(&st);
}

static void
adopt_host(struct cp_host *h)
{
	h->pidfd = -1;
	LIST_INIT(&h->wards);
	h->dead = h->dead || !same_process(h->pid, h->start);
	cp_facts_index_host(h);
	cp_tables->n_hosts++;
}

static void
adopt_ward(struct cp_ward *w)
{
	w->pidfd = w->wd[0] = w->wd[1] = -1;
	w->due_ms = 0;
	w->is_ripe = false;
	/*
	 * Its members are lost with the links; the first look finds them again,
	 * as holders.
	 */
	SLIST_INIT(&w->members);
	w->dead = w->dead || !same_process(w->pid, w->start);
	/* What the dead guard heard is lost. */
	if (w->dead && w->unheard == CP_HEARD)
		w->unheard = CP_UNHEARD_START;
	LIST_INSERT_HEAD(&w->host->wards, w, sibling);
	cp_facts_index_ward(w);
	cp_tables->n_wards++;
}

/*
 * The dead guard may have stopped in the middle of any list operation: no
 * link is trusted, only records that say they are used.
 */
void
cp_facts_adopt(void (*open_watch)(struct cp_host *, struct cp_ward *))
{
	struct cp_tables *t = cp_tables;

	cp_facts_index_reset();
	cp_due_reset();
	LIST_INIT(&t->free_wards);
	SLIST_INIT(&t->free_members);
	t->n_hosts = t->n_wards = 0;
	t->members_used = 0;

	for (uint32_t i = 0; i < t->hosts_used; i++) {
		struct cp_host *h = &t->hosts[i];

		if (!h->used)
			continue;
		adopt_host(h);
		open_watch(h, NULL);
	}
	for (uint32_t i = 0; i < t->wards_used; i++) {
		struct cp_ward *w = &t->wards[i];

		if (!w->used || w->host == NULL || !w->host->used) {
			w->used = false;
			LIST_INSERT_HEAD(&t->free_wards, w, sibling);
			continue;
		}
		adopt_ward(w);
		open_watch(w->host, w);
	}
}
