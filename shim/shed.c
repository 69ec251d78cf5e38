/* SPDX-License-Identifier: MIT */
/* See shed.h. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>

#include "channel.h"
#include "common/raw.h"
#include "common/wire.h"
#include "owner.h"
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
static void
shed(const struct cp_made *made, int k)
{
	if (leaks(made, k, made->fd[k]))
		(void)cp_raw_fcntl(made->fd[k], F_SETFD, FD_CLOEXEC);
}

static void
shed_marked(struct cp_ring *r)
{
	uint64_t n, last = cp_ring_last(r, &n);

	if (atomic_load(&r->shedding) <= 0)
		return;
	for (uint64_t i = 1; i <= n; i++) {
		struct cp_slice *e = cp_ring_entry(r, last - i);
		struct cp_made made;
		uint64_t state;

		if (!(atomic_load(&e->state) & CP_RING_SHED_ANY) ||
		    (state = cp_ring_look(e, &made)) == 0)
			continue;
		for (int k = 0; k < 2; k++)
			if (state & CP_RING_SHED(k))
				shed(&made, k);
	}
}

/*
 * Nothing is marked yet of wards that the host has not heard of: it has been in
 * none of our wrappers since they were exec'd.  To vfork again is none.
 */
static void
shed_untold(struct cp_slots *s)
{
	struct cp_record record;
	int cursor = 0;

	while (cp_slot_peek(s, &cursor, &record)) {
		if (record.flags & CP_WARD_UNDO)
			continue;
		for (int i = 0; i < 2; i++) {
			const struct cp_channel *ch = &record.channel[i];
			const struct cp_end_id end = { .kind = ch->kind,
				.access = ch->access,
				.ino = ch->child };
			struct cp_made made;
			int k = cp_channel_find(&end, &made);

			if (k != -1 && !made.cloexec)
				shed(&made, 1 - k);
		}
	}
}

void
cp_shed(void)
{
	struct cp_shared *s = cp_owner_shared();
	int saved = errno;

	if (s == NULL)
		return;
	shed_marked(&s->ring);
	shed_untold(&s->slots);
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
