/* SPDX-License-Identifier: MIT */
/*
 * The channel table: a ring, as large as the host's wards are many.  It lies in
 * the memory that the owner shares with its children, so that no fork makes a
 * copy of what was touched of it.
 * Lock-free: a writer takes the next entry by its ticket, a reader copies an
 * entry and looks whether its state word is still the same.
 *
 * Entries are not removed when a descriptor is closed: what an entry says of a
 * descriptor is a hint, which is checked against the kernel before it is used.
 * So is what the owner adds after a child's fork, which that one sees as well.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>

#include "channel.h"
#include "common/raw.h"
#include "owner.h"

/*
 * State: ticket + 1 in the upper bits, so that 0 is an empty entry; below, 1
 * while it is written, which ends are host ends that children must shed, and
 * whether a ward has it.
 */
#define WRITING	 1u
#define SHED(k)	 (2u << (k))
#define SHED_ANY (SHED(0) | SHED(1))
#define CLAIMED	 8u
#define BITS	 4

#define FIRST	 128u /* entries at first, of which half are for no ward */
#define PER_WARD 3    /* stdin, stdout and stderr */

/* The ring, or NULL as long as nobody owns one. */
static struct cp_channels *
get(void)
{
	struct cp_shared *s = cp_owner_shared();

	return s == NULL ? NULL : &s->channels;
}

static uint32_t
size_of(const struct cp_channels *r)
{
	return FIRST << atomic_load(&r->doubled);
}

static struct cp_entry *
entry(struct cp_channels *r, uint64_t ticket)
{
	return &r->entry[ticket % size_of(r)];
}

/* The next ticket; how many of those before it are in the ring. */
static uint64_t
last_of(struct cp_channels *r, uint64_t *n)
{
	uint64_t last = r == NULL ? 0 : atomic_load(&r->tickets);
	uint64_t size = r == NULL ? 0 : size_of(r);

	*n = last < size ? last : size;
	return last;
}

/* Writes an entry over what was in it. */
static void
put(struct cp_channels *r, struct cp_entry *e, const struct cp_made *made,
    uint64_t state)
{
	uint64_t old = atomic_exchange(&e->state, state | WRITING);

	if (old & SHED_ANY)
		atomic_fetch_sub(&r->shedding, 1);
	atomic_thread_fence(memory_order_release);
	e->made = *made;
	atomic_store_explicit(&e->state, state, memory_order_release);
}

bool
cp_channel_any(void)
{
	struct cp_channels *r = get();

	return r != NULL && atomic_load(&r->tickets) != 0;
}

/* A consistent copy of an entry; its state, or 0 if there is none. */
static uint64_t
look(const struct cp_entry *e, struct cp_made *made)
{
	uint64_t state = atomic_load_explicit(&e->state, memory_order_acquire);

	if (state == 0 || state & WRITING)
		return 0;
	*made = e->made;
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&e->state, memory_order_relaxed) >> BITS ==
		state >> BITS ?
	    state :
	    0;
}

/*
 * Where entries lie depends on the size, so some of them move.  One that is
 * added meanwhile may stay where it was: it is found there, too, but it is not
 * the last to be overwritten.
 */
static void
rearrange(struct cp_channels *r, uint32_t size)
{
	for (uint32_t i = 0; i < size; i++) {
		struct cp_entry *e = &r->entry[i], *to;
		struct cp_made made;
		uint64_t state = look(e, &made);

		if (state == 0 || (to = entry(r, (state >> BITS) - 1)) == e)
			continue;
		put(r, to, &made, state);
		(void)atomic_compare_exchange_strong(&e->state, &state, 0);
	}
}

static void
grow(struct cp_channels *r)
{
	uint32_t doubled = atomic_load(&r->doubled);
	uint32_t size = FIRST << doubled;

	if (size < CP_CHANNELS &&
	    atomic_compare_exchange_strong(&r->doubled, &doubled, doubled + 1))
		rearrange(r, size);
}

/* Its wards are to come: no ward has it yet, and we have both of its ends. */
static bool
is_waiting(const struct cp_entry *e)
{
	struct cp_end_id end;
	struct cp_made made;
	uint64_t state = look(e, &made);

	if (state == 0 || state & CLAIMED)
		return false;
	for (int k = 0; k < 2; k++)
		if (made.fd[k] >= 0 &&
		    (cp_procfs_own_end(made.fd[k], &end) == -1 ||
			end.kind == CP_KIND_NONE ||
			(made.kind != CP_KIND_PTY && end.ino != made.ino[k])))
			return false;
	return true;
}

/*
 * Many threads that spawn at once have made more than there is room for before
 * their first ward is known.  Two are looked at, since one may be a host's own
 * for good, and would be met at each turn of the ring.
 */
void
cp_channel_add(const struct cp_made *made)
{
	struct cp_channels *r = get();
	int saved = errno;
	uint64_t ticket;

	if (r == NULL)
		return;
	ticket = atomic_fetch_add(&r->tickets, 1);
	if (is_waiting(entry(r, ticket)) &&
	    is_waiting(entry(r, ticket + size_of(r) / 2)))
		grow(r);
	put(r, entry(r, ticket), made, (ticket + 1) << BITS);
	cp_errno(saved);
}

void
cp_channel_room(unsigned wards)
{
	struct cp_channels *r = get();
	uint32_t size;

	while (r != NULL && (size = size_of(r)) < CP_CHANNELS &&
	    size < FIRST / 2 + wards * PER_WARD)
		grow(r);
}

