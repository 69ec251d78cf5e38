/* SPDX-License-Identifier: MIT */
/*
 * The steps against a ward of which something is proven.  EOF is there already
 * when a parent is gone; then its grace, SIGTERM, `term`, SIGKILL, and again
 * until nobody is left.  Context: guard.
 */
#ifndef CP_STEPS_H
#define CP_STEPS_H

#include "judge.h"

/* So many killed processes are cleared away in a millisecond. */
#define CP_WARDS_PER_MS 20

/*
 * Takes the step that is due after FOUND, the first or one more, or waits for
 * it.  The ward's record may be gone afterwards.
 */
void cp_steps_take(struct cp_ward *ward, const struct cp_case *c,
    const struct cp_finding *found);

/* All is well after all: should it not last, the steps begin anew. */
void cp_steps_calm(struct cp_ward *ward);

#endif
