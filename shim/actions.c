/* SPDX-License-Identifier: MIT */
/*
 * See actions.h.  Owns the notes: one for each object that is in use, found by
 * its address.  No lock: an object, and so its note, is one thread's at a time,
 * and no note is taken from one object for another.  Where there is no room the
 * object is not noted.
 *
 * An object that was changed by a call not known here, or is a copy of another
 * where a noted one has been, is told by what the libc has in it.  Of a noted
 * one that was moved elsewhere, and freed there, the libc may give the memory
 * to another, which may then come to lie where the noted one did: so what is
 * seen in one object is no other's any more.
 */
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "actions.h"
#include "real.h"

#define NOTES	16
#define UNKNOWN (-1)
#define FOREIGN 1 /* no address of the libc's */

struct note {
	_Atomic uintptr_t object; /* its address; 0: free */
	/* What it had after the last action. */
	_Atomic uintptr_t actions;
	int used;
	uint64_t changed; /* fds above 1, by bit N % 64 */
	int from[2];
};

static struct note notes[NOTES];

static int
used_of(const posix_spawn_file_actions_t *fa)
{
#ifdef __GLIBC__
	return fa->__used;
#else
	(void)fa;
	return 0; /* musl: each action is a new address */
#endif
}

static struct note *
find(const posix_spawn_file_actions_t *fa)
{
	for (int i = 0; i < NOTES; i++)
		if (atomic_load(&notes[i].object) == (uintptr_t)fa)
			return &notes[i];
	return NULL;
}

static struct note *
find_or_take(const posix_spawn_file_actions_t *fa)
{
	struct note *n = find(fa);

	for (int i = 0; n == NULL && i < NOTES; i++) {
		uintptr_t nobody = 0;

		if (atomic_compare_exchange_strong(&notes[i].object, &nobody,
			(uintptr_t)fa))
			n = &notes[i];
	}
	return n;
}

/* The same, if nothing has changed FA but what has been noted. */
static struct note *
find_true(const posix_spawn_file_actions_t *fa)
{
	struct note *n = find(fa);

	return n != NULL && n->used == used_of(fa) &&
		atomic_load(&n->actions) == (uintptr_t)fa->__actions ?
	    n :
	    NULL;
}

static void
set(struct note *n, int fd, int from)
{
	if (fd == 0 || fd == 1)
		n->from[fd] = from;
	else
		n->changed |= (uint64_t)1 << (fd % 64);
}

/* Which of our descriptors is the child's FD by now? */
static int
get(const struct note *n, int fd)
{
	if (n == NULL)
		return UNKNOWN;
	if (fd == 0 || fd == 1)
		return n->from[fd];
	return n->changed & (uint64_t)1 << (fd % 64) ? UNKNOWN : fd;
}

/* A note other than N that has ACTIONS is of an object that is gone. */
static void
disown(const struct note *n, uintptr_t actions)
{
	for (int i = 0; i < NOTES; i++) {
		uintptr_t theirs = atomic_load(&notes[i].actions);

		if (&notes[i] != n && theirs == actions)
			(void)atomic_compare_exchange_strong(&notes[i].actions,
			    &theirs, FOREIGN);
	}
}

/* After the libc has added it to FA; N: its note, or NULL. */
static void
note(struct note *n, const posix_spawn_file_actions_t *fa, int fd, int from)
{
	uintptr_t actions = (uintptr_t)fa->__actions;

	disown(n, actions);
	if (n == NULL)
		return;
	set(n, fd, from);
	n->used = used_of(fa);
	atomic_store(&n->actions, actions);
}

void
cp_actions_stdio(const posix_spawn_file_actions_t *fa, int from[2])
{
	const struct note *n = fa == NULL ? NULL : find_true(fa);

	for (int k = 0; k < 2; k++)
		from[k] = n == NULL ? UNKNOWN : n->from[k];
}

CP_EXPORT int
posix_spawn_file_actions_init(posix_spawn_file_actions_t *fa)
{
	int rc = cp_real(posix_spawn_file_actions_init)(fa);
	struct note *n = rc == 0 ? find_or_take(fa) : NULL;

	if (n != NULL) {
		n->used = used_of(fa);
		atomic_store(&n->actions, (uintptr_t)fa->__actions);
		n->changed = 0;
		n->from[0] = n->from[1] = UNKNOWN;
	}
	return rc;
}

CP_EXPORT int
posix_spawn_file_actions_destroy(posix_spawn_file_actions_t *fa)
{
	struct note *n = find(fa);

	if (n != NULL)
		atomic_store(&n->object, 0);
	return cp_real(posix_spawn_file_actions_destroy)(fa);
}

CP_EXPORT int
posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *fa, int fd, int to)
{
	struct note *n = find_true(fa);
	int rc = cp_real(posix_spawn_file_actions_adddup2)(fa, fd, to);

	if (rc == 0)
		note(n, fa, to, get(n, fd));
	return rc;
}

CP_EXPORT int
posix_spawn_file_actions_addopen(posix_spawn_file_actions_t *fa, int fd,
    const char *path, int flags, mode_t mode)
{
	struct note *n = find_true(fa);
	int rc = cp_real(
	    posix_spawn_file_actions_addopen)(fa, fd, path, flags, mode);

	if (rc == 0)
		note(n, fa, fd, UNKNOWN);
	return rc;
}

CP_EXPORT int
posix_spawn_file_actions_addclose(posix_spawn_file_actions_t *fa, int fd)
{
	struct note *n = find_true(fa);
	int rc = cp_real(posix_spawn_file_actions_addclose)(fa, fd);

	if (rc == 0)
		note(n, fa, fd, UNKNOWN);
	return rc;
}
