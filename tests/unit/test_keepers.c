/* SPDX-License-Identifier: MIT */
/*
 * peer-gone: somebody still has a host end that the host has closed.  Who is a
 * peer, and who has it by accident, is a table.
 */
#include "wires.h"

TestSuite(keepers, .timeout = 20, .init = world_begin);

static struct cp_proc *
child_of_host(pid_t pid)
{
	return proc(pid, HOST);
}

static void
fork_worker(void)
{
	child_of_host(OTHER)->image = world.host.image;
}

static void
fork_worker_reparented(void)
{
	proc(OTHER, INIT)->image = world.host.image;
}

static void
child_no_ward(void)
{
	child_of_host(OTHER);
}

static void
grandchild_no_ward(void)
{
	proc(OTHER, child_of_host(ANOTHER)->pid);
}

static void
stranger(void)
{
	proc(OTHER, INIT);
}

static void
stranger_of_root(void)
{
	proc(OTHER, INIT)->uid = 0;
}

static void
sibling(void)
{
	child_of_host(OTHER);
	sibling_at(OTHER);
}

static void
sibling_not_execd(void)
{
	sibling();
	find(OTHER)->image = world.host.image;
}

static void
sibling_in_exec(void)
{
	sibling();
	find(OTHER)->image = 0;
}

static void
former_sibling(void)
{
	child_of_host(OTHER);
	sibling_at(OTHER)->start--; /* the number's last bearer */
}

static void
of_a_sibling(void)
{
	child_of_host(ANOTHER);
	sibling_at(ANOTHER);
	proc(THIRD, ANOTHER);
	proc(OTHER, THIRD);
}

/* A sibling forks, and its copy has not exec'd: what it runs is no host. */
static void
copy_of_a_sibling(void)
{
	of_a_sibling();
	find(OTHER)->image = find(ANOTHER)->image;
}

/* `sibling` has ended; what it had started is nobody's now. */
static void
orphan_of_a_sibling(void)
{
	of_a_sibling();
	dies(ANOTHER);
	dies(THIRD);
}

static void
ward_of_another_host(void)
{
	proc(ANOTHER, INIT);
	proc(OTHER, ANOTHER);
	other_ward_at(OTHER, ANOTHER);
}

/* The host is a ward itself: what it forks or starts is the host's. */
static void
nested(void)
{
	proc(ELDER, INIT);
	find(HOST)->ppid = ELDER;
	other_ward_at(HOST, ELDER);
}

static void
nested_worker(void)
{
	nested();
	fork_worker();
}

static void
nested_child(void)
{
	nested();
	child_no_ward();
}

static void
host_of_the_host(void)
{
	nested();
	proc(OTHER, ELDER);
	other_ward_at(OTHER, ELDER); /* a sibling of the host's */
}

static void
own_child(void)
{
	proc(OTHER, CHILD);
}

static void
own_copy(void)
{
	proc(OTHER, CHILD)->image = find(CHILD)->image;
}

/* OTHER in all of them. */
static const struct keeper {
	const char *name;
	void (*make)(void);
	bool accident; /* at a high number it does not count */
} keepers[] = {
	{ "fork worker", fork_worker, false },
	{ "reparented fork worker", fork_worker_reparented, false },
	{ "child that is no ward", child_no_ward, false },
	{ "grandchild that is no ward", grandchild_no_ward, false },
	{ "stranger", stranger, false },
	{ "stranger of root", stranger_of_root, false },
	{ "sibling", sibling, true },
	{ "sibling before its exec", sibling_not_execd, false },
	{ "sibling in its exec", sibling_in_exec, false },
	{ "who has a sibling's number", former_sibling, false },
	{ "grandchild of a sibling", of_a_sibling, true },
	{ "fork of a sibling", copy_of_a_sibling, true },
	{ "orphan of a sibling", orphan_of_a_sibling, false },
	{ "ward of another host", ward_of_another_host, false },
	{ "nested host's worker", nested_worker, false },
	{ "nested host's child", nested_child, false },
	{ "nested host's sibling", host_of_the_host, false },
	{ "child of the ward", own_child, true },
	{ "fork of the ward", own_copy, true },
};

Test(keepers, all)
{
	const size_t n = sizeof(keepers) / sizeof(keepers[0]);

	for (v = wires; v < wires + WIRES; v++)
		for (const struct keeper *p = keepers; p < keepers + n; p++)
			for (int k = 0; k < v->n; k++) {
				abandoned(k);
				p->make();
				keeps(OTHER, 9, k);
				expect(p->accident, p->name);
				drop(OTHER, 9);
				expect(false, "in flight");
				abandoned(-1);
				p->make();
				expect(true, "it has none");
			}
}

/* What is close-on-exec at the host was given away on purpose. */
Test(keepers, sealed)
{
	for (v = wires; v < wires + WIRES; v++)
		for (int k = 0; k < v->n; k++) {
			abandoned(k);
			of_a_sibling();
			keeps(ANOTHER, 9, k);
			expect(true, "inherited");
			world.ward.channel[k].sealed = true;
			expect(false, "passed on");
			drop(ANOTHER, 9);
			keeps(OTHER, 9, k);
			expect(false, "passed on, and on");
			drop(OTHER, 9);
			keeps(CHILD, 9, k);
			expect(true, "its own");
		}
}

/* What talks through an end is a peer, whoever it is. */
Test(keepers, neighbours)
{
	const size_t n = sizeof(keepers) / sizeof(keepers[0]);

	for (v = wires; v < wires + WIRES; v++)
		for (const struct keeper *p = keepers; p < keepers + n; p++)
			for (int fd = 0; fd < 3; fd++) {
				abandoned(0);
				p->make();
				keeps(OTHER, fd, 0);
				expect(false, p->name);
			}
}

/* dup(2), and the recorded numbers are closed; or an end made its stdin. */
Test(keepers, host_at_other_numbers)
{
	static const int fds[] = { 0, 1, 2, 3, 700 };

	for (v = wires; v < wires + WIRES; v++)
		for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
			for (int k = 0; k < v->n; k++) {
				abandoned(k);
				keeps(HOST, fds[i], k);
				expect(false, "at another number");
			}
}

/* One of two who have it is no accident. */
Test(keepers, accident_and_keeper)
{
	for (v = wires; v < wires + WIRES; v++) {
		abandoned(0);
		sibling();
		keeps(OTHER, 9, 0);
		expect(true, "an accident");
		proc(THIRD, HOST);
		expect(true, "one that has none");
		keeps(THIRD, 9, 0);
		expect(false, "a keeper as well");
	}
}

/* The child itself has inherited its own host ends. */
Test(keepers, own_ends)
{
	for (v = wires; v < wires + WIRES; v++) {
		abandoned(0);
		keeps(CHILD, 9, 0);
		expect(true, "its own");
		keeps(CHILD, 2, 0);
		expect(false, "it may talk to itself");
	}
}
