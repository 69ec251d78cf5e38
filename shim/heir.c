/* SPDX-License-Identifier: MIT */
/*
 * Whoever goes on in a host's place when daemon(3) has forked.  The table of
 * wards is wiped in a fork child, so what is in it is handed over as a list.
 */
#include <sys/types.h>

#include <stddef.h>

#include "common/raw.h"
#include "map.h"
#include "ward.h"

static struct saved {
	size_t size;
	unsigned n;
	struct cp_record record[];
} * saved;

static pid_t heir; /* who has inherited: its forks have not */

static bool
save(const struct cp_record *record, void *arg)
{
	struct saved *s = arg;

	if (s->size < sizeof(*s) + (s->n + 1) * sizeof(*record))
		return false;
	s->record[s->n++] = *record;
	return true;
}

void
cp_ward_save(void)
{
	size_t size = sizeof(*saved) +
	    cp_ward_count() * sizeof(saved->record[0]);

	cp_ward_forget_saved();
	saved = cp_map(size, MAP_PRIVATE);
	if (saved == NULL)
		return;
	saved->size = size;
	cp_ward_each(save, saved);
}

void
cp_ward_forget_saved(void)
{
	if (saved != NULL)
		cp_unmap(saved, saved->size);
	saved = NULL;
}

void
cp_ward_inherit(void)
{
	for (unsigned i = 0; saved != NULL && i < saved->n; i++)
		cp_ward_add(&saved->record[i]);
	cp_ward_forget_saved();
	heir = cp_raw_getpid();
}

bool
cp_ward_inherited(void)
{
	return heir != 0 && heir == cp_raw_getpid();
}
