/* SPDX-License-Identifier: MIT */
/*
 * A link: what a ward talks to its living host through besides its stdio, as
 * Node's IPC channel and a browser's debugging pipe.  It has then not been
 * abandoned by closing its stdin and stdout.  Reads descriptors in /proc.
 * Context: guard.
 */
#ifndef CP_LINK_H
#define CP_LINK_H

#include "facts.h"

/*
 * Has the ward, or who belongs to it, a pipe or UNIX socket at fd 3 or above
 * whose opposite end the host holds?  None is what the host shares (it holds
 * the same end as well), and what is a channel of a ward.  Where not all can
 * be looked at there may be one: true.
 */
bool cp_link_found(const struct cp_ward *ward);

#endif
