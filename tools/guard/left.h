/* SPDX-License-Identifier: MIT */
/*
 * What a dead direct child has left behind: it may have handed its stdio to
 * somebody who goes on with it.  Then bytes will move on the channels.
 * Context: guard.
 */
#ifndef CP_LEFT_H
#define CP_LEFT_H

#include "judge.h"

/*
 * Listens to the channels, or finds that they were handed over.  If the first
 * word since the child's death may have been missed (CP_UNHEARD_START), whoever
 * has ever written a byte, and can still be asked, is believed to have said it;
 * if more may have, whoever is there is.
 */
void cp_left_listen(struct cp_ward *ward, const struct cp_case *c);

/*
 * A daemon needs a moment to let go: it is no news before that.  If so, the
 * ward is due when it is.
 */
bool cp_left_is_early(struct cp_ward *ward, const struct cp_case *c);

/*
 * The silence is over at *OVER_MS.  But the host is or was stopped, or all of
 * us were, and could not say a word?  If so, it begins anew: until *OVER_MS.
 */
void cp_left_excuse(struct cp_ward *ward, const struct cp_case *c,
    uint64_t *over_ms);

#endif
