/* SPDX-License-Identifier: MIT */
/* What a posix_spawn's file actions make of fd 0 and 1. */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <spawn.h>
#include <string.h>

#include "../../shim/actions.h"

#define MANY 64 /* more objects than are noted */

static posix_spawn_file_actions_t fa;

static void
make(void)
{
	cr_assert_eq(posix_spawn_file_actions_init(&fa), 0);
}

static void
unmake(void)
{
	cr_assert_eq(posix_spawn_file_actions_destroy(&fa), 0);
}

TestSuite(actions, .init = make, .fini = unmake);

static void
expect(const posix_spawn_file_actions_t *of, int in, int out)
{
	int from[2];

	cp_actions_stdio(of, from);
	cr_assert_eq(from[0], in, "fd 0 from %d, not %d", from[0], in);
	cr_assert_eq(from[1], out, "fd 1 from %d, not %d", from[1], out);
}

static void
dup_to(int fd, int to)
{
	cr_assert_eq(posix_spawn_file_actions_adddup2(&fa, fd, to), 0);
}

/* Any thread may put something else there meanwhile. */
Test(actions, ours_are_not_foreseen)
{
	expect(NULL, -1, -1);
	expect(&fa, -1, -1);
	dup_to(0, 1);
	expect(&fa, -1, -1);
}

Test(actions, dup2)
{
	dup_to(7, 0);
	expect(&fa, 7, -1);
	dup_to(8, 1);
	dup_to(9, 2);
	expect(&fa, 7, 8);
	dup_to(0, 1);
	expect(&fa, 7, 7);
}

Test(actions, swapped_by_way_of_a_third)
{
	dup_to(7, 0);
	dup_to(0, 70);
	dup_to(8, 0);
	dup_to(70, 1); /* 7, which is more than a note holds */
	expect(&fa, 8, -1);
}

Test(actions, a_source_may_have_changed)
{
	dup_to(9, 7);
	dup_to(7, 0);
	cr_assert_eq(posix_spawn_file_actions_addclose(&fa, 8), 0);
	dup_to(8, 1);
	expect(&fa, -1, -1);
	dup_to(10, 0); /* none of those */
	expect(&fa, 10, -1);
}

Test(actions, opened_or_closed)
{
	dup_to(7, 0);
	dup_to(8, 1);
	cr_assert_eq(posix_spawn_file_actions_addopen(&fa, 0, "/dev/null",
			 O_RDONLY, 0),
	    0);
	expect(&fa, -1, 8);
	cr_assert_eq(posix_spawn_file_actions_addclose(&fa, 1), 0);
	expect(&fa, -1, -1);
}

Test(actions, a_refused_one_is_none)
{
	dup_to(7, 0);
	cr_assert_neq(posix_spawn_file_actions_adddup2(&fa, -1, 0), 0);
	cr_assert_neq(posix_spawn_file_actions_addclose(&fa, -1), 0);
	expect(&fa, 7, -1);
}

/* musl lacks the first, and neither is a hook of ours. */
Test(actions, one_that_is_not_known)
{
	dup_to(7, 0);
	cr_assert_eq(posix_spawn_file_actions_addclosefrom_np(&fa, 0), 0);
	expect(&fa, -1, -1);
	dup_to(8, 1);
	expect(&fa, -1, -1);
	unmake();
	cr_assert_eq(posix_spawn_file_actions_init(&fa), 0);
	dup_to(7, 0);
	cr_assert_eq(posix_spawn_file_actions_addchdir_np(&fa, "/"), 0);
	expect(&fa, -1, -1);
}

Test(actions, initialized_anew)
{
	dup_to(7, 0);
	unmake();
	cr_assert_eq(posix_spawn_file_actions_init(&fa), 0);
	expect(&fa, -1, -1);
	dup_to(8, 1);
	expect(&fa, -1, 8);
}

/* Nobody destroyed the object that was there before. */
Test(actions, a_copy_where_another_was)
{
	posix_spawn_file_actions_t other, kept;

	dup_to(7, 0);
	cr_assert_eq(posix_spawn_file_actions_init(&other), 0);
	cr_assert_eq(posix_spawn_file_actions_adddup2(&other, 8, 0), 0);
	expect(&other, 8, -1);
	kept = other;
	other = fa;
	expect(&other, -1, -1);
	expect(&fa, 7, -1);
	other = kept;
	expect(&other, 8, -1);
	cr_assert_eq(posix_spawn_file_actions_destroy(&other), 0);
}

/*
 * The libc gives what was freed last to the next who asks, so that the one
 * moved in has the very memory of the one moved away.
 */
Test(actions, one_moved_where_another_was)
{
	posix_spawn_file_actions_t other;

	dup_to(7, 0);
	dup_to(8, 1);
	cr_assert_eq(posix_spawn_file_actions_init(&other), 0);
	/* As after a destroy elsewhere: a sanitizer's malloc is different. */
	other.__actions = fa.__actions;
	other.__allocated = fa.__allocated;
	cr_assert_eq(posix_spawn_file_actions_adddup2(&other, 9, 0), 0);
	cr_assert_eq(posix_spawn_file_actions_adddup2(&other, 10, 1), 0);
	cr_assert_eq(other.__actions, fa.__actions, "it was moved");
	fa = other;
	expect(&fa, -1, -1);
}

/* What the copy adds lies where the first one's next was, or will be. */
Test(actions, two_that_share_memory)
{
	posix_spawn_file_actions_t copy;

	dup_to(7, 0);
	copy = fa;
	dup_to(8, 1);
	cr_assert_eq(posix_spawn_file_actions_adddup2(&copy, 9, 1), 0);
	expect(&fa, -1, -1);
	expect(&copy, -1, -1);
}

Test(actions, room_for_so_many)
{
	static posix_spawn_file_actions_t many[MANY];
	int noted = 0, from[2];

	for (int i = 0; i < MANY; i++) {
		cr_assert_eq(posix_spawn_file_actions_init(&many[i]), 0);
		cr_assert_eq(posix_spawn_file_actions_adddup2(&many[i], 100 + i,
				 0),
		    0);
	}
	for (int i = 0; i < MANY; i++) {
		cp_actions_stdio(&many[i], from);
		cr_assert(from[0] == 100 + i || from[0] == -1);
		noted += from[0] != -1;
	}
	cr_assert_gt(noted, 1);
	cr_assert_lt(noted, MANY, "nothing is full: more than %d", MANY);
	expect(&many[MANY - 1], -1, -1);
	for (int i = 0; i < MANY; i++)
		cr_assert_eq(posix_spawn_file_actions_destroy(&many[i]), 0);
	cr_assert_eq(posix_spawn_file_actions_init(&many[MANY - 1]), 0);
	cr_assert_eq(posix_spawn_file_actions_adddup2(&many[MANY - 1], 7, 0),
	    0);
	expect(&many[MANY - 1], 7, -1);
	cr_assert_eq(posix_spawn_file_actions_destroy(&many[MANY - 1]), 0);
}
