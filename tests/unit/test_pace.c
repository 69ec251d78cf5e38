/* SPDX-License-Identifier: MIT */
/* When the guard takes a rest. */
#include <criterion/criterion.h>

#include "../../tools/guard/pace.h"

TestSuite(pace, .timeout = 60);

static bool
storm(enum cp_tag first, enum cp_tag second, uint64_t now_ms)
{
	struct cp_event events[] = { { .tag = first }, { .tag = second } };

	return cp_pace_is_storm(events, 2, now_ms);
}

Test(pace, news_that_follow_each_other)
{
	cr_assert(!storm(CP_TAG_SOCKET, CP_TAG_NEWBORN, 1000));
	cr_assert(storm(CP_TAG_SOCKET, CP_TAG_TIMER, 1001));
	cr_assert(storm(CP_TAG_CLOSES, CP_TAG_HOST, 1003));
	cr_assert(!storm(CP_TAG_SOCKET, CP_TAG_SOCKET, 1006));
}

/* Nobody is told of anything by them. */
Test(pace, timers_are_no_news)
{
	(void)storm(CP_TAG_SOCKET, CP_TAG_SOCKET, 1000);
	cr_assert(!storm(CP_TAG_TIMER, CP_TAG_TIMER, 1001));
	cr_assert(!storm(CP_TAG_TIMER, CP_TAG_TIMER, 1002));
	cr_assert(!storm(CP_TAG_SOCKET, CP_TAG_SOCKET, 1003), "nor count");
}

Test(pace, orders_can_not_wait)
{
	(void)storm(CP_TAG_SOCKET, CP_TAG_SOCKET, 1000);
	cr_assert(!storm(CP_TAG_SOCKET, CP_TAG_SIGNAL, 1001));
	cr_assert(!storm(CP_TAG_SENTINEL, CP_TAG_SOCKET, 1001));
}
