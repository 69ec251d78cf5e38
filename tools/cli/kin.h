/* SPDX-License-Identifier: MIT */
/* What the judge of orphans asks of a census.  Pure.  Context: any. */
#ifndef CP_KIN_H
#define CP_KIN_H

#include "orphan.h"

struct cp_kin_ends {
	const struct cp_end *at;
	size_t n;
};

/* All ends of census->procs[PROC]. */
struct cp_kin_ends cp_kin_ends(const struct cp_census *c, uint32_t proc);

/* What is known of PID, which may be another process by now; or NULL. */
const struct cp_trait *cp_kin_trait(const struct cp_scene *s, pid_t pid);

/*
 * Is, or may there be, somebody at the other end of E who is not WITHIN (by
 * index)?
 */
bool cp_kin_leads_out(const struct cp_index *x, const struct cp_end *e,
    const bool *within);

#endif
