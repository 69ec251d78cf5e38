/* SPDX-License-Identifier: MIT */
/* See undo.h. */
#include <unistd.h>

#include "cradle.h"
#include "facts.h"
#include "undo.h"

/* Does X speak of B, as the child itself or as who told of it? */
static bool
is_same(const struct cp_newborn *b, const struct cp_heard *x)
{
	const struct cp_heard told = { .msg = b->msg, .from = b->from };

	return cp_heard_child(&told) == cp_heard_child(x) &&
	    (b->from.pid == x->from.pid || cp_heard_child(x) == x->from.pid);
}

/* Takes what X takes back off LIST.  Was there anything? */
static bool
take_back_from(enum cp_cradle list, const struct cp_heard *x)
{
	struct cp_newborn *b, *next;
	bool any = false;

	for (b = cp_cradle_first(list); b != NULL; b = next) {
		int pidfd;

		next = cp_cradle_next(b);
		if (!is_same(b, x))
			continue;
		pidfd = cp_cradle_take_off(list, b, x->now_ms).pidfd;
		if (pidfd >= 0)
			close(pidfd);
		cp_cradle_give_back(b);
		any = true;
	}
	return any;
}

bool
cp_undo_newborn(const struct cp_heard *x)
{
	bool any = false;

	for (int list = 0; list < CP_CRADLES; list++)
		any = take_back_from((enum cp_cradle)list, x) || any;
	return any && cp_facts_find_ward(cp_heard_child(x)) == NULL;
}
