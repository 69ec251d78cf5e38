/* SPDX-License-Identifier: MIT */
/*
 * What users ask of a guard: CP_MSG_QUERY, REAP, ATTACH and DETACH.  The
 * answer is one datagram that is dropped if the asker has no room for it; the
 * guard keeps nothing of who asked.  Context: guard.
 */
#ifndef CP_QUERY_H
#define CP_QUERY_H

#include "../../shim/common/options.h"
#include "trust.h"

/*
 * For the snapshot: what this guard was told.  Once in each process: nothing
 * of a dead guard's is kept.
 */
void cp_query_init(const struct cp_options *options);

/* Hears one of the four; from another user than ours or root it is nothing. */
void cp_query_hear(const struct cp_heard *x);

#endif
