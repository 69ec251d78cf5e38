/* SPDX-License-Identifier: MIT */
/*
 * The meeting point of the end-to-end tests: a UNIX socket in the file system
 * on which a driver waits for every process that a case is about.  The kernel
 * tells the driver who called (SO_PEERCRED), so that a grandchild is met in
 * the same way as a child; the answer comes once the driver holds a pidfd of
 * the caller.  The socket is closed before the call returns: it must not
 * become a descriptor that the scenario did not ask for.
 */
#ifndef CP_TESTS_MEET_H
#define CP_TESTS_MEET_H

#include <stddef.h>

/*
 * Says LINE at PATH and waits for one line of answer, of which up to LEN - 1
 * bytes are stored at ANSWER.  Returns 0, or -1 with errno (EINTR: a signal
 * handler ran; ECONNRESET: the driver hung up).
 */
int meet(const char *path, const char *line, char *answer, size_t len);

#endif
