/* SPDX-License-Identifier: MIT */
/* Ending the wards of a host that leaves, where there is no guard. */
#ifndef CP_FINISH_H
#define CP_FINISH_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Gives the duplex wards their grace and ends those that are still there; all
 * of it bounded by the options.  Context: host, the cloak's handler included.
 */
void cp_finish(void);

/* Milliseconds of the monotonic clock.  Context: any. */
int64_t cp_now_ms(void);

/* poll(2) up to DEADLINE, signals notwithstanding.  Context: any. */
int cp_wait_until(struct pollfd *p, size_t n, int64_t deadline);

#endif