void
cp_channel_copy(struct cp_channels *to, const struct cp_channels *from)
{
	uint32_t doubled = atomic_load(&from->doubled);

	atomic_store(&to->doubled, doubled);
	atomic_store(&to->tickets, atomic_load(&from->tickets));
	for (uint32_t i = 0; i < FIRST << doubled; i++) {
		struct cp_made made;
		uint64_t state = look(&from->entry[i], &made);

		if (state == 0)
			continue;
		put(to, &to->entry[i], &made, state);
		if (state & SHED_ANY)
			atomic_fetch_add(&to->shedding, 1);
	}
}

/* A glance, which may be at what is just written: look() is for sure. */
static bool
may_be(const struct cp_entry *e, uint64_t ino)
{
	const volatile uint64_t *own = e->made.ino;

	return own[0] == ino || own[1] == ino;
}

int
cp_channel_find(const struct cp_end_id *end, struct cp_made *made)
{
	struct cp_channels *r = get();
	uint64_t n, last = last_of(r, &n);
	struct cp_made copy;
	int k;

	for (uint64_t i = 1; i <= n; i++)
		if (may_be(entry(r, last - i), end->ino) &&
		    look(entry(r, last - i), &copy) != 0 &&
		    (k = cp_channel_end_of(&copy, end)) != -1) {
			*made = copy;
			return k;
		}
	return -1;
}

void
cp_channel_warded(const struct cp_channel *child)
{
	struct cp_end_id end = { .kind = child->kind,
		.access = child->access,
		.ino = child->child };
	struct cp_channels *r = get();
	uint64_t n, last = last_of(r, &n);

	for (uint64_t i = 1; i <= n; i++) {
		struct cp_entry *e = entry(r, last - i);
		struct cp_made made;
		uint64_t state = look(e, &made);
		int k = state == 0 ? -1 : cp_channel_end_of(&made, &end);
		uint64_t mark;

		if (k == -1)
			continue;
		mark = CLAIMED;
		/* What was created close-on-exec is passed on on purpose. */
		if (!made.cloexec)
			mark |= SHED(1 - k);
		if (atomic_compare_exchange_strong(&e->state, &state,
			state | mark) &&
		    mark & SHED_ANY && !(state & SHED_ANY))
			atomic_fetch_add(&r->shedding, 1);
		return;
	}
}

int
cp_channel_unclaimed(struct cp_made *out, int max)
{
	struct cp_channels *r = get();
	uint64_t n, last = last_of(r, &n);
	int found = 0;

	for (uint64_t i = 1; i <= n && found < max; i++) {
		struct cp_made made;
		uint64_t state = look(entry(r, last - i), &made);

		if (state == 0)
			continue;
		if (state & CLAIMED)
			break;
		out[found++] = made;
	}
	return found;
}

/* The descriptor FD, if it still is end K of *MADE and passes an exec. */
static bool
leaks(const struct cp_made *made, int k, int fd)
{
	struct cp_end_id end;
	int flags;

	return fd > 2 && cp_procfs_own_end(fd, &end) == 0 &&
	    cp_channel_opposite(made, 1 - k, &end) &&
	    (flags = cp_raw_fcntl(fd, F_GETFD, 0)) != -1 &&
	    !(flags & FD_CLOEXEC);
}

/*
 * Not close(2): a child made by a raw clone may share the host's descriptors,
 * and with close-on-exec set the host itself loses nothing.
 */
void
cp_channel_shed(void)
{
	struct cp_channels *r = get();
	uint64_t n, last = last_of(r, &n);
	int saved;

	if (r == NULL || atomic_load(&r->shedding) <= 0)
		return;
	saved = errno;
	for (uint64_t i = 1; i <= n; i++) {
		struct cp_entry *e = entry(r, last - i);
		struct cp_made made;
		uint64_t state;

		if (!(atomic_load(&e->state) & SHED_ANY) ||
		    (state = look(e, &made)) == 0)
			continue;
		for (int k = 0; k < 2; k++)
			if (state & SHED(k) && leaks(&made, k, made.fd[k]))
				(void)cp_raw_fcntl(made.fd[k], F_SETFD,
				    FD_CLOEXEC);
	}
	cp_errno(saved);
}

void
cp_channel_review(void)
{
	struct cp_channels *r = get();
	uint64_t n;
	int saved = errno;

	(void)last_of(r, &n);
	/* A small part of the table each time, whatever its size. */
	for (uint64_t i = 0, looks = 0; i < n && i < 64 && looks < 2; i++) {
		struct cp_entry
		    *e = &r->entry[atomic_fetch_add(&r->review, 1) % n];
		struct cp_made made;
		uint64_t state;

		if (atomic_load(&r->shedding) <= 0)
			break;
		if (!(atomic_load(&e->state) & SHED_ANY) ||
		    (state = look(e, &made)) == 0)
			continue;
		looks++;
		if ((state & SHED(0) && leaks(&made, 0, made.fd[0])) ||
		    (state & SHED(1) && leaks(&made, 1, made.fd[1])))
			continue;
		if (atomic_compare_exchange_strong(&e->state, &state,
			state & ~(uint64_t)SHED_ANY))
			atomic_fetch_sub(&r->shedding, 1);
	}
	cp_errno(saved);
}
