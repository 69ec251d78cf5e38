/* SPDX-License-Identifier: MIT */
/*
 * Ends the orphans of a list: waits for them to end by themselves, proves them
 * once more by a fresh census, then SIGTERM, and SIGKILL to what is left.
 * All signals go by pidfd.  Context: cli.
 */
#ifndef CP_CULL_H
#define CP_CULL_H

#include "../../shim/common/options.h"
#include "listed.h"

/*
 * Sets the outcome of each orphan of *L; of *O it takes exit_grace_ms, term_ms,
 * spare and dry_run.  Returns 0, or -1 with errno if the second look failed:
 * nobody has been signalled then.
 */
int cp_cull(struct cp_list *l, const struct cp_options *o);

#endif
