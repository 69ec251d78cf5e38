/* SPDX-License-Identifier: MIT */
/*
 * Zombies: wards that have ended, and for which their living host has not
 * waited.  Nobody else can, so they are only told of.  Context: guard.
 */
#ifndef CP_UNWAITED_H
#define CP_UNWAITED_H

#include "facts.h"

/* WARD, of which nothing else is left, is a zombie: its record stays. */
void cp_unwaited_keep(struct cp_ward *ward, uint64_t now_ms);

/* Is it one still?  If not, its record is gone afterwards. */
void cp_unwaited_look(struct cp_ward *ward, uint64_t now_ms);

#endif
