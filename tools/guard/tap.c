/* SPDX-License-Identifier: MIT */
/* See tap.h. */
#include <sys/inotify.h>

#include <stdlib.h>
#include <unistd.h>

#include "hold.h"
#include "tap.h"

#define SPOTS 1024

static LIST_HEAD(, cp_spot) spots[SPOTS]; /* by wd */

struct cp_spot *
cp_tap_spot(int wd)
{
	struct cp_spot *s;

	LIST_FOREACH(s, &spots[(unsigned int)wd % SPOTS], link)
		if (s->wd == wd)
			return s;
	return NULL;
}

static struct cp_spot *
spot_at(int wd)
{
	struct cp_spot *s = cp_tap_spot(wd);

	if (s != NULL)
		return s;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->wd = wd;
	LIST_INIT(&s->taps);
	LIST_INSERT_HEAD(&spots[(unsigned int)wd % SPOTS], s, link);
	return s;
}

void
cp_tap_close(int inotify, struct cp_tap *t)
{
	struct cp_spot *s = t->spot;

	if (s == NULL)
		return;
	t->spot = NULL;
	LIST_REMOVE(t, next);
	if (!LIST_EMPTY(&s->taps))
		return;
	/* An inode that is gone has taken its watch with it. */
	(void)inotify_rm_watch(inotify, s->wd);
	LIST_REMOVE(s, link);
	free(s);
}

/*
 * Both ends of a pipe are one inode: of stdout's only the writing counts, and
 * of stdin's the host's writing as well as the ward's reading.
 */
static uint32_t
mask_of(const struct cp_channel *ch)
{
	bool out = ch->kind == CP_KIND_PIPE && ch->access == CP_WRITE;

	return out ? IN_MODIFY : IN_ACCESS | IN_MODIFY;
}

int
cp_tap_open(int inotify, struct cp_tap *t, const struct cp_ward *w, int k)
{
	const struct cp_channel *ch = &w->channel[k];
	char path[CP_PATH_SIZE];
	int held, wd;

	if (ch->kind == CP_KIND_NONE || t->spot != NULL)
		return 0;
	held = cp_hold(w, k, path);
	/* The host's own end of a socket shows what the host does. */
	if (held < 0)
		held = cp_hold_host(w, k, path);
	if (held < 0)
		return -1;
	/* Another tap may want more of this inode. */
	wd = inotify_add_watch(inotify, path, mask_of(ch) | IN_MASK_ADD);
	close(held);
	if (wd < 0)
		return -1;
	t->spot = spot_at(wd);
	if (t->spot == NULL)
		return -1;
	LIST_INSERT_HEAD(&t->spot->taps, t, next);
	return 0;
}
