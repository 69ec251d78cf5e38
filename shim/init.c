/* SPDX-License-Identifier: MIT */
/*
 * The constructor, and the claim by which a process becomes an owner.
 *
 * The constructor makes no system call and reads nothing but the environment:
 * it runs in every program the host starts, and nearly none of them is a host.
 * With children=all each may be one.
 */
#include <linux/futex.h>

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include "channel.h"
#include "cloak.h"
#include "common/raw.h"
#include "common/wire.h"
#include "config.h"
#include "init.h"
#include "kept.h"
#include "leave.h"
#include "mailbox.h"
#include "note.h"
#include "owner.h"
#include "real.h"
#include "ring.h"
#include "shed.h"
#include "tell.h"
#include "ward.h"

/* The C++ ABI's; atexit(3) itself is not in libc.so. */
int __cxa_atexit(void (*)(void *), void *, void *);

/* A claim takes a tenth of this; a thread waits for it so often at most. */
#define CLAIM_NS    1000000
#define CLAIM_WAITS 100

static _Atomic bool ready;
static _Atomic pid_t claimer;  /* the process whose claim is or was made */
static _Atomic pid_t claiming; /* the thread that makes it */
static _Atomic int settled;    /* it is over; a futex */
static _Atomic bool early;     /* claimed by the constructor, and no more yet */
static __thread bool forking;

/*
 * Registered as early as can be, so that it runs last.  Without an object: a
 * handler that belongs to one runs with its destructors, and the destructors
 * of others, the host's last words to its wards, may come after those.
 */
static void
initialize(void)
{
	/* Again if a constructor before ours called a hook: one thread. */
	if (atomic_load(&ready))
		return;
	cp_owner_init();
	cp_real_init();
	cp_config_read();
	(void)__cxa_atexit(cp_leave_exit, NULL, NULL);
	atomic_store(&ready, true);
}

/* Before anybody can see the claim. */
static bool
prepare(void)
{
	initialize();
	return cp_config_complete();
}

/* A symbol that musl lacks, and so none that we may link to. */
static void
register_quick_exit(void)
{
	int (*at)(void (*)(void *), void *);

	*(void **)&at = dlsym(RTLD_DEFAULT, "__cxa_at_quick_exit");
	if (at != NULL)
		(void)at(cp_leave_quick_exit, NULL);
}

static void
begin(bool first)
{
	const char *bad, *why = cp_options_error(&bad);

	if (atomic_exchange(&early, false) || first)
		register_quick_exit();
	cp_cloak_install();
	if (why != NULL)
		cp_note(CP_NOTE_OPTIONS, bad, why, 0);
}

void
cp_drain(void)
{
	struct cp_shared *s = cp_owner_shared();
	struct cp_record record;
	int cursor = 0;

	if (s != NULL && cp_slot_any(&s->slots))
		while (cp_slot_next(&s->slots, &cursor, &record)) {
			cp_ward_add(&record);
			if (record.flags & CP_WARD_UNDO)
				continue;
			cp_channel_warded(&record.channel[0]);
			cp_channel_warded(&record.channel[1]);
			cp_mailbox_count();
		}
	cp_ring_room(cp_ward_count());
	cp_shed_review();
}

void
cp_forking(bool now)
{
	forking = now;
}

/*
 * Another thread makes the claim: what we make meanwhile would never be known.
 * Not in a handler that has interrupted it, nor in a copy of its process.
 */
static bool
await_claim(void)
{
	const struct timespec limit = { 0, CLAIM_NS };

	if (atomic_load(&settled) == 0 &&
	    (atomic_load(&claimer) != cp_raw_getpid() ||
		atomic_load(&claiming) == cp_raw_gettid()))
		return false;
	for (int i = 0; i < CLAIM_WAITS && atomic_load(&settled) == 0; i++)
		(void)syscall(SYS_futex, &settled, FUTEX_WAIT_PRIVATE, 0,
		    &limit, NULL, 0);
	atomic_store(&settled, 1); /* nobody waits in vain twice */
	return cp_where() == CP_OWNER;
}

static bool
make_claim(void)
{
	if (!prepare() || !cp_owner_claim(false))
		return false;
	cp_kept_note();
	cp_leave_reset();
	begin(true);
	return true;
}

/* One thread makes the claim, once. */
static bool
claim_first(void)
{
	pid_t nobody = 0;
	bool done;

	if (!atomic_compare_exchange_strong(&claimer, &nobody, cp_raw_getpid()))
		return await_claim();
	atomic_store(&claiming, cp_raw_gettid());
	done = make_claim();
	atomic_store(&settled, 1);
	(void)syscall(SYS_futex, &settled, FUTEX_WAKE_PRIVATE, INT_MAX, NULL,
	    NULL, 0);
	return done;
}

/* A fork child becomes an owner of its own. */
static bool
promote_child(void)
{
	if (!cp_owner_claim(true))
		return cp_where() == CP_OWNER;
	cp_mailbox_forget();
	cp_kept_note();
	cp_leave_reset();
	begin(false);
	return true;
}

bool
cp_enter(bool promote)
{
	enum cp_where where = cp_where();
	int saved = errno;
	bool owner = where == CP_OWNER;

	if (owner) {
		if (atomic_load_explicit(&early, memory_order_relaxed))
			begin(false);
		cp_drain();
	} else if (where == CP_UNCLAIMED)
		owner = claim_first();
	else if (where == CP_FORK_CHILD && promote && !forking)
		owner = promote_child();
	if (owner)
		cp_owner_note_thread();
	cp_errno(saved);
	return owner;
}

/*
 * children=all: a host that has called no hook before it vforks can't make the
 * claim later, in its child.  The cloak can wait: there are no wards to end.
 */
static void
claim_early(void)
{
	if (!cp_config_may_be_all() || cp_where() != CP_UNCLAIMED)
		return;
	if (prepare() && cp_tell_all() && cp_owner_claim(false)) {
		cp_owner_note_thread();
		cp_kept_note();
		atomic_store(&early, true);
	}
}

static void __attribute__((constructor)) construct(void)
{
	int saved = errno;

	initialize();
	claim_early();
	cp_errno(saved);
}

bool
cp_enter_heir(int old)
{
	if (!cp_owner_inherit(old))
		return false;
	cp_ward_inherit();
	cp_mailbox_forget();
	cp_kept_note();
	cp_leave_reset();
	return true;
}

bool
cp_has_wards(void)
{
	struct cp_shared *s = cp_owner_shared();

	return cp_ward_count() != 0 || (s != NULL && cp_slot_any(&s->slots));
}
