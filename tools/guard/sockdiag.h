/* SPDX-License-Identifier: MIT */
/*
 * Asking the kernel which UNIX socket is connected to which, sock_diag(7).
 * Needs no privilege; tells of our own network namespace.
 */
#ifndef CP_SOCKDIAG_H
#define CP_SOCKDIAG_H

#include <stdint.h>

#include "census.h"

/*
 * Calls EACH for every UNIX socket: its inode, whether it has a living peer,
 * and the peer's inode (0 if none or unknown).  Sockets that come or go
 * meanwhile may be left out: to be missing proves nothing.  Returns 0, or -1
 * with errno (ENOENT: the kernel has no unix_diag).  Context: guard, cli.
 */
int cp_sockdiag_unix(void (*each)(void *arg, uint64_t ino, enum cp_open peer,
			 uint64_t peer_ino),
    void *arg);

#endif
