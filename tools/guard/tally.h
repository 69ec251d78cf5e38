/* SPDX-License-Identifier: MIT */
/*
 * What the guard has counted since it started, its predecessors' counts
 * included.  Lies beside the facts.  Context: guard, cli.
 */
#ifndef CP_TALLY_H
#define CP_TALLY_H

#include <stdint.h>

#define CP_TALLY_RULES 32 /* room for all of enum cp_rule */
#define CP_TALLY_STEPS 4  /* enum cp_step */

struct cp_tally {
	uint64_t wards;			   /* that were told of or found */
	uint64_t ended;			   /* of them, by themselves */
	uint64_t verdicts[CP_TALLY_RULES]; /* proven or stale, by rule */
	/* Ended by us, by rule and by the step that did it. */
	uint64_t reaped[CP_TALLY_RULES][CP_TALLY_STEPS];
	uint64_t terms;	   /* SIGTERMs sent */
	uint64_t kills;	   /* SIGKILLs sent */
	uint64_t refused;  /* execs, by limit= or the brake */
	uint64_t lost;	   /* times that events were lost */
	uint64_t replaced; /* guards that died before their time */
	uint64_t censuses;
};

#endif
