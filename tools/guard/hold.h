/* SPDX-License-Identifier: MIT */
/* Taking hold of the inode of a channel's end without opening it. */
#ifndef CP_HOLD_H
#define CP_HOLD_H

#include "../../shim/common/procfs.h"
#include "facts.h"

/*
 * An O_PATH descriptor of the child end of WARD's channel K (0 or 1), through
 * the host, if it is a pipe, or whoever of the ward has it still; PATH is where
 * it can be named.  To be closed soon.  -1 with errno ENOENT: nobody who can be
 * looked at has it.  Context: guard.
 */
int cp_hold(const struct cp_ward *ward, int k, char path[CP_PATH_SIZE]);

/* The same for the host end, where the host was told to have it. */
int cp_hold_host(const struct cp_ward *ward, int k, char path[CP_PATH_SIZE]);

/* Does HOST have its end of CHANNEL where it was told to be? */
bool cp_host_has(const struct cp_host *host, const struct cp_channel *channel);

#endif
