/* SPDX-License-Identifier: MIT */
/*
 * What the units behind facts.h share, and nobody else: the tables of hosts,
 * wards and members are fixed arrays in one shared mapping whose untouched
 * pages cost nothing, with free lists threaded through them.  Context: guard
 * (single-threaded).
 */
#ifndef CP_FACTS_TABLES_H
#define CP_FACTS_TABLES_H

#include "facts.h"

struct cp_tables {
	uint32_t hosts_used; /* high-water marks */
	uint32_t wards_used;
	uint32_t members_used;
	uint32_t n_hosts;
	uint32_t n_wards;
	uint32_t serial;
	LIST_HEAD(, cp_ward) free_wards;
	struct cp_members free_members;
	struct cp_tally tally;
	struct cp_host hosts[CP_HOSTS_MAX];
	struct cp_ward wards[CP_WARDS_MAX];
	struct cp_member members[CP_MEMBERS_MAX];
};

extern struct cp_tables *cp_tables;

/*
 * HOST or WARD is found by its PID from now on, unless another that bears it
 * is to be preferred.  Reset: nobody is found any more.
 */
void cp_facts_index_host(struct cp_host *host);
void cp_facts_index_ward(struct cp_ward *ward);
void cp_facts_index_reset(void);

/* Forgets all members of WARD. */
void cp_facts_drop_members(struct cp_ward *ward);

#endif
