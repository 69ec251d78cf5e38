/* SPDX-License-Identifier: MIT */
/*
 * What the user's options add to the judge: children=all, whose wards have no
 * channels, and wards that were retired.
 */
#include "judge_world.h"

TestSuite(suspect, .timeout = 20, .init = world_begin);

/* A child whose stdio is anything but the host's. */
static void
any(void)
{
	reader();
	drop(HOST, 5);
	drop(CHILD, 0);
	world.ward.channel[0] = (struct cp_channel){ 0 };
	world.ward.any = true;
}

#define is_stale() is(CP_STALE, CP_RULE_STALE)

Test(suspect, any_goes_with_its_host)
{
	any();
	is_live();
	host_dies();
	is_gone();
	goes(CHILD);
	cr_assert_eq(judge().act_ms, GONE_MS + 2000);
	world.ward.any = false;
	is(CP_SPARED, CP_RULE_UNPROVEN);
}

Test(suspect, any_with_its_descendants)
{
	any();
	proc(OTHER, CHILD);
	host_dies();
	goes(OTHER);
}

Test(suspect, any_is_spared_by_name)
{
	any();
	world.ward.spare = true;
	host_dies();
	is(CP_SPARED, CP_RULE_SPARE);
}

Test(suspect, any_has_ended)
{
	any();
	dies(CHILD);
	is(CP_NOBODY, CP_RULE_NOBODY_LEFT);
	host_dies();
	is(CP_NOBODY, CP_RULE_NOBODY_LEFT);
}

/* Whatever its parent runs by now, it has one. */
Test(suspect, any_of_a_host_that_execs)
{
	any();
	find(HOST)->image = 1;
	is_live();
	host_dies();
	is_gone();
}

/* Its wait(2) is for the duplex ones; its death is not far. */
Test(suspect, any_of_a_host_that_leaves)
{
	any();
	world.host.leaving = true;
	world.host.gone_ms = GONE_MS;
	is_live();
}

/* The number was that of another PID namespace: this is the host's copy. */
Test(suspect, any_of_a_fork_copy)
{
	any();
	host_dies();
	proc(OTHER, INIT)->image = world.host.image;
	is_gone();
	find(CHILD)->ppid = OTHER;
	is_by(CP_ADOPT, CP_RULE_HEIR, OTHER);
}

Test(suspect, any_is_never_stale)
{
	any();
	world.ward.retired = true;
	is_live();
}

Test(suspect, retired)
{
	duplex();
	proc(OTHER, CHILD);
	is_live();
	world.ward.retired = true;
	is_stale();
	cr_assert_eq(judge().act_ms, NOW_MS);
	goes(CHILD);
	goes(OTHER);
	stays(HOST);
}

Test(suspect, retired_but_spared_by_name)
{
	duplex();
	world.ward.retired = world.ward.spare = true;
	is_live();
	world.ward.spare = false;
	is_stale();
}

/* It stays so until it is gone. */
Test(suspect, retired_and_signalled)
{
	duplex();
	world.ward.retired = true;
	world.ward.step = CP_STEP_TERM;
	is_stale();
	dies(CHILD);
	is(CP_NOBODY, CP_RULE_NOBODY_LEFT);
}

/* What is proven comes first. */
Test(suspect, retired_when_its_host_is_gone)
{
	duplex();
	world.ward.retired = true;
	host_dies();
	is_gone();
	cr_assert_eq(judge().act_ms, GONE_MS + 2000);
}

Test(suspect, retired_but_who_can_tell)
{
	duplex();
	world.ward.retired = true;
	world.complete = false;
	is(CP_DOUBT, CP_RULE_INCOMPLETE);
}
