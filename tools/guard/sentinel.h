/* SPDX-License-Identifier: MIT */
/*
 * The sentinel: a fork of the guard that sleeps on the guard's pidfd, with the
 * socket and the shared facts in its hands.  When the guard dies without
 * having said that it is done, the sentinel is the guard from then on, and
 * makes a new sentinel.  Messages sent meanwhile wait in the socket.
 */
#ifndef CP_SENTINEL_H
#define CP_SENTINEL_H

/*
 * Starts a sentinel.  Returns in the guard with its pidfd (watched for
 * CP_TAG_SENTINEL by the caller), or -1 with errno.  In the sentinel it
 * returns only when the guard has died before it was done: then -2, and the
 * caller is the guard.  SOCKET is kept open.  Context: guard.
 */
int cp_sentinel_start(int socket);

/* Reaps a sentinel that has ended; PIDFD is closed. */
void cp_sentinel_ended(int pidfd);

/* The guard is done: ends the sentinel and waits for it. */
void cp_sentinel_stop(int pidfd);

#endif
