/* SPDX-License-Identifier: MIT */
/*
 * Work on many things at once.  The threads are gone when it is done: nothing
 * else of ours has to be ready for them.  Context: guard, cli.
 */
#ifndef CP_CREW_H
#define CP_CREW_H

#include <stddef.h>

#define CP_CREW_MAX 4

/* Does the things from FROM up to TO; PART is below CP_CREW_MAX. */
typedef void cp_crew_job(void *arg, size_t part, size_t from, size_t to);

/*
 * Calls JOB for all of N things, cut into parts in their order, one for each
 * processor that we may use, but of LEAST things at the least.  Where threads
 * can't be had the caller does it all.
 */
void cp_crew_run(size_t n, size_t least, cp_crew_job *job, void *arg);

#endif
