/* SPDX-License-Identifier: MIT */
/*
 * Memory that a host which spawns a lot shares with its guard.  As long as the
 * guard has promised to look, its children leave there what they would have
 * told by a datagram each: no socket, and nobody is woken.
 *
 * A letter is owned by whoever moved its step last:
 *
 *	EMPTY --child: put--> WRITING --same child--> FULL
 *	FULL --guard: take--> EMPTY
 *	FULL --child: take_back--> EMPTY
 *
 * The step also holds a serial number.  One whose writer died half-way is lost.
 * Neither side trusts the other with more than that: the guard copies a letter
 * and then looks at it as at any message.
 */
#ifndef CP_MAILBOX_FORMAT_H
#define CP_MAILBOX_FORMAT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "wire.h"

#define CP_LETTERS 256

enum cp_letter_step { CP_LETTER_EMPTY, CP_LETTER_WRITING, CP_LETTER_FULL };

struct cp_letter {
	_Atomic uint32_t step; /* enum cp_letter_step, and a serial above */
	uint64_t told;	       /* CLOCK_BOOTTIME in nanoseconds */
	struct cp_msg msg;     /* CP_MSG_WARD, with the child's PID */
};

struct cp_mailbox {
	/* CLOCK_BOOTTIME in ns at which the guard looks; 0: it does not. */
	_Atomic uint64_t look;
	_Atomic uint32_t next; /* the next writer takes this one, or none */
	struct cp_letter letter[CP_LETTERS];
};

static inline enum cp_letter_step
cp_letter_step(uint32_t word)
{
	return (enum cp_letter_step)(word & 3);
}

/* The same letter, at another step. */
static inline uint32_t
cp_letter_at(uint32_t word, enum cp_letter_step step)
{
	return (word & ~(uint32_t)3) | step;
}

/* Empties a letter that was seen FULL as WORD; false: another was first. */
static inline bool
cp_letter_empty(struct cp_letter *l, uint32_t word)
{
	return atomic_compare_exchange_strong(&l->step, &word,
	    cp_letter_at(word, CP_LETTER_EMPTY));
}

#endif
