/* SPDX-License-Identifier: MIT */
/* Who may come back how often, by a clock that the test winds. */
#include <criterion/criterion.h>

#include "../../tools/guard/brake.h"

#define KEEP   2
#define RANK   500
#define SECOND UINT64_C(1000)
#define MINUTE (60 * SECOND)

static uint64_t now;
static struct cp_attempt attempt;

static void
begin(void)
{
	cp_brake_reset();
	now = 100 * MINUTE;
	attempt = (struct cp_attempt){
		.by = { .host = 3, .host_serial = 33, .thread = 7, .key = 99 },
		.may_refuse = true,
		.others = KEEP,
		.keep = KEEP,
	};
}

TestSuite(brake, .timeout = 10, .init = begin);

static void
retired(void)
{
	cp_brake_retired(&attempt.by, RANK, now);
}

static struct cp_braking
comes(void)
{
	attempt.now_ms = now;
	return cp_brake_attempt(&attempt);
}

/* Two comebacks, each retired again: the next is the third. */
static void
twice(void)
{
	for (int i = 0; i < 2; i++) {
		retired();
		now += SECOND;
		cr_assert(!comes().refuse);
		now += SECOND;
	}
	retired();
	now += SECOND;
}

Test(brake, nobody_was_retired)
{
	for (int i = 0; i < 10; i++) {
		struct cp_braking b = comes();

		cr_assert(!b.refuse && !b.began);
		cr_assert_eq(b.rank_ms, 0);
	}
}

/* Just older than who was told of together with the one that was retired. */
Test(brake, takes_the_place_of_the_retired)
{
	struct cp_braking b;

	retired();
	b = comes();
	cr_assert(!b.refuse);
	cr_assert_eq(b.rank_ms, RANK - 1);
	b = comes(); /* one more is new */
	cr_assert_eq(b.rank_ms, 0);
}

Test(brake, after_a_minute_it_is_new)
{
	retired();
	now += MINUTE + 1;
	cr_assert_eq(comes().rank_ms, 0);
}

Test(brake, others_are_new)
{
	struct cp_attempt other;

	for (int i = 0; i < 4; i++) {
		begin();
		twice();
		other = attempt;
		other.now_ms = now;
		other.by.host += i == 0;
		other.by.host_serial += i == 1;
		other.by.thread += i == 2;
		other.by.key += i == 3;
		cr_assert(!cp_brake_attempt(&other).refuse, "%d", i);
		cr_assert_eq(cp_brake_attempt(&other).rank_ms, 0, "%d", i);
		cr_assert(comes().refuse, "%d", i);
	}
}

Test(brake, third_within_a_minute)
{
	struct cp_braking b;

	twice();
	b = comes();
	cr_assert(b.refuse && b.began);
	cr_assert_eq(b.times, 3);
	cr_assert_eq(b.wait_ms, SECOND);
}

Test(brake, third_in_more_than_a_minute)
{
	for (int i = 0; i < 10; i++) {
		retired();
		now += 31 * SECOND;
		cr_assert(!comes().refuse, "%d", i);
	}
}

Test(brake, not_while_fewer_live)
{
	twice();
	attempt.others = KEEP - 1;
	cr_assert(!comes().refuse);
}

/* Nobody waits for the answer: it comes, and is counted. */
Test(brake, who_does_not_ask_is_not_refused)
{
	struct cp_braking b;

	twice();
	attempt.may_refuse = false;
	b = comes();
	cr_assert(!b.refuse && !b.began);
	cr_assert_eq(b.rank_ms, RANK - 1);
	retired();
	attempt.may_refuse = true;
	cr_assert(comes().refuse);
}

Test(brake, is_said_once)
{
	twice();
	cr_assert(comes().began);
	for (int i = 0; i < 9; i++) {
		struct cp_braking b;

		now += SECOND / 10;
		b = comes();
		cr_assert(b.refuse && !b.began == (i < 9), "%d", i);
	}
	now += SECOND / 10;
	cr_assert(comes().began); /* its time is over, and it begins anew */
}

Test(brake, doubles_up_to_a_minute)
{
	static const uint32_t waits[] = { 1, 2, 4, 8, 16, 32, 60, 60 };
	size_t begun = 0;
	uint64_t until = 0;

	twice();
	while (begun < sizeof(waits) / sizeof(waits[0])) {
		struct cp_braking b = comes();

		cr_assert(b.refuse);
		cr_assert_eq(b.began, now >= until);
		if (b.began) {
			cr_assert_eq(b.wait_ms, waits[begun] * SECOND);
			until = now + b.wait_ms;
			begun++;
		}
		now += SECOND / 2;
	}
}

/* One that gives up for a minute starts from the beginning. */
Test(brake, is_over_after_a_quiet_minute)
{
	twice();
	cr_assert(comes().refuse);
	now += MINUTE + 1;
	cr_assert(!comes().refuse);
	twice();
	cr_assert_eq(comes().wait_ms, SECOND);
}

/* As many as are kept no longer live: it may. */
Test(brake, is_released)
{
	twice();
	cr_assert(comes().refuse);
	now += 2 * SECOND;
	attempt.others = KEEP - 1;
	cr_assert(!comes().refuse);
	cr_assert_eq(comes().rank_ms, 0);
}

/* A search along PATH asks for each directory. */
Test(brake, one_process_is_one_attempt)
{
	retired();
	attempt.pid = 41;
	for (int i = 0; i < 5; i++)
		cr_assert_eq(comes().rank_ms, RANK - 1);
	begin();
	twice();
	attempt.pid = 42;
	cr_assert(comes().began);
	for (int i = 0; i < 5; i++) {
		struct cp_braking b = comes();

		cr_assert(b.refuse && !b.began);
		cr_assert_eq(b.times, 3);
	}
	attempt.pid = 43;
	cr_assert(comes().refuse);
}

Test(brake, unknown_commands_are_not_held_back)
{
	attempt.by.key = 0;
	for (int i = 0; i < 5; i++) {
		retired();
		cr_assert(!comes().refuse);
	}
}

/* More than there is room for: the ones touched last are known. */
Test(brake, table_is_full)
{
	for (uint32_t i = 0; i < 5000; i++) {
		attempt.by.thread = i;
		retired();
		now++;
	}
	cr_assert_eq(comes().rank_ms, RANK - 1);
	attempt.by.thread = 0;
	cr_assert_eq(comes().rank_ms, 0);
}
