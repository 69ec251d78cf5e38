/* SPDX-License-Identifier: MIT */
/* See cradle.h. */
#include <sys/mman.h>

#include <stdatomic.h>

#include "cradle.h"

/* More at once than these are enrolled as they come. */
#define NEWBORNS_MAX 4096

TAILQ_HEAD(newborns, cp_newborn);

static struct cp_newborn *all_newborns; /* shared */
static struct newborns lists[CP_CRADLES] = {
	TAILQ_HEAD_INITIALIZER(lists[CP_CRADLE_WAITING]),
	TAILQ_HEAD_INITIALIZER(lists[CP_CRADLE_ENDING]),
	TAILQ_HEAD_INITIALIZER(lists[CP_CRADLE_DEAD]),
};
static struct newborns unused = TAILQ_HEAD_INITIALIZER(unused);
static uint32_t used; /* high-water mark */
static uint32_t last_serial;

int
cp_cradle_init(void)
{
	void *p = mmap(NULL, NEWBORNS_MAX * sizeof(*all_newborns),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE,
	    -1, 0);

	if (p == MAP_FAILED)
		return -1;
	all_newborns = p;
	return 0;
}

bool
cp_cradle_is_there(void)
{
	return all_newborns != NULL;
}

/* The one used last first, so that few pages are ever touched. */
struct cp_newborn *
cp_cradle_take(void)
{
	struct cp_newborn *b = TAILQ_FIRST(&unused);

	if (b != NULL)
		TAILQ_REMOVE(&unused, b, link);
	else if (used < NEWBORNS_MAX)
		b = &all_newborns[used++];
	return b;
}

void
cp_cradle_give_back(struct cp_newborn *b)
{
	b->serial = 0;
	TAILQ_INSERT_HEAD(&unused, b, link);
}

void
cp_cradle_lay(struct cp_newborn *b, const struct cp_heard *x, int pidfd,
    bool kin)
{
	if (++last_serial == 0)
		last_serial = 1;
	*b = (struct cp_newborn){ .msg = x->msg,
		.from = x->from,
		.pidfd = pidfd,
		.kin = kin,
		.heard_ms = x->heard_ms };
	atomic_signal_fence(memory_order_release);
	b->serial = last_serial; /* from now on a new guard finds it */
	TAILQ_INSERT_TAIL(&lists[CP_CRADLE_WAITING], b, link);
}

struct cp_heard
cp_cradle_take_off(enum cp_cradle from, struct cp_newborn *b, uint64_t now_ms)
{
	struct cp_heard x = { .msg = b->msg,
		.from = b->from,
		.pidfd = b->pidfd,
		.heard_ms = b->heard_ms,
		.now_ms = now_ms };

	TAILQ_REMOVE(&lists[from], b, link);
	return x;
}

void
cp_cradle_move(struct cp_newborn *b, enum cp_cradle from, enum cp_cradle to)
{
	TAILQ_REMOVE(&lists[from], b, link);
	TAILQ_INSERT_TAIL(&lists[to], b, link);
}

struct cp_newborn *
cp_cradle_first(enum cp_cradle which)
{
	return TAILQ_FIRST(&lists[which]);
}

struct cp_newborn *
cp_cradle_next(const struct cp_newborn *b)
{
	return TAILQ_NEXT(b, link);
}

uint32_t
cp_cradle_index(const struct cp_newborn *b)
{
	return (uint32_t)(b - all_newborns);
}

struct cp_newborn *
cp_cradle_at(uint32_t index, uint32_t serial)
{
	struct cp_newborn *b = &all_newborns[index];

	return index < NEWBORNS_MAX && b->serial == serial ? b : NULL;
}

void
cp_cradle_adopt(void)
{
	for (int i = 0; i < CP_CRADLES; i++)
		TAILQ_INIT(&lists[i]);
	TAILQ_INIT(&unused); /* as it was when the sentinel was started */
	for (size_t i = 0; i < NEWBORNS_MAX && all_newborns != NULL; i++) {
		struct cp_newborn *b = &all_newborns[i];

		if (b->serial == 0)
			continue;
		b->pidfd = -1;	/* that was the dead guard's */
		b->kin = false; /* who has this PID now may be another */
		/* Of one that had ended nobody has heard what it left say. */
		TAILQ_INSERT_TAIL(&lists[b->died_ms != 0 ? CP_CRADLE_DEAD :
							   CP_CRADLE_WAITING],
		    b, link);
	}
}

void
cp_cradle_adopted(void)
{
	TAILQ_INIT(&unused);
	used = 0; /* whatever it was, all are free */
}
