/* SPDX-License-Identifier: MIT */
/* What a child will have as fd 0 and 1, if nothing comes between. */
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "../../shim/actions.h"
#include "../../shim/channel.h"
#include "../../shim/foresee.h"
#include "../../shim/tell.h"

static int pair[2];
static bool any;
static struct cp_foreseen f;

bool
cp_channel_any(void)
{
	return any;
}

bool
cp_tell_all(void)
{
	return false;
}

/* It has one end as its fd 0, and what it has as fd 1 is not known. */
void
cp_actions_stdio(const posix_spawn_file_actions_t *actions, int from[2])
{
	(void)actions;
	from[0] = pair[0];
	from[1] = -1;
}

static void
make(void)
{
	any = true;
	cr_assert_eq(pipe(pair), 0);
}

TestSuite(foresee, .init = make);

static void
expect(bool foreseen, int kind)
{
	struct cp_end_id end = { .kind = 99 };

	errno = E2BIG;
	cr_assert_eq(cp_foreseen(&f, 0, &end), foreseen);
	cr_assert_eq(end.kind, foreseen ? kind : 99, "kind %d", end.kind);
	cr_assert(!cp_foreseen(&f, 1, &end), "fd 1 was not known");
	cr_assert_eq(errno, E2BIG);
}

Test(foresee, as_it_was)
{
	cp_foresee(&f, NULL);
	cr_assert(f.wanted);
	expect(true, CP_KIND_PIPE);
}

Test(foresee, not_where_no_child_is_looked_at)
{
	any = false;
	cp_foresee(&f, NULL);
	cr_assert(!f.wanted);
	expect(false, 0);
}

Test(foresee, another_end_has_come_between)
{
	cp_foresee(&f, NULL);
	cr_assert_eq(dup2(pair[1], pair[0]), pair[0]);
	expect(false, 0);
}

Test(foresee, another_channel_has_come_between)
{
	int other[2];

	cr_assert_eq(pipe(other), 0);
	cp_foresee(&f, NULL);
	cr_assert_eq(dup2(other[0], pair[0]), pair[0]);
	expect(false, 0);
}

Test(foresee, closed_meanwhile)
{
	cp_foresee(&f, NULL);
	cr_assert_eq(close(pair[0]), 0);
	expect(false, 0);
}

Test(foresee, opened_meanwhile)
{
	int end = dup(pair[0]);

	cr_assert_eq(close(pair[0]), 0);
	errno = E2BIG;
	cp_foresee(&f, NULL);
	cr_assert_eq(errno, E2BIG);
	expect(true, CP_KIND_NONE);
	cr_assert_eq(dup2(end, pair[0]), pair[0]);
	expect(false, 0);
}
