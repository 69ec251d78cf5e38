/* SPDX-License-Identifier: MIT */
/*
 * Registrations that can wait.  Most children are gone within milliseconds,
 * and all that was looked up about them was looked up in vain: what a child
 * says of itself is kept until it is CP_LOOK_MS old, and only the kernel is
 * asked to tell of its end.  Then it is seen at once whether the host has let
 * go of it; if not, whoever is left is listened to.  Who had ended
 * before a letter of his was read (mailbox.h) is known too late for that: what
 * he has left counts as handed on.
 *
 * Where they lie meanwhile: cradle.h.  Context: guard.
 */
#ifndef CP_NEWBORN_H
#define CP_NEWBORN_H

#include "facts.h"
#include "trust.h"

/*
 * A registration, or one taken back.  It waits if it can: an order is to be
 * answered at once, and a host that is not known yet is to be watched at once.
 */
void cp_newborn_hear(struct cp_heard *x);

enum cp_newborns {
	CP_NEWBORN_OLD,	 /* those that are CP_LOOK_MS old, or just ended */
	CP_NEWBORN_DEAD, /* and who has died, for a census of all that left */
	CP_NEWBORN_ALL,
};

/* Enrolls those that WHICH says. */
void cp_newborn_attend(uint64_t now_ms, enum cp_newborns which);

/* Enrolls who shares a channel with WARD.  Is there anybody? */
bool cp_newborn_meet(const struct cp_ward *ward, uint64_t now_ms);

/* What INDEX and SERIAL (see watch.h) stand for has ended. */
void cp_newborn_stirred(uint32_t index, uint32_t serial, uint64_t now_ms);

/* The same for what a dead guard left: all are enrolled. */
void cp_newborn_adopt(uint64_t now_ms);

/* When the next one is old enough, or is to be settled, or 0: none waits. */
uint64_t cp_newborn_next(void);

/* Are there any that have died?  They don't count above. */
bool cp_newborn_any_dead(void);

#endif
