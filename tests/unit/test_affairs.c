/* SPDX-License-Identifier: MIT */
/* What hosts and wards tell of themselves: leaving, growing, handing over. */
#include "../../tools/guard/death.h"
#include "../../tools/guard/due.h"
#include "senders.h"

TestSuite(affairs, .timeout = 60, .init = begin, .fini = end);

/* Says LEAVE from a socket that has an address, as a leaving host does. */
static int
leave(void)
{
	struct sockaddr_un any = { .sun_family = AF_UNIX };
	struct cp_msg m = message(CP_MSG_LEAVE, 0, 0);
	int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	cr_assert_eq(bind(s, (struct sockaddr *)&any, sizeof(sa_family_t)), 0);
	cr_assert_eq(sendto(s, &m, sizeof(m), 0, (struct sockaddr *)&guard,
			 guard_len),
	    (ssize_t)sizeof(m));
	hear();
	return s;
}

static bool
answered(int s)
{
	struct cp_msg m;
	ssize_t n = recv(s, &m, sizeof(m), MSG_DONTWAIT);

	if (n == -1 && errno == EAGAIN)
		return false;
	cr_assert_eq(n, (ssize_t)sizeof(m));
	cr_assert_eq(m.type, CP_MSG_GONE);
	return true;
}

Test(affairs, host_without_wards_may_leave_at_once)
{
	cr_assert(answered(leave()));
}

Test(affairs, host_waits_for_its_duplex_wards)
{
	struct cp_ward *w = own_ward();
	struct cp_host *h = w->host;
	int s;

	s = leave();
	cr_assert(!answered(s));
	cr_assert(h->leaving);
	cp_facts_forget_ward(w);
	cp_told_answer(h);
	cr_assert(answered(s));
	cp_told_answer(h); /* once is enough */
	cr_assert(!answered(s));
}

Test(affairs, host_does_not_wait_for_a_one_way_ward)
{
	pid_t child = sender(NULL, 0);
	struct cp_msg m = message(CP_MSG_WARD, child, getpid());

	m.channel[1] = (struct cp_channel){ .kind = CP_KIND_NONE };
	cr_assert_eq(say(&m), 0);
	hear();
	cr_assert(!registered(child)->duplex);
	cr_assert(answered(leave()));
}

/* In the ward: registers, then has a child of its own that says MEMBER. */
static void
ward_with_child(void)
{
	struct cp_msg ward = message(CP_MSG_WARD, 0, getppid());
	struct cp_msg member = message(CP_MSG_MEMBER, 0, 0);
	char c;

	close(gate[1]);
	if (say(&ward) != 0)
		_exit(1);
	if (fork() == 0 && say(&member) != 0)
		_exit(1);
	_exit(read(gate[0], &c, 1) == 0 ? 0 : 1);
}

Test(affairs, child_of_a_ward_belongs_to_it)
{
	struct cp_member *m;
	struct cp_ward *w;
	pid_t pid = fork();

	if (pid == 0)
		ward_with_child();
	hear();
	w = registered(pid);
	cr_assert(SLIST_EMPTY(&w->members));
	hear();
	m = SLIST_FIRST(&w->members);
	cr_assert_not_null(m);
	cr_assert_neq(m->pid, pid);
	cr_assert_null(SLIST_NEXT(m, link));
}

Test(affairs, child_of_a_host_belongs_to_no_ward)
{
	struct cp_ward *w = own_ward();
	struct cp_msg m = message(CP_MSG_MEMBER, 0, 0);

	sender(&m, 0);
	hear();
	cr_assert(SLIST_EMPTY(&w->members));
}

/* daemon(3): the fork copy goes on. */
Test(affairs, heir_gets_the_wards)
{
	struct cp_ward *w = own_ward();
	struct cp_msg m = message(CP_MSG_HEIR, getpid(), 0);
	pid_t heir = sender(&m, 0);

	hear();
	cr_assert_eq(w->host->pid, heir);
}

/* Another program is no fork copy, whatever it says. */
Test(affairs, stranger_inherits_nothing)
{
	struct cp_ward *w = own_ward();
	struct cp_host *h = w->host;
	struct cp_msg m = message(CP_MSG_HEIR, getpid(), 0);

	h->image ^= 16; /* as if the host's stack were elsewhere */
	sender(&m, 0);
	hear();
	cr_assert_eq(w->host, h);
}

Test(affairs, the_host_has_died)
{
	struct cp_ward *w = own_ward();

	cp_death_of_host(w->host, NOW + 5, true);
	cr_assert(w->host->dead);
	cr_assert_eq(w->host->gone_ms, NOW + 5);
	cr_assert_gt(w->due_ms, NOW + 5);
	cr_assert_leq(w->due_ms, NOW + 10);
	cr_assert_eq(w->due_ms, w->host->settle_ms);
}

/* Wards that die of EOF are not disturbed, but not for ever. */
Test(affairs, deaths_that_follow_each_other)
{
	struct cp_ward *w = own_ward();
	struct cp_host *h = w->host;
	uint64_t now = NOW + 5;

	cp_death_of_ward(w, now);
	cr_assert_eq(h->settle_ms, 0, "the host lives");
	cp_death_of_host(h, now, true);
	for (int i = 0; i < 30; i++) {
		now = h->settle_ms - 1;
		cp_death_of_ward(w, now);
		cr_assert_gt(h->settle_ms, now);
	}
	for (int i = 0; i < 1000; i++)
		cp_death_of_ward(w, ++now);
	cr_assert_leq(h->settle_ms, NOW + 5 + 100);
	h->settle_ms = 0;
	cp_death_of_ward(w, now);
	cr_assert_eq(h->settle_ms, 0, "it was looked at");
}

/* What was in a longer grace is looked at as well, what is signalled not. */
Test(affairs, the_host_of_a_doomed_ward_has_died)
{
	struct cp_ward *w = own_ward();

	w->step = CP_STEP_TERM;
	cp_due(w, NOW + 9000);
	cp_death_of_host(w->host, NOW + 5, true);
	cr_assert_eq(w->due_ms, NOW + 9000);
	w->step = CP_STEP_DOOMED;
	cp_death_of_host(w->host, NOW + 5, true);
	cr_assert_eq(w->due_ms, w->host->settle_ms);
}
