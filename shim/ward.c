/* SPDX-License-Identifier: MIT */
/*
 * The ward table: uthash by PID.  Owns its memory, which comes from mmap: the
 * host's malloc may be locked by the thread that a signal has interrupted.
 *
 * One spinning lock guards it, with all signals blocked while it is held, so
 * that the cloak's handler can't meet its own thread's lock.  Nobody waits
 * long: who does not get it leaves the record to the guard alone.
 */
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "common/procfs.h"
#include "common/wire.h"
#include "ward.h"

static void *
pool_map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

#define HASH_NONFATAL_OOM      1
#define uthash_malloc(size)    pool_map(size)
#define uthash_free(ptr, size) (void)munmap(ptr, size)
#include <uthash.h>

#define BLOCK	    64 /* entries that are mapped at once */
#define SWEEP_MIN   64
#define SPINS	    4096
#define KERNEL_SET  8 /* sizeof(sigset_t) of the kernel */
#define NANOSECONDS 1000000000u

struct ward {
	int32_t pid; /* the key */
	struct cp_record record;
	struct ward *free; /* next in the free list */
	UT_hash_handle hh;
};

static struct ward *table;
static struct ward *free_list;
static _Atomic unsigned count;
static unsigned sweep_at = SWEEP_MIN;
static atomic_flag busy = ATOMIC_FLAG_INIT;
static _Atomic bool inherited; /* some are children of who we were */

static bool
lock(uint64_t *mask)
{
	uint64_t all = ~(uint64_t)0;

	(void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, mask, KERNEL_SET);
	for (int i = 0; i < SPINS; i++) {
		if (!atomic_flag_test_and_set_explicit(&busy,
			memory_order_acquire))
			return true;
		(void)sched_yield();
	}
	(void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, mask, NULL, KERNEL_SET);
	return false;
}

static void
unlock(const uint64_t *mask)
{
	atomic_flag_clear_explicit(&busy, memory_order_release);
	(void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, mask, NULL, KERNEL_SET);
}

static struct ward *
take(void)
{
	struct ward *w = free_list;

	if (w == NULL) {
		struct ward *block = pool_map(BLOCK * sizeof(*block));

		if (block == NULL)
			return NULL;
		for (int i = 0; i < BLOCK; i++) {
			block[i].free = free_list;
			free_list = &block[i];
		}
		w = free_list;
	}
	free_list = w->free;
	memset(w, 0, sizeof(*w));
	return w;
}

static void
forget(struct ward *w)
{
	HASH_DEL(table, w);
	w->free = free_list;
	free_list = w;
	count--;
}

/*
 * The PID was the ward's at the time of the record, so it still is if whoever
 * bears it was there already: one start time is enough, and it is not read
 * before somebody asks.  A /proc of another PID namespace speaks of others.
 */
bool
cp_ward_is(const struct cp_record *r, const struct cp_stat *st)
{
	uint64_t hz = getauxval(AT_CLKTCK);

	return r->seen != 0 && hz != 0 && (inherited || st->ppid == getpid()) &&
	    st->start <= r->seen / (NANOSECONDS / hz);
}

/* Zombies count as dead: whether the host has waited is its business. */
static bool
lives(const struct cp_record *r)
{
	struct cp_stat st;

	return r->seen != 0 && cp_procfs_stat(r->pid, &st) == 0 &&
	    cp_ward_is(r, &st) && st.state != 'Z' && st.state != 'X';
}

/* Does somebody still hold the other end of what we hold? */
static bool
has_peer(const struct cp_channel *ch)
{
	struct pollfd p = { .fd = ch->host_fd };
	struct timespec none = { 0, 0 };
	struct cp_end_id end;

	if (ch->kind == CP_KIND_NONE || ch->host_fd < 0 ||
	    cp_procfs_own_end(ch->host_fd, &end) == -1 ||
	    !cp_procfs_is_host_end(ch, &end))
		return false;
	/* A session leader's death hangs up for those who hold the slave on. */
	if (ch->kind == CP_KIND_PTY)
		return true;
	return (syscall(SYS_ppoll, &p, 1, &none, NULL, 0) != 1 ||
	    (p.revents & (POLLERR | POLLHUP)) == 0);
}

/* Whoever it forked may hold its channels on. */
bool
cp_ward_is_over(const struct cp_record *r)
{
	return !lives(r) && !has_peer(&r->channel[0]) &&
	    !has_peer(&r->channel[1]);
}

static void
sweep(void)
{
	struct ward *w, *next;

	HASH_ITER(hh, table, w, next)
		if (cp_ward_is_over(&w->record))
			forget(w);
	sweep_at = 2 * count > SWEEP_MIN ? 2 * count : SWEEP_MIN;
}

/* A forkpty child does not know where its host has the master. */
static void
merge(struct cp_record *old, const struct cp_record *new)
{
	for (int i = 0; i < 2; i++) {
		const struct cp_channel *ch = &new->channel[i];
		int32_t fd = ch->host_fd;

		if (fd < 0 && old->channel[i].kind == ch->kind &&
		    old->channel[i].child == ch->child)
			fd = old->channel[i].host_fd;
		old->channel[i] = *ch;
		old->channel[i].host_fd = fd;
	}
	old->pid = new->pid;
	old->flags = new->flags;
	old->seen = new->seen;
}

static void
put(const struct cp_record *record)
{
	struct ward *w;

	HASH_FIND(hh, table, &record->pid, sizeof(record->pid), w);
	if (w == NULL) {
		if (count >= sweep_at)
			sweep();
		w = take();
		if (w == NULL)
			return;
		w->pid = record->pid;
		HASH_ADD(hh, table, pid, sizeof(w->pid), w);
		if (w->hh.tbl == NULL) { /* no memory: it was not added */
			w->free = free_list;
			free_list = w;
			return;
		}
		count++;
	}
	merge(&w->record, record);
}

void
cp_ward_add(const struct cp_record *record)
{
	int saved = errno;
	struct ward *w;
	uint64_t mask;

	if (!lock(&mask))
		goto out;
	if (record->flags & CP_WARD_UNDO) {
		HASH_FIND(hh, table, &record->pid, sizeof(record->pid), w);
		if (w != NULL)
			forget(w);
	} else
		put(record);
	unlock(&mask);
out:
	errno = saved;
}

void
cp_ward_each(bool (*visit)(const struct cp_record *, void *), void *arg)
{
	int saved = errno;
	struct ward *w, *next;
	uint64_t mask;

	if (count == 0 || !lock(&mask))
		return;
	HASH_ITER(hh, table, w, next)
		if (!visit(&w->record, arg))
			break;
	unlock(&mask);
	errno = saved;
}

unsigned
cp_ward_count(void)
{
	return count;
}

void
cp_ward_reset(void)
{
	/* Another thread may have held it when we were forked. */
	atomic_flag_clear(&busy);
	table = NULL;
	free_list = NULL;
	count = 0;
	sweep_at = SWEEP_MIN;
	inherited = false;
}

void
cp_ward_inherit(void)
{
	inherited = true;
	/* Copied in the middle of a change, it can't be trusted. */
	if (atomic_flag_test_and_set(&busy))
		cp_ward_reset();
	else
		atomic_flag_clear(&busy);
}
