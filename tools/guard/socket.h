/* SPDX-License-Identifier: MIT */
/*
 * The socket on which hosts tell.  Here messages are taken out of it, with what
 * the kernel attests of their senders; what they mean is told.c's.
 *
 * Context: guard.
 */
#ifndef CP_SOCKET_H
#define CP_SOCKET_H

#include "trust.h"

/*
 * Takes FD (bound, SO_PASSCRED) into use.  If it is none any more the guard
 * goes on without hearing anything.  Returns 0 or -1 with errno.
 */
int cp_socket_open(int fd);

/* What answers are sent by. */
int cp_socket(void);

/*
 * Takes out all messages that wait, at most MAX; returns how many.  HEAR gets
 * those that are whole and attested; descriptors it leaves in them are closed.
 */
int cp_socket_hear(uint64_t now_ms, int max, void (*hear)(struct cp_heard *));

/* How many messages wait in the socket before a sender has to. */
int cp_socket_queue(void);

/* Whoever speaks from now on is told so.  Was it open? */
bool cp_socket_shut(void);

void cp_socket_close(void);

#endif
