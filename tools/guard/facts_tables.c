/* SPDX-License-Identifier: MIT */
/*
 * The memory of the facts: the tables are mapped, gone through and given back.
 * Context: guard (single-threaded).
 */
#include <sys/mman.h>

#include <unistd.h>

#include "facts_tables.h"

struct cp_tables *cp_tables;

int
cp_facts_init(void)
{
	void *p = mmap(NULL, sizeof(*cp_tables), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return -1;
	cp_tables = p;
	LIST_INIT(&cp_tables->free_wards);
	SLIST_INIT(&cp_tables->free_members);
	return 0;
}

/* The pages of an array that are behind END and before the old end. */
static void
give_back(const void *end, const void *old_end)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t from = ((uintptr_t)end + page - 1) & ~(page - 1);
	uintptr_t to = (uintptr_t)old_end & ~(page - 1);

	if (from < to) /* they read as zeroes from then on */
		(void)madvise((void *)from, to - from, MADV_REMOVE);
}

void
cp_facts_shrink(void)
{
	struct cp_tables *t = cp_tables;
	uint32_t wards = t->wards_used, members = t->members_used;

	while (t->wards_used > 0 && !t->wards[t->wards_used - 1].used) {
		LIST_REMOVE(&t->wards[t->wards_used - 1], sibling);
		t->wards_used--;
	}
	give_back(&t->wards[t->wards_used], &t->wards[wards]);
	if (t->n_wards > 0)
		return;
	SLIST_INIT(&t->free_members);
	t->members_used = 0;
	give_back(&t->members[0], &t->members[members]);
}

struct cp_host *
cp_facts_next_host(const struct cp_host *after)
{
	uint32_t i = after == NULL ? 0 : cp_facts_host_index(after) + 1;

	for (; i < cp_tables->hosts_used; i++)
		if (cp_tables->hosts[i].used)
			return &cp_tables->hosts[i];
	return NULL;
}

struct cp_ward *
cp_facts_next_ward(const struct cp_ward *after)
{
	uint32_t i = after == NULL ? 0 : cp_facts_ward_index(after) + 1;

	for (; i < cp_tables->wards_used; i++)
		if (cp_tables->wards[i].used)
			return &cp_tables->wards[i];
	return NULL;
}

struct cp_tally *
cp_facts_tally(void)
{
	return &cp_tables->tally;
}

uint32_t
cp_facts_wards(void)
{
	return cp_tables->n_wards;
}

uint32_t
cp_facts_hosts(void)
{
	return cp_tables->n_hosts;
}

uint32_t
cp_facts_ward_index(const struct cp_ward *ward)
{
	return (uint32_t)(ward - cp_tables->wards);
}

uint32_t
cp_facts_host_index(const struct cp_host *host)
{
	return (uint32_t)(host - cp_tables->hosts);
}

struct cp_ward *
cp_facts_ward_at(uint32_t index, uint32_t serial)
{
	struct cp_tables *t = cp_tables;
	struct cp_ward *w = &t->wards[index];

	return index < t->wards_used && w->used && w->serial == serial ? w :
									 NULL;
}

struct cp_host *
cp_facts_host_at(uint32_t index, uint32_t serial)
{
	struct cp_tables *t = cp_tables;
	struct cp_host *h = &t->hosts[index];

	return index < t->hosts_used && h->used && h->serial == serial ? h :
									 NULL;
}
