/* SPDX-License-Identifier: MIT */
/*
 * The slots.  Each is owned by whoever moved its state word last:
 *
 *	FREE --child: put--> FILLING --same child--> FULL
 *	FULL --host: next--> EMPTYING --same thread--> FREE
 *	FULL --child: take_back--> FREE
 *	FILLING --host, when the child is dead--> FREE
 *
 * The word also holds the PID of the filler and a serial number, so that a
 * ticket can't be mistaken for a later use of the slot.
 */
#include <errno.h>
#include <unistd.h>

#include "common/raw.h"
#include "slot.h"

enum { FREE, FILLING, FULL, EMPTYING };

#define STEP(state)   ((state)&3)
#define PID(state)    ((pid_t)(((state) >> 2) & 0x3fffffff))
#define SERIAL(state) ((state) >> 32)

static uint64_t
word(uint64_t serial, pid_t pid, unsigned step)
{
	return serial << 32 | (uint64_t)(pid & 0x3fffffff) << 2 | step;
}

static bool
move(struct cp_slot *slot, uint64_t from, uint64_t to)
{
	return atomic_compare_exchange_strong(&slot->state, &from, to);
}

static void
release(struct cp_slots *s, struct cp_slot *slot, uint64_t state)
{
	if (move(slot, state, word(SERIAL(state) + 1, 0, FREE)))
		atomic_fetch_sub(&s->used, 1);
}

struct cp_ticket
cp_slot_put(struct cp_slots *s, const struct cp_record *record)
{
	struct cp_ticket none = { .index = -1 };

	/*
	 * Counted first: a reader may look in vain, but never looks away.  The
	 * first free slot: on the page that is touched anyway, and found soon.
	 */
	atomic_fetch_add(&s->used, 1);
	for (int i = 0; i < CP_SLOTS; i++) {
		struct cp_slot *slot = &s->slot[i];
		uint64_t old = atomic_load(&slot->state), serial;

		serial = SERIAL(old) + 1;
		if (STEP(old) != FREE ||
		    !move(slot, old, word(serial, record->pid, FILLING)))
			continue;
		slot->record = *record;
		atomic_store(&slot->state, word(serial, record->pid, FULL));
		return (struct cp_ticket){ i, word(serial, record->pid, FULL) };
	}
	atomic_fetch_sub(&s->used, 1);
	return none;
}

bool
cp_slot_take_back(struct cp_slots *s, const struct cp_ticket *ticket)
{
	if (!move(&s->slot[ticket->index], ticket->state,
		word(SERIAL(ticket->state) + 1, 0, FREE)))
		return false;
	atomic_fetch_sub(&s->used, 1);
	return true;
}

bool
cp_slot_any(struct cp_slots *s)
{
	return atomic_load(&s->used) != 0;
}

bool
cp_slot_next(struct cp_slots *s, int *cursor, struct cp_record *record)
{
	int saved = errno;

	while (*cursor < CP_SLOTS && cp_slot_any(s)) {
		struct cp_slot *slot = &s->slot[(*cursor)++];
		uint64_t state = atomic_load(&slot->state), mine;

		if (STEP(state) == FILLING &&
		    syscall(SYS_kill, PID(state), 0) == -1 && errno == ESRCH)
			release(s, slot, state);
		mine = (state & ~(uint64_t)3) | EMPTYING;
		if (STEP(state) != FULL || !move(slot, state, mine))
			continue;
		*record = slot->record;
		release(s, slot, mine);
		cp_errno(saved);
		return true;
	}
	cp_errno(saved);
	return false;
}

bool
cp_slot_peek(struct cp_slots *s, int *cursor, struct cp_record *record)
{
	while (*cursor < CP_SLOTS && cp_slot_any(s)) {
		struct cp_slot *slot = &s->slot[(*cursor)++];
		uint64_t state = atomic_load(&slot->state);

		if (STEP(state) != FULL)
			continue;
		*record = slot->record;
		atomic_thread_fence(memory_order_acquire);
		if (atomic_load(&slot->state) == state)
			return true;
	}
	return false;
}
