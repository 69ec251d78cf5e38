/* SPDX-License-Identifier: MIT */
/*
 * What is taken back of registrations that wait: the exec has failed, and it is
 * as if nothing had been said.  Context: guard.
 */
#ifndef CP_UNDO_H
#define CP_UNDO_H

#include "trust.h"

/*
 * Forgets what waits of the child that X takes back.  Was that all there was?
 */
bool cp_undo_newborn(const struct cp_heard *x);

#endif
