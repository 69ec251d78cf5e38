/* SPDX-License-Identifier: MIT */
/*
 * See actions.h.  Owns the notes: one for each object that is in use, found by
 * its address.  No lock: an object, and so its note, is one thread's at a time,
 * and no note is taken from one object for another.  Where there is no room the
 * object is not noted.
 *
 * An object that was changed by a call not known here, or is a copy of another
 * where a noted one has been, is told by what the libc counts in it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "actions.h"
#include "common/raw.h"
#include "real.h"

#define NOTES	16
#define UNKNOWN (-1)

struct note {
	_Atomic uintptr_t object; /* its address; 0: free */
	uintptr_t print;	  /* of the object after the last action */
	uint64_t changed;	  /* fds above 1, by bit N % 64 */
	int from[2];
};

static struct note notes[NOTES];

static uintptr_t
print_of(const posix_spawn_file_actions_t *fa)
{
	uintptr_t print = (uintptr_t)fa->__actions;

#ifdef __GLIBC__
	print += (uintptr_t)(unsigned)fa->__used << (sizeof(print) * 8 - 16);
#endif
	return print;
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

	return n != NULL && n->print == print_of(fa) ? n : NULL;
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
	if (fd == 0 || fd == 1)
		return n->from[fd];
	return n->changed & (uint64_t)1 << (fd % 64) ? UNKNOWN : fd;
}

/* After the libc has added it to FA. */
static void
note(struct note *n, const posix_spawn_file_actions_t *fa, int fd, int from)
{
	set(n, fd, from);
	n->print = print_of(fa);
}

void
cp_actions_stdio(const posix_spawn_file_actions_t *fa, int from[2])
{
	const struct note *n = fa == NULL ? NULL : find_true(fa);
	int saved = errno, flags;

	for (int k = 0; k < 2; k++) {
		from[k] = n != NULL ? n->from[k] : fa == NULL ? k : UNKNOWN;
		if (from[k] != k)
			continue;
		flags = cp_raw_fcntl(k, F_GETFD, 0);
		if (flags == -1 || flags & FD_CLOEXEC)
			from[k] = UNKNOWN;
	}
	cp_errno(saved);
}

CP_EXPORT int
posix_spawn_file_actions_init(posix_spawn_file_actions_t *fa)
{
	int rc = cp_real(posix_spawn_file_actions_init)(fa);
	struct note *n = rc == 0 ? find_or_take(fa) : NULL;

	if (n != NULL) {
		n->print = print_of(fa);
		n->changed = 0;
		n->from[0] = 0;
		n->from[1] = 1;
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

	if (n != NULL && rc == 0)
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

	if (n != NULL && rc == 0)
		note(n, fa, fd, UNKNOWN);
	return rc;
}

CP_EXPORT int
posix_spawn_file_actions_addclose(posix_spawn_file_actions_t *fa, int fd)
{
	struct note *n = find_true(fa);
	int rc = cp_real(posix_spawn_file_actions_addclose)(fa, fd);

	if (n != NULL && rc == 0)
		note(n, fa, fd, UNKNOWN);
	return rc;
}
