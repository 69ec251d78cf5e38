/* SPDX-License-Identifier: MIT */
/* Waiting, by the monotonic clock.  Context: any. */
#ifndef CP_CLOCK_H
#define CP_CLOCK_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

/* Milliseconds of the monotonic clock. */
int64_t cp_clock_ms(void);

/* poll(2) up to DEADLINE, signals notwithstanding. */
int cp_clock_wait(struct pollfd *p, size_t n, int64_t deadline);

#endif
