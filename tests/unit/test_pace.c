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

/* How long a rest takes at the end of some, in ms. */
static uint64_t
rests(bool hosts_live)
{
	uint64_t began = 0;

	for (int i = 0; i < 8; i++) {
		began = cp_watch_now();
		cp_pace_rest(0, 10, hosts_live);
	}
	return cp_watch_now() - began;
}

/* What a child leaves that dies meanwhile must be heard. */
Test(pace, longer_when_only_the_dead_have_wards)
{
	uint64_t dead = rests(false), least = UINT64_MAX;

	/* A busy machine makes it longer, but never shorter. */
	for (int i = 0; i < 100 && least > 2; i++) {
		uint64_t live = rests(true);

		if (live < least)
			least = live;
	}
	cr_assert_leq(least, 2);
	cr_assert_geq(dead, 3);
}
