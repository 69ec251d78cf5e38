/* SPDX-License-Identifier: MIT */
/* See shed.h. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>

#include "common/raw.h"
#include "ring.h"
#include "shed.h"

/* The descriptor FD, if it still is end K of *MADE and passes an exec. */
static bool
leaks(const struct cp_made *made, int k, int fd)
{
	struct cp_end_id end;
	int flags;

	return fd > 2 && cp_procfs_own_end(fd, &end) == 0 &&
	    cp_made_opposite(made, 1 - k, &end) &&
	    (flags = cp_raw_fcntl(fd, F_GETFD, 0)) != -1 &&
	    !(flags & FD_CLOEXEC);
}

/*
 * Not close(2): a child made by a raw clone may share the host's descriptors,
 * and with close-on-exec set the host itself loses nothing.
 */
void
cp_shed(void)
{
	struct cp_ring *r = cp_ring();
	uint64_t n, last = cp_ring_last(r, &n);
	int saved;

	if (r == NULL || atomic_load(&r->shedding) <= 0)
		return;
	saved = errno;
	for (uint64_t i = 1; i <= n; i++) {
		struct cp_slice *e = cp_ring_entry(r, last - i);
		struct cp_made made;
		uint64_t state;

		if (!(atomic_load(&e->state) & CP_RING_SHED_ANY) ||
		    (state = cp_ring_look(e, &made)) == 0)
			continue;
		for (int k = 0; k < 2; k++)
			if (state & CP_RING_SHED(k) &&
			    leaks(&made, k, made.fd[k]))
				(void)cp_raw_fcntl(made.fd[k], F_SETFD,
				    FD_CLOEXEC);
	}
	cp_errno(saved);
}

void
cp_shed_review(void)
{
	struct cp_ring *r = cp_ring();
	uint64_t n;
	int saved = errno;

	(void)cp_ring_last(r, &n);
	/* A small part of the table each time, whatever its size. */
	for (uint64_t i = 0, looks = 0; i < n && i < 64 && looks < 2; i++) {
		struct cp_slice
		    *e = &r->entry[atomic_fetch_add(&r->review, 1) % n];
		struct cp_made made;
		uint64_t state;

		if (atomic_load(&r->shedding) <= 0)
			break;
		if (!(atomic_load(&e->state) & CP_RING_SHED_ANY) ||
		    (state = cp_ring_look(e, &made)) == 0)
			continue;
		looks++;
		if ((state & CP_RING_SHED(0) && leaks(&made, 0, made.fd[0])) ||
		    (state & CP_RING_SHED(1) && leaks(&made, 1, made.fd[1])))
			continue;
		if (atomic_compare_exchange_strong(&e->state, &state,
			state & ~(uint64_t)CP_RING_SHED_ANY))
			atomic_fetch_sub(&r->shedding, 1);
	}
	cp_errno(saved);
}
