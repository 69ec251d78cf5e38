/* SPDX-License-Identifier: MIT */
/* See clock.h.  Owns nothing. */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "common/raw.h"

int64_t
cp_clock_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int
cp_clock_wait(struct pollfd *p, size_t n, int64_t deadline)
{
	for (;;) {
		int64_t left = deadline - cp_clock_ms();
		struct timespec t = { 0, 0 };
		long rc;

		if (left > 0)
			t = (struct timespec){ left / 1000,
				left % 1000 * 1000000 };
		rc = syscall(SYS_ppoll, p, n, &t, NULL, 0);
		if (rc != -1 || errno != EINTR)
			return (int)rc;
	}
}
