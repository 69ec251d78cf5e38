/* SPDX-License-Identifier: MIT */
/*
 * The wipe-on-fork page.  It holds the PID of its owner; the kernel zeroes it
 * in every child that gets a copy of the memory, whatever call made it:
 *
 *	no page		unclaimed
 *	PID == getpid	the owner
 *	PID != getpid	a vfork child (or any clone that shares the memory)
 *	PID == 0	a fork child, until it is promoted
 *
 * Beside it lie ordinary variables, which a fork child gets as a copy (so it
 * knows whose child it is), and the shared mapping, through which the owner
 * sees what its children write.
 *
 * A fork child that makes channels of its own is promoted: it becomes an owner
 * with shared memory of its own, and remembers its maker.
 */
#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "common/procfs.h"
#include "common/raw.h"
#include "map.h"
#include "owner.h"
#include "ring.h"

enum { IDLE, TAKEN };

struct page {
	_Atomic pid_t owner;
	_Atomic int promotion; /* IDLE, or TAKEN by the thread that does it */
};

static _Atomic(struct page *) page;
static _Atomic(struct cp_shared *) shared;
static _Atomic(struct cp_shared *) maker_shared;
static _Atomic pid_t host; /* the owner, as known to its fork children */
static _Atomic pid_t maker;
static uint64_t image; /* of this memory, and so of all fork children */
/*
 * A vfork child runs on its parent's, a fork child on a copy of it.  Where it
 * lies tells one thread from another without a call.
 */
static __thread pid_t thread;
static const pid_t *_Atomic main_thread;

void
cp_owner_init(void)
{
	main_thread = &thread;
}

enum cp_where
cp_where(void)
{
	struct page *p = atomic_load_explicit(&page, memory_order_acquire);
	pid_t owner;

	if (p == NULL)
		return CP_UNCLAIMED;
	owner = atomic_load_explicit(&p->owner, memory_order_acquire);
	if (owner == 0)
		return CP_FORK_CHILD;
	return owner == cp_raw_getpid() ? CP_OWNER : CP_VFORK_CHILD;
}

/*
 * What the kernel maps around a page that is read (fault_around_bytes), if it
 * is there.  A child that has looked into the channel table has all of it.
 */
#define AROUND	 65536
#define MAP_SIZE (sizeof(struct cp_shared) + AROUND)

static struct cp_shared *
map_shared(void)
{
	void *map = cp_map(MAP_SIZE, MAP_SHARED);
	struct cp_shared *s = (void *)(((uintptr_t)map + AROUND - 1) &
	    ~(uintptr_t)(AROUND - 1));

	if (map == NULL)
		return NULL;
	s->map = map;
	return s;
}

static void
unmap_shared(struct cp_shared *s)
{
	if (s != NULL)
		cp_unmap(s->map, MAP_SIZE);
}

/* All of it is made before anybody can see it. */
static bool
claim_first(void)
{
	struct cp_shared *s = map_shared(), *nothing = NULL;
	/* Last: the wards' memory, wiped as well, may then be joined to it. */
	struct page *none = NULL, *p = cp_map_wiped(sizeof(*p));
	pid_t self = cp_raw_getpid();
	struct cp_stat st;

	if (p == NULL || s == NULL ||
	    !atomic_compare_exchange_strong(&shared, &nothing, s)) {
		unmap_shared(s);
		cp_unmap(p, sizeof(*p));
		return false;
	}
	if (cp_procfs_stat(self, &st) == 0)
		image = st.image;
	/* Before the constructor only the thread that loads us can call. */
	if (main_thread == NULL && cp_raw_gettid() == self)
		cp_owner_init();
	atomic_store(&host, self);
	atomic_store(&p->owner, self);
	return atomic_compare_exchange_strong(&page, &none, p);
}

/*
 * Until owner is set, other threads of this process still see a fork child,
 * which is what it was a moment ago.
 */
static bool
take_over(struct page *p, bool heir)
{
	struct cp_shared *s, *old;
	pid_t self = cp_raw_getpid();
	int idle = IDLE;

	if (!atomic_compare_exchange_strong(&p->promotion, &idle, TAKEN))
		return false;
	s = map_shared();
	if (s == NULL)
		return false; /* never again: it stays a mere fork child */
	old = atomic_load(&shared);
	if (old != NULL)
		cp_ring_copy(&s->ring, &old->ring);
	if (!heir) {
		unmap_shared(atomic_exchange(&maker_shared, old));
		atomic_store(&maker, atomic_load(&host));
	}
	thread = cp_raw_gettid();
	if (thread == self)
		main_thread = &thread;
	atomic_store(&shared, s);
	s->known = old != NULL ? atomic_load(&old->known) : 0;
	atomic_store(&host, self);
	atomic_store_explicit(&p->owner, self, memory_order_release);
	return true;
}

bool
cp_owner_claim(bool promote)
{
	int saved = errno;
	bool done = false;

	switch (cp_where()) {
	case CP_UNCLAIMED:
		done = claim_first();
		break;
	case CP_FORK_CHILD:
		done = promote && take_over(atomic_load(&page), false);
		break;
	default:
		break;
	}
	cp_errno(saved);
	return done;
}

bool
cp_owner_inherit(pid_t old)
{
	int saved = errno;
	bool done = cp_where() == CP_FORK_CHILD && atomic_load(&host) == old &&
	    take_over(atomic_load(&page), true);

	cp_errno(saved);
	return done;
}

pid_t
cp_owner_host(void)
{
	return atomic_load(&host);
}

uint64_t
cp_owner_image(void)
{
	return image;
}

pid_t
cp_owner_maker(void)
{
	return atomic_load(&maker);
}

struct cp_shared *
cp_owner_shared(void)
{
	return atomic_load(&shared);
}

struct cp_shared *
cp_owner_maker_shared(void)
{
	return atomic_load(&maker_shared);
}

bool
cp_owner_on_main_thread(void)
{
	return main_thread == &thread;
}

uint32_t
cp_owner_thread(void)
{
	return (uint32_t)thread;
}

void
cp_owner_note_thread(void)
{
	if (thread == 0)
		thread = cp_raw_gettid();
}
