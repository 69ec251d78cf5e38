/* SPDX-License-Identifier: MIT */
/*
 * Two orderings over one census, so that the judge asks "who holds this end"
 * and "whose parent is this" by binary search: a thousand wards are judged in
 * one census without a thousand scans of it.
 */
#ifndef CP_INDEX_H
#define CP_INDEX_H

#include "census.h"

struct cp_index {
	const struct cp_census *census;
	uint32_t *ends;	   /* indices of census->ends by (kind, ino) */
	uint32_t *parents; /* indices of census->procs by ppid */
};

/* A run of indices. */
struct cp_run {
	const uint32_t *at;
	size_t n;
};

/*
 * Indexes CENSUS, which must outlive *X.  Returns 0, or -1 with errno ENOMEM
 * and *X empty.  To be freed with cp_index_free().
 */
int cp_index_build(const struct cp_census *census, struct cp_index *x);
void cp_index_free(struct cp_index *x);

struct cp_run cp_index_ends(const struct cp_index *x, enum cp_kind kind,
    uint64_t ino);
struct cp_run cp_index_children(const struct cp_index *x, pid_t ppid);

#endif
