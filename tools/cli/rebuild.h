/* SPDX-License-Identifier: MIT */
/*
 * A guard's snapshot, as the judge wants it: so that a command can say what
 * the guard would find, by the guard's own rules.  Context: cli.
 */
#ifndef CP_REBUILD_H
#define CP_REBUILD_H

#include "../guard/judge.h"
#include "ask.h"

struct cp_rebuilt {
	struct cp_host *hosts;
	struct cp_ward *wards; /* in the order of the snapshot */
	struct cp_member *members;
};

/* Returns 0, or -1 with ENOMEM; to be freed. */
int cp_rebuild(const struct cp_facts *f, struct cp_rebuilt *r);
void cp_rebuilt_free(struct cp_rebuilt *r);

/*
 * What the judge finds of ward I by CENSUS.  Returns 0, or -1 with ENOMEM.
 * For one snapshot at a time.
 */
int cp_rebuilt_judge(const struct cp_facts *f, const struct cp_rebuilt *r,
    uint32_t i, const struct cp_census *census, struct cp_finding *found);

#endif
