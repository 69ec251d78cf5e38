/* SPDX-License-Identifier: MIT */
/*
 * Those who go with a ward, as processes: remembering them, awaiting their
 * ends, signalling them.  Whom that means the judge says.  Context: guard.
 */
#ifndef CP_COMPANY_H
#define CP_COMPANY_H

#include "judge.h"

/*
 * Remembers who belongs to the ward, so that they are found when it is gone,
 * and forgets who does no longer.
 */
void cp_company_remember(struct cp_ward *w, const struct cp_case *c);

/*
 * Has any of them ever written a byte, wherever that went, or can't that be
 * told?  What send(2) sends does not count, nor does what a process wrote that
 * is gone by now and was none's child here.
 */
bool cp_company_has_written(const struct cp_case *c);

/* When the child itself is gone, the ends of its members are awaited. */
void cp_company_watch(struct cp_ward *w);

/*
 * Sends SIG to everybody who goes with the ward, but what `spare` names; to
 * those who got it already only if AGAIN.  Each signal is a journal line.
 */
void cp_company_signal(struct cp_ward *w, const struct cp_case *c, int sig,
    bool again);

#endif
