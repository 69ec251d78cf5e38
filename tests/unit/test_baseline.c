/* SPDX-License-Identifier: MIT */
/* Since when nothing has changed, with made up samples. */
#include <criterion/criterion.h>

#include "../../tools/guard/baseline.h"

static struct cp_baseline b;
static struct cp_sample s[3];

static void
begin(void)
{
	for (int i = 0; i < 3; i++)
		s[i] = (struct cp_sample){ 100 + i, 7,
			{ .cpu = 10, .bytes = 1000 } };
}

static void
end(void)
{
	cp_baseline_free(&b);
}

TestSuite(baseline, .timeout = 10, .init = begin, .fini = end);

/* The first sample at 1000, then N of the same, changed or not, at 2000. */
#define feed(n, at) cp_baseline_feed(&b, s, n, at)
#define unchanged(n)                                                           \
	do {                                                                   \
		cr_assert(feed(n, 2000));                                      \
		cr_assert_eq(b.since_ms, 1000);                                \
	} while (0)
#define changed(n)                                                             \
	do {                                                                   \
		cr_assert(!feed(n, 2000));                                     \
		cr_assert_eq(b.since_ms, 2000);                                \
	} while (0)

Test(baseline, silence)
{
	cr_assert(!feed(2, 1000));
	unchanged(2);
	cr_assert(feed(2, 3000));
	cr_assert_eq(b.since_ms, 1000);
}

Test(baseline, in_any_order)
{
	struct cp_sample first = s[0];

	(void)feed(2, 1000);
	s[0] = s[1];
	s[1] = first;
	unchanged(2);
}

Test(baseline, cpu_time)
{
	(void)feed(2, 1000);
	s[1].usage.cpu++;
	changed(2);
	cr_assert(feed(2, 3000));
	cr_assert_eq(b.since_ms, 2000);
}

Test(baseline, bytes)
{
	(void)feed(2, 1000);
	s[0].usage.bytes++;
	changed(2);
}

Test(baseline, running)
{
	(void)feed(2, 1000);
	s[0].usage.busy = true;
	changed(2);
	cr_assert(!feed(2, 3000));
}

Test(baseline, somebody_new)
{
	(void)feed(2, 1000);
	changed(3);
}

Test(baseline, somebody_has_ended)
{
	(void)feed(3, 1000);
	changed(2);
}

Test(baseline, pid_of_another)
{
	(void)feed(2, 1000);
	s[1].start++;
	changed(2);
}

/* Nobody was seen: that is no rest. */
Test(baseline, nobody)
{
	cr_assert(!feed(0, 1000));
	changed(0);
}

Test(baseline, unknown)
{
	(void)feed(2, 1000);
	cp_baseline_void(&b);
	changed(2);
}

Test(baseline, sum)
{
	struct cp_usage u;

	(void)feed(3, 1000);
	u = cp_baseline_sum(&b);
	cr_assert_eq(u.cpu, 30);
	cr_assert_eq(u.bytes, 3000);
}
