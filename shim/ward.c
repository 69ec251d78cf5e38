/* SPDX-License-Identifier: MIT */
/*
 * The ward table: uthash by PID.  Owns its memory, which comes from mmap: the
 * host's malloc may be locked by the thread that a signal has interrupted.
 * All of it is wiped on fork: a child has no wards of its host's, starts with
 * an empty table should it become one itself, and costs the host no copy of
 * each page that it writes after.
 *
 * One spinning lock guards it, with all signals blocked while it is held, so
 * that the cloak's handler can't meet its own thread's lock.  Nobody waits
 * long: who does not get it leaves the record to the guard alone.
 */
#include <sys/syscall.h>

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "common/raw.h"
#include "common/wire.h"
#include "map.h"
#include "ward.h"

static void *pool_take(size_t size);
static void pool_give(void *p, size_t size);

#define HASH_NONFATAL_OOM      1
#define uthash_malloc(size)    pool_take(size)
#define uthash_free(ptr, size) pool_give(ptr, size)
#include <uthash.h>

#define BLOCK	   64	/* entries that are mapped at once */
#define FIRST	   1024 /* bytes for the first table and its buckets */
#define SWEEP_MIN  16
#define SPINS	   4096
#define KERNEL_SET 8 /* sizeof(sigset_t) of the kernel */

struct ward {
	struct cp_record record; /* its pid is the key */
	struct ward *free;	 /* next in the free list */
	UT_hash_handle hh;
};

struct pool {
	atomic_flag busy;
	_Atomic unsigned count;
	unsigned sweep_at;
	struct ward *table;
	struct ward *free_list;
	size_t used; /* of `first` */
	_Alignas(16) char first[FIRST];
	struct ward block[BLOCK];
};

static _Atomic(struct pool *) pool;

static void *
pool_take(size_t size)
{
	struct pool *p = pool;
	void *room = &p->first[p->used];

	size = (size + 15) & ~(size_t)15;
	if (size > FIRST - p->used)
		return cp_map_wiped(size);
	p->used += size;
	return room;
}

static void
pool_give(void *ptr, size_t size)
{
	struct pool *p = pool;
	uintptr_t at = (uintptr_t)ptr;

	if (at < (uintptr_t)p->first || at >= (uintptr_t)p->first + FIRST)
		cp_unmap(ptr, size);
}

static struct pool *
get_or_map(void)
{
	struct pool *p = pool, *none = NULL;

	if (p != NULL)
		return p;
	p = cp_map_wiped(sizeof(*p));
	if (p == NULL || atomic_compare_exchange_strong(&pool, &none, p))
		return p;
	cp_unmap(p, sizeof(*p));
	return none;
}

static bool
lock(struct pool *p, uint64_t *mask)
{
	uint64_t all = ~(uint64_t)0;

	(void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, mask, KERNEL_SET);
	for (int i = 0; i < SPINS; i++) {
		if (!atomic_flag_test_and_set_explicit(&p->busy,
			memory_order_acquire))
			return true;
		(void)syscall(SYS_sched_yield);
	}
	(void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, mask, NULL, KERNEL_SET);
	return false;
}

static void
unlock(struct pool *p, const uint64_t *mask)
{
	atomic_flag_clear_explicit(&p->busy, memory_order_release);
	(void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, mask, NULL, KERNEL_SET);
}

static void
add_block(struct pool *p, struct ward block[BLOCK])
{
	for (int i = 0; i < BLOCK; i++) {
		block[i].free = p->free_list;
		p->free_list = &block[i];
	}
}

static struct ward *
take(struct pool *p)
{
	struct ward *w = p->free_list;

	if (w == NULL) {
		struct ward *block = p->sweep_at == 0 ?
		    p->block :
		    cp_map_wiped(BLOCK * sizeof(*block));

		if (block == NULL)
			return NULL;
		if (p->sweep_at == 0)
			p->sweep_at = SWEEP_MIN;
		add_block(p, block);
		w = p->free_list;
	}
	p->free_list = w->free;
	memset(w, 0, sizeof(*w));
	return w;
}

static void
forget(struct pool *p, struct ward *w)
{
	HASH_DEL(p->table, w);
	w->free = p->free_list;
	p->free_list = w;
	p->count--;
}

static void
sweep(struct pool *p)
{
	struct ward *w, *next;

	HASH_ITER(hh, p->table, w, next)
		if (cp_ward_is_over(&w->record))
			forget(p, w);
	p->sweep_at = 2 * p->count > SWEEP_MIN ? 2 * p->count : SWEEP_MIN;
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

static struct ward *
find(struct pool *p, int32_t pid)
{
	struct ward *w;

	HASH_FIND(hh, p->table, &pid, sizeof(pid), w);
	return w;
}

static void
put(struct pool *p, const struct cp_record *record)
{
	struct ward *w = find(p, record->pid);

	if (w == NULL) {
		if (p->count != 0 && p->count >= p->sweep_at)
			sweep(p);
		w = take(p);
		if (w == NULL)
			return;
		w->record.pid = record->pid;
		HASH_ADD(hh, p->table, record.pid, sizeof(w->record.pid), w);
		if (w->hh.tbl == NULL) { /* no memory: it was not added */
			w->free = p->free_list;
			p->free_list = w;
			return;
		}
		p->count++;
	}
	merge(&w->record, record);
}

void
cp_ward_add(const struct cp_record *record)
{
	struct pool *p = get_or_map();
	int saved = errno;
	struct ward *w;
	uint64_t mask;

	if (p == NULL || !lock(p, &mask))
		goto out;
	if (record->flags & CP_WARD_UNDO) {
		w = find(p, record->pid);
		if (w != NULL)
			forget(p, w);
	} else
		put(p, record);
	unlock(p, &mask);
out:
	cp_errno(saved);
}

void
cp_ward_each(bool (*visit)(const struct cp_record *, void *), void *arg)
{
	struct pool *p = pool;
	int saved = errno;
	struct ward *w, *next;
	uint64_t mask;

	if (cp_ward_count() == 0 || !lock(p, &mask))
		return;
	HASH_ITER(hh, p->table, w, next)
		if (!visit(&w->record, arg))
			break;
	unlock(p, &mask);
	cp_errno(saved);
}

unsigned
cp_ward_count(void)
{
	struct pool *p = pool;

	return p == NULL ? 0 : p->count;
}
