/* SPDX-License-Identifier: MIT */
/* Questions to the guard. */
#ifndef CP_ASK_H
#define CP_ASK_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "common/wire.h"

/* Does an option count the children of one command?  Context: any. */
bool cp_ask_wanted(void);

/*
 * The key (common/key.h) of ARGV in the working directory of PID, 0 for our
 * own.  Returns 0 if no option needs it, or it can't be told.  Context: any.
 */
uint64_t cp_ask_key(char *const argv[], pid_t pid);

/*
 * May what *MSG (a WARD or ASK) tells of be?  Returns 0 for yes, the errno
 * with which its exec is to fail, or -1 if nobody has answered: then it may,
 * and a WARD is still to be reported.  Waits for half a second at most, and
 * not at all for a guard that is deaf.  errno is kept.  Context: any.
 */
int cp_ask(const struct cp_msg *msg);

/*
 * A socket that is connected to the guard, so that nobody else's datagram can
 * be taken for its answer.  -1: there is no guard.  Context: any.
 */
int cp_ask_connect(void);

/* Takes what has come on FD, up to a TYPE, into *MSG.  Context: any. */
bool cp_ask_answer(int fd, enum cp_msg_type type, struct cp_msg *msg);

#endif
