/* SPDX-License-Identifier: MIT */
/* See brake.h. */
#include <stddef.h>
#include <string.h>

#include "brake.h"

#define TABLE_MAX 1024
#define MINUTE_MS 60000
#define FIRST_MS  1000
#define COMEBACKS 3
/* A search along PATH takes no longer, and no PID is used again so soon. */
#define ATTEMPT_MS 2000

struct entry {
	struct cp_spawner by; /* key 0: free */
	bool owed;	      /* retired, and not come back yet */
	uint32_t wait_ms;
	uint64_t rank_ms;
	uint64_t touched_ms;	     /* retired, or tried to come back */
	uint64_t until_ms;	     /* refusals end */
	uint64_t back_ms[COMEBACKS]; /* the latest, in a ring */
	uint32_t next;
	pid_t pid; /* who tried last, and what it was told */
	struct cp_braking told;
};

/* A table that nobody needs costs no memory: pages are first touched in use. */
static struct entry table[TABLE_MAX];
static int used; /* high-water mark */

static bool
is_same(const struct cp_spawner *a, const struct cp_spawner *b)
{
	return a->host == b->host && a->host_serial == b->host_serial &&
	    a->thread == b->thread && a->key == b->key;
}

static struct entry *
find(const struct cp_spawner *by)
{
	for (int i = 0; i < used; i++)
		if (table[i].by.key != 0 && is_same(&table[i].by, by))
			return &table[i];
	return NULL;
}

/* A free one, or else the one that was touched the longest ago. */
static struct entry *
make(const struct cp_spawner *by)
{
	struct entry *e = &table[0];

	for (int i = 1; i < used && e->by.key != 0; i++)
		if (table[i].by.key == 0 || table[i].touched_ms < e->touched_ms)
			e = &table[i];
	if (used == 0 || (e->by.key != 0 && used < TABLE_MAX))
		e = &table[used++];
	*e = (struct entry){ .by = *by };
	return e;
}

static bool
is_over(const struct entry *e, uint64_t now)
{
	return now - e->touched_ms > MINUTE_MS && now >= e->until_ms;
}

void
cp_brake_retired(const struct cp_spawner *by, uint64_t rank_ms, uint64_t now_ms)
{
	struct entry *e;

	if (by->key == 0)
		return;
	e = find(by);
	if (e != NULL && is_over(e, now_ms))
		*e = (struct entry){ .by = *by };
	if (e == NULL)
		e = make(by);
	e->owed = true;
	e->rank_ms = rank_ms;
	e->touched_ms = now_ms;
	e->pid = 0;
}

static uint32_t
recent(const struct entry *e, uint64_t now)
{
	uint32_t n = 0;

	for (int i = 0; i < COMEBACKS; i++)
		n += e->back_ms[i] != 0 && now - e->back_ms[i] <= MINUTE_MS;
	return n;
}

static struct cp_braking
come_back(struct entry *e, const struct cp_attempt *a)
{
	struct cp_braking b = { 0 };

	e->touched_ms = a->now_ms;
	e->back_ms[e->next++ % COMEBACKS] = a->now_ms;
	b.times = recent(e, a->now_ms);
	if (a->may_refuse && a->now_ms < e->until_ms) {
		b.refuse = true;
	} else if (a->may_refuse && b.times >= COMEBACKS &&
	    a->others >= a->keep) {
		e->wait_ms = e->wait_ms == 0   ? FIRST_MS :
		    e->wait_ms < MINUTE_MS / 2 ? 2 * e->wait_ms :
						 MINUTE_MS;
		e->until_ms = a->now_ms + e->wait_ms;
		b.refuse = b.began = true;
		b.wait_ms = e->wait_ms;
	} else {
		e->owed = false;
		/* Older than whoever was told of in the same millisecond. */
		b.rank_ms = e->rank_ms > 1 ? e->rank_ms - 1 : 1;
	}
	return b;
}

struct cp_braking
cp_brake_attempt(const struct cp_attempt *a)
{
	struct entry *e = a->by.key == 0 ? NULL : find(&a->by);
	struct cp_braking b = { 0 };

	if (e == NULL)
		return b;
	if (a->pid != 0 && a->pid == e->pid &&
	    a->now_ms - e->touched_ms <= ATTEMPT_MS)
		return e->told;
	if (is_over(e, a->now_ms)) {
		memset(e, 0, sizeof(*e));
		return b;
	}
	if (!e->owed)
		return b;
	b = e->told = come_back(e, a);
	e->told.began = false; /* said once */
	e->pid = a->pid;
	return b;
}

void
cp_brake_reset(void)
{
	used = 0;
}
