/* SPDX-License-Identifier: MIT */
/* See unwaited.h. */
#include <stdio.h>

#include "../../shim/common/procfs.h"
#include "due.h"
#include "journal.h"
#include "unwaited.h"

/* Many hosts wait a little late. */
#define PATIENCE_MS 10000
/* The record is looked at again when it is twice as old; at the latest: */
#define LONGEST_MS 600000

void
cp_unwaited_keep(struct cp_ward *w, uint64_t now)
{
	w->unwaited_ms = now;
	cp_due(w, now + PATIENCE_MS);
}

static unsigned int
count(const struct cp_host *h)
{
	const struct cp_ward *w;
	unsigned int n = 0;

	LIST_FOREACH(w, &h->wards, sibling)
		n += w->unwaited_ms != 0;
	return n;
}

void
cp_unwaited_look(struct cp_ward *w, uint64_t now)
{
	uint64_t age = now - w->unwaited_ms;
	char reason[80];
	struct cp_stat st;

	if (w->host->dead || cp_procfs_stat(w->pid, &st) != 0 ||
	    st.start != w->start || st.state != 'Z') {
		cp_facts_forget_ward(w);
		return;
	}
	if (age < PATIENCE_MS) { /* looked at for another reason */
		cp_due(w, w->unwaited_ms + PATIENCE_MS);
		return;
	}
	if (age < 2 * PATIENCE_MS) { /* the first time */
		(void)snprintf(reason, sizeof(reason),
		    "the host has not waited for it (nor for %u others)",
		    count(w->host) - 1);
		cp_journal(&(struct cp_entry){ .event = "unwaited",
		    .reason = reason,
		    .host = w->host,
		    .ward = w });
	}
	cp_due(w, now + (age < LONGEST_MS ? age : LONGEST_MS));
}
