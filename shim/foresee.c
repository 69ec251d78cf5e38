/* SPDX-License-Identifier: MIT */
/* See foresee.h.  Owns nothing. */
#include <errno.h>
#include <string.h>

#include "actions.h"
#include "channel.h"
#include "common/raw.h"
#include "foresee.h"
#include "tell.h"

/* One that is not open is no end: it is not open in the child either. */
static void
see(int fd, struct cp_end_id *end)
{
	memset(end, 0, sizeof(*end));
	(void)cp_procfs_own_end(fd, end);
}

static bool
is_same(const struct cp_end_id *a, const struct cp_end_id *b)
{
	return a->kind == b->kind && a->ino == b->ino && a->birth == b->birth &&
	    a->access == b->access && a->deleted == b->deleted;
}

void
cp_foresee(struct cp_foreseen *f, const posix_spawn_file_actions_t *actions)
{
	int saved = errno;

	f->from[0] = f->from[1] = -1;
	f->wanted = cp_channel_any() || cp_tell_all();
	if (f->wanted)
		cp_actions_stdio(actions, f->from);
	for (int fd = 0; fd < 2; fd++)
		if (f->from[fd] != -1)
			see(f->from[fd], &f->end[fd]);
	cp_errno(saved);
}

bool
cp_foreseen(const struct cp_foreseen *f, int fd, struct cp_end_id *end)
{
	struct cp_end_id now;
	int saved = errno;

	if (f->from[fd] == -1)
		return false;
	see(f->from[fd], &now);
	cp_errno(saved);
	if (!is_same(&now, &f->end[fd]))
		return false;
	*end = now;
	return true;
}
