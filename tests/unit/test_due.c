/* SPDX-License-Identifier: MIT */
/* Which ward's time has come. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "../../tools/guard/due.h"

#define MANY 1000

static struct cp_ward wards[MANY];

TestSuite(due, .timeout = 60);

/* The numbers of those that are due by NOW, up to 7 of them. */
static const char *
due_by(uint64_t now)
{
	static char text[8];
	struct cp_ward *w;
	size_t n = 0;

	TAILQ_FOREACH(w, cp_due_by(now), ripe)
		if (n < sizeof(text) - 1)
			text[n++] = (char)('0' + (w - wards));
	text[n] = '\0';
	return text;
}

Test(due, in_the_order_of_their_times)
{
	cr_assert_eq(cp_due_next(), 0);
	cp_due(&wards[1], 30);
	cp_due(&wards[2], 10);
	cp_due(&wards[3], 20);
	cr_assert_eq(cp_due_next(), 10);
	cr_assert_str_eq(due_by(9), "");
	cr_assert_str_eq(due_by(20), "23");
	cr_assert_str_eq(due_by(30), "231");
	cr_assert_eq(cp_due_next(), 10);
}

Test(due, nobody_without_a_time)
{
	cp_due(&wards[1], 0);
	cp_due(&wards[2], 10);
	cp_due(&wards[2], 0);
	cp_due(&wards[2], 0);
	cr_assert_eq(cp_due_next(), 0);
	cr_assert_str_eq(due_by(99), "");
}

Test(due, time_is_changed)
{
	cp_due(&wards[1], 10);
	cp_due(&wards[2], 20);
	cp_due(&wards[1], 30);
	cr_assert_eq(wards[1].due_ms, 30);
	cr_assert_eq(cp_due_next(), 20);
	cr_assert_str_eq(due_by(25), "2");
	cp_due(&wards[2], 40);
	cr_assert_str_eq(due_by(25), "");
	cr_assert_eq(cp_due_next(), 30);
	cr_assert_str_eq(due_by(40), "12");
}

/* Who goes through the list meets nobody twice, and nobody is left out. */
Test(due, places_are_kept)
{
	for (int i = 1; i <= 4; i++)
		cp_due(&wards[i], 10);
	cr_assert_str_eq(due_by(10), "1234");
	cp_due(&wards[1], 5);
	cr_assert_str_eq(due_by(10), "1234");
	cp_due(&wards[2], 11);
	cp_due(&wards[5], 9);
	cr_assert_str_eq(due_by(10), "1345");
	cp_due(&wards[3], 0);
	cr_assert_str_eq(due_by(11), "1452");
	cr_assert_eq(cp_due_next(), 5);
}

Test(due, all_of_many)
{
	uint64_t last = 0;
	struct cp_ward *w;
	size_t n = 0;

	srand(1);
	for (int turn = 0; turn < 20; turn++)
		for (int i = 0; i < MANY; i++)
			cp_due(&wards[i], 1 + (uint64_t)rand() % 500);
	for (uint64_t now = 1; now <= 500; now++)
		cr_assert(cp_due_by(now) != NULL);
	TAILQ_FOREACH(w, cp_due_by(500), ripe) {
		cr_assert_geq(w->due_ms, last);
		last = w->due_ms;
		n++;
	}
	cr_assert_eq(n, MANY);
}

Test(due, forgotten_with_all_that_was_known)
{
	cp_due(&wards[1], 10);
	cp_due(&wards[2], 20);
	(void)cp_due_by(15);
	cp_due_reset();
	memset(wards, 0, sizeof(wards));
	cr_assert_eq(cp_due_next(), 0);
	cp_due(&wards[1], 12);
	cr_assert_str_eq(due_by(11), "");
	cr_assert_str_eq(due_by(12), "1");
}
