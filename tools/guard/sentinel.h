/* SPDX-License-Identifier: MIT */
/*
 * The sentinel: a fork of the guard that sleeps on the guard's pidfd, with the
 * socket and the shared facts in its hands.  When the guard dies without
 * having said that it is done, the sentinel is the guard from then on, and
 * makes a new sentinel.  Messages sent meanwhile wait in the socket.
 */
#ifndef CP_SENTINEL_H
#define CP_SENTINEL_H

#include <stdint.h>

/*
 * Starts a sentinel, of whose end CP_TAG_SENTINEL will tell; without one, if
 * that fails, the guard goes on and tries again.  SOCKET is kept open.  In the
 * sentinel it returns only when the guard has died before it was done, and
 * after TAKE_OVER and with a sentinel of its own: the caller is the guard.
 * Context: guard.
 */
void cp_sentinel_start(int socket, void (*take_over)(void));

/* It has ended: another is started, but not for ever. */
void cp_sentinel_lost(void);

/* Tries again to start one, if it is time; when that is, 0: there is one. */
void cp_sentinel_attend(uint64_t now_ms);
uint64_t cp_sentinel_next(void);

/* Another one that has all that the guard has by now; if there is one. */
void cp_sentinel_renew(void);

/* The guard is done: ends the sentinel and waits for it. */
void cp_sentinel_stop(void);

#endif
