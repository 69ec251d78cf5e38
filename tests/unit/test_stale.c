/* SPDX-License-Identifier: MIT */
/* Who of too many is retired. */
#include <criterion/criterion.h>

#include "../../tools/guard/stale.h"

#define IDLE 1000

static struct cp_candidate v[8];
static size_t n;

static void
begin(void)
{
	n = 0;
}

TestSuite(stale, .timeout = 10, .init = begin);

/* A candidate; its serial is its name, from 1 in the order of birth. */
static struct cp_candidate *
one(uint64_t idle_ms)
{
	v[n] = (struct cp_candidate){ .host = 1, .key = 1,
		.serial = (uint32_t)n + 1, .rank_ms = 10 * (n + 1),
		.idle_ms = idle_ms, .eligible = true };
	return &v[n++];
}

/* Who goes, as a mask of serials. */
static unsigned int
chosen(uint32_t keep)
{
	unsigned int who = 0;
	size_t count = cp_stale_choose(v, n, keep, IDLE), said = 0;

	for (size_t i = 0; i < n; i++)
		if (v[i].retire) {
			who |= 1u << v[i].serial;
			said++;
		}
	cr_assert_eq(count, said);
	return who;
}

#define ONE   (1u << 1)
#define TWO   (1u << 2)
#define THREE (1u << 3)

Test(stale, no_more_than_are_kept)
{
	one(IDLE);
	one(IDLE);
	cr_assert_eq(chosen(2), 0);
	cr_assert_eq(chosen(3), 0);
	cr_assert_eq(chosen(1), ONE);
}

Test(stale, longest_idle_first)
{
	one(IDLE + 1);
	one(IDLE + 2);
	one(IDLE);
	cr_assert_eq(chosen(2), TWO);
	cr_assert_eq(chosen(1), ONE | TWO);
}

Test(stale, of_equals_the_oldest)
{
	one(IDLE);
	one(IDLE);
	one(IDLE);
	cr_assert_eq(chosen(2), ONE);
}

Test(stale, never_the_newest)
{
	one(IDLE - 1);
	one(IDLE - 1);
	one(10 * IDLE);
	cr_assert_eq(chosen(1), 0);
	begin();
	one(IDLE - 1);
	one(IDLE);
	one(10 * IDLE);
	cr_assert_eq(chosen(1), TWO);
}

/* It came back in the place of a retired one: not the newest, if told last. */
Test(stale, newest_is_by_rank)
{
	one(IDLE);
	one(IDLE);
	one(IDLE)->rank_ms = 5;
	cr_assert_eq(chosen(1), ONE | THREE);
}

Test(stale, newest_of_the_same_moment)
{
	one(IDLE)->rank_ms = 7;
	one(IDLE)->rank_ms = 7;
	cr_assert_eq(chosen(1), ONE);
}

Test(stale, who_is_not_idle_long_enough_stays)
{
	one(IDLE - 1);
	one(IDLE);
	one(0);
	cr_assert_eq(chosen(1), TWO);
}

/* Spared or unknown: it counts, and stays; the next one goes. */
Test(stale, who_is_not_eligible_stays)
{
	one(10 * IDLE)->eligible = false;
	one(IDLE);
	one(IDLE);
	cr_assert_eq(chosen(2), TWO);
	cr_assert_eq(chosen(1), TWO);
}

Test(stale, nobody)
{
	cr_assert_eq(chosen(1), 0);
	one(IDLE);
	cr_assert_eq(chosen(1), 0);
}

Test(stale, groups)
{
	one(IDLE);
	one(IDLE)->key = 2;
	one(IDLE)->host = 2;
	one(IDLE)->key = 2;
	one(IDLE);
	cp_stale_sort(v, n);
	cr_assert_eq(cp_stale_group(v, n), 2);
	cr_assert(v[0].host == 1 && v[0].key == 1);
	cr_assert_eq(cp_stale_group(v + 2, n - 2), 2);
	cr_assert(v[2].host == 1 && v[2].key == 2);
	cr_assert_eq(cp_stale_group(v + 4, n - 4), 1);
	cr_assert_eq(cp_stale_group(v, 0), 0);
}
