/* SPDX-License-Identifier: MIT */
/*
 * The tables of hosts, wards and members: what is found by a PID, what happens
 * when a PID is used again, and that nothing is lost over many rounds.
 */
#include <sys/mman.h>
#include <sys/wait.h>

#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../../shim/common/procfs.h"
#include "../../tools/guard/due.h"
#include "../../tools/guard/facts.h"
#include "../../tools/guard/facts_adopt.h"

#define NOBODY 0x40000000 /* and above: no kernel gives such a PID */
#define CYCLES 100000

static void
begin(void)
{
	cr_assert_eq(cp_facts_init(), 0);
}

TestSuite(facts, .timeout = 60, .init = begin);

static size_t
count_wards(struct cp_host *h)
{
	struct cp_ward *w;
	size_t n = 0;

	LIST_FOREACH(w, &h->wards, sibling) {
		cr_assert_eq(w->host, h);
		n++;
	}
	return n;
}

static struct cp_host *
host(pid_t pid)
{
	struct cp_host *h = cp_facts_host(pid, 7);

	cr_assert_not_null(h);
	return h;
}

static struct cp_ward *
ward(struct cp_host *h, pid_t pid, uint64_t start)
{
	struct cp_ward *w = cp_facts_ward(h, pid, start, 9);

	cr_assert_not_null(w);
	return w;
}

Test(facts, host)
{
	struct cp_host *h = host(getpid());
	struct cp_stat st;

	cr_assert_eq(cp_procfs_stat(getpid(), &st), 0);
	cr_assert(h->used && !h->dead && !h->leaving);
	cr_assert_eq(h->pid, getpid());
	cr_assert_eq(h->start, st.start);
	cr_assert_eq(h->image, st.image);
	cr_assert_neq(h->exe, 0);
	cr_assert_eq(h->gone_ms, 0);
	cr_assert_eq(h->pidfd, -1);
	cr_assert_str_eq(h->comm, st.comm);
	cr_assert(LIST_EMPTY(&h->wards));
	cr_assert_eq(cp_facts_find_host(getpid()), h);
	cr_assert_eq(host(getpid()), h);
	cr_assert_eq(cp_facts_hosts(), 1);
	cr_assert_null(cp_facts_find_host(getppid()));
	cp_facts_forget_host(h);
	cr_assert_null(cp_facts_find_host(getpid()));
	cr_assert_eq(cp_facts_hosts(), 0);
}

Test(facts, host_without_a_process)
{
	struct cp_host *h = host(NOBODY);

	cr_assert(h->dead);
	cr_assert_eq(h->gone_ms, 7);
	cr_assert_eq(h->start, 0);
	cr_assert_eq(host(NOBODY), h);
	cr_assert_eq(cp_facts_hosts(), 1);
}

Test(facts, host_is_a_zombie)
{
	siginfo_t info;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	cr_assert_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	cr_assert(host(pid)->dead);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

/* The record of the former bearer stays, but is not found any more. */
Test(facts, host_pid_again)
{
	struct cp_host *old = host(getpid()), *new;
	struct cp_ward *w = ward(old, NOBODY, 1);

	old->start--;
	new = host(getpid());
	cr_assert_neq(new, old);
	cr_assert_eq(cp_facts_find_host(getpid()), new);
	cr_assert_eq(cp_facts_hosts(), 2);
	cr_assert_eq(w->host, old);
	cr_assert(LIST_EMPTY(&new->wards));
	cp_facts_forget_ward(w);
	cp_facts_forget_host(old);
	cr_assert_eq(cp_facts_find_host(getpid()), new);
	cr_assert_eq(cp_facts_hosts(), 1);
}

/* A dead one whose PID nobody has stays what it is. */
Test(facts, host_that_has_died)
{
	struct cp_host *h = host(getpid());
	uint64_t start = h->start;

	h->dead = true;
	cr_assert_eq(host(getpid()), h);
	cr_assert(h->dead);
	cr_assert_eq(h->start, start);
}

/* It was another program when it was first heard of. */
Test(facts, host_has_execd)
{
	struct cp_host *h = host(getpid());
	uint64_t image = h->image, exe = h->exe;

	h->image = h->exe = 1;
	cr_assert_eq(host(getpid()), h);
	cr_assert_eq(h->image, image);
	cr_assert_eq(h->exe, exe);
}

Test(facts, ward)
{
	struct cp_host *h = host(getpid());
	struct cp_ward *w = ward(h, NOBODY, 5);

	cr_assert(w->used && !w->dead && !w->looked);
	cr_assert_eq(w->pid, NOBODY);
	cr_assert_eq(w->start, 5);
	cr_assert_eq(w->image, h->image);
	cr_assert_eq(w->born_ms, 9);
	cr_assert_eq(w->due_ms, 0);
	cr_assert_eq(w->pidfd, -1);
	cr_assert_eq(w->step, CP_STEP_WATCH);
	cr_assert(SLIST_EMPTY(&w->members));
	cr_assert_eq(count_wards(h), 1);
	cr_assert_eq(cp_facts_wards(), 1);
	cr_assert_eq(cp_facts_find_ward(NOBODY), w);
	cr_assert_eq(cp_facts_find_ward_const(NOBODY), w);
	cr_assert_null(cp_facts_find_ward(NOBODY + 1));
	cr_assert_eq(cp_facts_ward_at(cp_facts_ward_index(w), w->serial), w);
	cr_assert_eq(cp_facts_host_at(cp_facts_host_index(h), h->serial), h);
	cr_assert_null(cp_facts_host_at(cp_facts_host_index(h) + 1, h->serial));
	cp_facts_forget_ward(w);
	cr_assert_null(cp_facts_find_ward(NOBODY));
	cr_assert_eq(count_wards(h), 0);
	cr_assert_eq(cp_facts_wards(), 0);
}

/* sh -c 'exec node': one process, told of twice. */
Test(facts, ward_told_again)
{
	struct cp_host *a = host(getpid()), *b = host(getppid());
	struct cp_ward *w = ward(a, NOBODY, 5);

	w->step = CP_STEP_DOOMED;
	cr_assert_eq(ward(a, NOBODY, 5), w);
	cr_assert_eq(cp_facts_wards(), 1);
	cr_assert_eq(w->step, CP_STEP_DOOMED, "it is no new one");
	cr_assert_eq(ward(b, NOBODY, 5), w);
	cr_assert_eq(count_wards(a), 0);
	cr_assert_eq(count_wards(b), 1);
	w->dead = true;
	cr_assert_neq(ward(a, NOBODY, 5), w, "nobody comes back to life");
	cr_assert_eq(cp_facts_wards(), 2);
}

Test(facts, ward_pid_again)
{
	struct cp_host *h = host(getpid());
	struct cp_ward *old = ward(h, NOBODY, 5), *new = ward(h, NOBODY, 6);

	cr_assert_neq(old, new);
	cr_assert_eq(count_wards(h), 2);
	cr_assert_eq(cp_facts_find_ward(NOBODY), new);
	cp_facts_forget_ward(old);
	cr_assert_eq(cp_facts_find_ward(NOBODY), new);
	old = new;
	new = ward(h, NOBODY, 7);
	cp_facts_forget_ward(new);
	cr_assert_null(cp_facts_find_ward(NOBODY), "not the one before it");
	cr_assert_eq(count_wards(h), 1);
	cp_facts_forget_ward(old);
	cr_assert_eq(cp_facts_wards(), 0);
}

Test(facts, move)
{
	struct cp_host *a = host(getpid()), *b = host(getppid());
	struct cp_ward *one = ward(a, NOBODY, 1), *two = ward(a, NOBODY + 1, 1);

	cp_facts_move(one, b);
	cr_assert_eq(one->host, b);
	cr_assert_eq(LIST_FIRST(&a->wards), two);
	cr_assert_eq(LIST_FIRST(&b->wards), one);
	cp_facts_move(one, b);
	cr_assert_eq(count_wards(b), 1);
	cp_facts_move(two, b);
	cr_assert_eq(count_wards(a), 0);
	cr_assert_eq(count_wards(b), 2);
	cr_assert_eq(cp_facts_find_ward(NOBODY), one);
}

static bool
is_even(pid_t pid, uint64_t start, const void *arg)
{
	cr_assert_eq(start, *(const uint64_t *)arg);
	return pid % 2 == 0;
}

static bool
is_member(const struct cp_ward *w, pid_t pid, uint64_t start)
{
	const struct cp_member *m;

	SLIST_FOREACH(m, &w->members, link)
		if (m->pid == pid && m->start == start)
			return true;
	return false;
}

Test(facts, members)
{
	struct cp_ward *w = ward(host(getpid()), NOBODY, 5);
	struct cp_member *m;
	uint64_t start = 6;
	int fd = dup(2);

	cr_assert_null(cp_facts_member(w, NOBODY, 5), "the child itself");
	cr_assert_not_null(cp_facts_member(w, NOBODY, 6), "its PID again");
	for (pid_t pid = NOBODY + 1; pid < NOBODY + 10; pid++) {
		m = cp_facts_member(w, pid, 6);
		cr_assert_not_null(m);
		cr_assert_eq(m->pidfd, -1);
		cr_assert_eq(m->sent, 0);
		cr_assert_eq(cp_facts_member(w, pid, 6), m);
	}
	m->pidfd = fd; /* of an odd one */
	cr_assert(is_member(w, NOBODY + 9, 6));
	cr_assert_not(is_member(w, NOBODY + 9, 5));
	cr_assert_not(is_member(w, NOBODY + 10, 6));
	cp_facts_prune(w, is_even, &start);
	for (pid_t pid = NOBODY; pid < NOBODY + 10; pid++)
		cr_assert_eq(is_member(w, pid, 6), pid % 2 == 0);
	cr_assert_eq(fcntl(fd, F_GETFD), -1, "closed with its record");
	/* A record that is used again is as new. */
	m = cp_facts_member(w, NOBODY + 11, 8);
	cr_assert_eq(m->pidfd, -1);
	cr_assert_eq(m->start, 8);
}

Test(facts, members_are_given_back)
{
	struct cp_host *h = host(getpid());
	struct cp_ward *w = ward(h, NOBODY, 5);

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < CP_MEMBERS_MAX / 2; i++) {
			cr_assert_not_null(cp_facts_member(w, NOBODY + 1, 1));
			cp_facts_forget_ward(w);
			w = ward(h, NOBODY, 5);
		}
	}
}

Test(facts, what_is_forgotten_is_not_due)
{
	struct cp_host *h = host(getpid());
	struct cp_ward *one = ward(h, NOBODY, 1), *two = ward(h, NOBODY + 1, 1);

	cp_due(one, 20);
	cp_due(two, 10);
	cr_assert_eq(TAILQ_FIRST(cp_due_by(10)), two);
	cp_facts_forget_ward(two);
	cr_assert(TAILQ_EMPTY(cp_due_by(10)));
	cr_assert_eq(cp_due_next(), 20);
	cp_facts_forget_ward(one);
	cr_assert_eq(cp_due_next(), 0);
}

Test(facts, forgetting_closes)
{
	struct cp_host *h = host(getpid());
	struct cp_ward *w = ward(h, NOBODY, 1);
	int a = dup(2), b = dup(2), c = dup(2);

	w->pidfd = a;
	cp_facts_member(w, NOBODY + 1, 1)->pidfd = b;
	h->pidfd = c;
	cp_facts_forget_ward(w);
	cp_facts_forget_host(h);
	cr_assert_eq(fcntl(a, F_GETFD), -1);
	cr_assert_eq(fcntl(b, F_GETFD), -1);
	cr_assert_eq(fcntl(c, F_GETFD), -1);
}

Test(facts, walks)
{
	struct cp_host *a = host(getpid()), *b = host(getppid());
	struct cp_ward *w[3];

	cr_assert_null(cp_facts_next_ward(NULL));
	for (int i = 0; i < 3; i++)
		w[i] = ward(i == 1 ? b : a, NOBODY + i, 1);
	cp_facts_forget_ward(w[1]);
	cr_assert_eq(cp_facts_next_ward(NULL), w[0]);
	cr_assert_eq(cp_facts_next_ward(w[0]), w[2]);
	cr_assert_null(cp_facts_next_ward(w[2]));
	cr_assert_eq(cp_facts_next_host(NULL), a);
	cr_assert_eq(cp_facts_next_host(a), b);
	cr_assert_null(cp_facts_next_host(b));
	/* The one we stand on may be forgotten. */
	cp_facts_forget_ward(w[0]);
	cr_assert_eq(cp_facts_next_ward(w[0]), w[2]);
}

/* A million short-lived children cost nothing. */
Test(facts, many_rounds)
{
	struct cp_host *h = host(getpid());
	uint32_t index, serial, first;
	struct cp_ward *w = ward(h, NOBODY, 1);

	first = cp_facts_ward_index(w);
	for (int i = 0; i < CYCLES; i++) {
		index = cp_facts_ward_index(w);
		serial = w->serial;
		cr_assert_eq(index, first);
		cr_assert_not_null(cp_facts_member(w, NOBODY - 1, 1));
		cp_due(w, 1);
		cp_facts_forget_ward(w);
		cr_assert_null(cp_facts_ward_at(index, serial));
		w = ward(h, NOBODY + i % 1000, (uint64_t)i + 2);
		cr_assert_null(cp_facts_ward_at(index, serial));
	}
	cr_assert_eq(cp_facts_wards(), 1);
	cr_assert_eq(count_wards(h), 1);
	cr_assert_eq(cp_due_next(), 0);
}

/* Does the page of RECORD take memory? */
static bool
is_resident(const void *record)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	unsigned char there = 0;

	cr_assert_eq(mincore((void *)((uintptr_t)record & ~(page - 1)), 1,
			 &there),
	    0);
	return (there & 1) != 0;
}

/* Many wards at a time, once, take no memory for ever. */
Test(facts, what_is_over_is_given_back)
{
	struct cp_host *h = host(getpid());
	struct cp_ward *stays = ward(h, NOBODY, 1), *one = NULL;
	struct cp_member *m = NULL;
	uint32_t index, serial;

	for (int i = 1; i < 5000; i++) {
		struct cp_ward *w = ward(h, NOBODY + i, 1);
		struct cp_member *of = cp_facts_member(w, NOBODY - 1, 1);

		one = i == 2500 ? w : one;
		m = i == 2500 ? of : m;
	}
	index = cp_facts_ward_index(one);
	serial = one->serial;
	cp_facts_shrink();
	cr_assert(one->used && is_resident(one) && is_resident(m));
	for (int i = 1; i < 5000; i++)
		cp_facts_forget_ward(cp_facts_find_ward(NOBODY + i));
	cr_assert(is_resident(one));
	cp_facts_shrink();
	cr_assert(!is_resident(one));
	cr_assert_null(cp_facts_ward_at(index, serial));
	cr_assert_eq(cp_facts_find_ward(NOBODY), stays);
	cr_assert_eq(cp_facts_ward_index(ward(h, NOBODY + 1, 1)),
	    cp_facts_ward_index(stays) + 1);
	cp_facts_forget_ward(cp_facts_find_ward(NOBODY + 1));
	cp_facts_forget_ward(stays);
	cr_assert(is_resident(m));
	cp_facts_shrink();
	cr_assert(!is_resident(m));
	cr_assert_not_null(cp_facts_member(ward(h, NOBODY, 2), NOBODY - 1, 1));
	cr_assert_eq(count_wards(h), 1);
}

Test(facts, table_of_wards_is_full)
{
	struct cp_host *h = host(getpid());

	for (int i = 0; i < CP_WARDS_MAX; i++)
		(void)ward(h, NOBODY + i, 1);
	errno = 0;
	cr_assert_null(cp_facts_ward(h, NOBODY - 1, 1, 9));
	cr_assert_eq(errno, ENOSPC);
	cr_assert_null(cp_facts_find_ward(NOBODY - 1));
	cr_assert_eq(cp_facts_wards(), CP_WARDS_MAX);
	for (int i = 0; i < CP_WARDS_MAX; i += 997)
		cr_assert_eq(cp_facts_find_ward(NOBODY + i)->pid, NOBODY + i);
	cp_facts_forget_ward(cp_facts_find_ward(NOBODY + 5));
	(void)ward(h, NOBODY - 1, 1);
	cr_assert_null(cp_facts_find_ward(NOBODY + 5));
}

Test(facts, table_of_hosts_is_full)
{
	for (int i = 0; i < CP_HOSTS_MAX; i++)
		(void)host(NOBODY + i);
	errno = 0;
	cr_assert_null(cp_facts_host(NOBODY - 1, 7));
	cr_assert_eq(errno, ENOSPC);
	cr_assert_eq(cp_facts_hosts(), CP_HOSTS_MAX);
	cp_facts_forget_host(cp_facts_find_host(NOBODY + 5));
	(void)host(NOBODY - 1);
	cr_assert_null(cp_facts_find_host(NOBODY + 5));
}

static int watched_hosts, watched_wards;

static void
watch(struct cp_host *h, struct cp_ward *w)
{
	if (h->pidfd != -1 || (w != NULL && (w->pidfd != -1 || w->host != h)))
		_exit(2);
	*(w == NULL ? &watched_hosts : &watched_wards) += 1;
}

/* In a fork, as a sentinel would.  No assertion of the framework's here. */
#define must(x)                                                                \
	do {                                                                   \
		if (!(x))                                                      \
			_exit(__LINE__ % 250 + 3);                             \
	} while (0)

static void
take_over(void)
{
	struct cp_host *h, *dead;
	struct cp_ward *w;

	cp_facts_adopt(watch);
	must(watched_hosts == 2 && watched_wards == 3);
	must(cp_facts_hosts() == 2 && cp_facts_wards() == 3);
	must(cp_due_next() == 0 && TAILQ_EMPTY(cp_due_by(NOBODY)));
	h = cp_facts_find_host(getppid());
	dead = cp_facts_find_host(NOBODY);
	must(h != NULL && !h->dead && dead != NULL && dead->dead);
	must(cp_facts_find_ward(NOBODY + 1)->dead);
	must(cp_facts_find_ward(NOBODY + 1)->host == dead);
	must(cp_facts_find_ward(NOBODY + 2) == NULL); /* was forgotten */
	w = cp_facts_find_ward(getppid());
	must(w != NULL && !w->dead && w->host == h && w->due_ms == 0);
	must(w->step == CP_STEP_TERM && w->leader && w->channel[0].child == 4);
	must(SLIST_EMPTY(&w->members));
	/* What comes now is not laid over anything. */
	for (int i = 0; i < 100; i++) {
		struct cp_ward *n = cp_facts_ward(h, NOBODY + 10 + i, 1, 9);

		must(n != NULL && cp_facts_member(n, NOBODY, 1) != NULL);
	}
	must(cp_facts_wards() == 103 && w->pid == getppid());
	must(cp_facts_find_ward(getppid()) == w);
	must(count_wards(h) == 102 && count_wards(dead) == 1);
	must(cp_facts_ward_at(cp_facts_ward_index(w), w->serial) == w);
	cp_facts_forget_ward(w);
	must(cp_facts_find_ward(getppid()) == NULL);
	_exit(0);
}

/* The guard is dead, in the middle of something maybe: no link counts. */
Test(facts, adopt)
{
	struct cp_host *h = host(getpid()), *dead = host(NOBODY);
	struct cp_ward *forgotten, *w;
	int status;
	pid_t pid;

	forgotten = ward(h, NOBODY + 2, 1);
	w = ward(h, getpid(), h->start);
	(void)ward(h, NOBODY + 3, 1);
	(void)ward(dead, NOBODY + 1, 1);
	cr_assert_not_null(cp_facts_member(w, NOBODY + 4, 1));
	cp_facts_forget_ward(forgotten);
	cp_due(w, 1);
	w->step = CP_STEP_TERM;
	w->leader = true;
	w->channel[0].child = 4;
	h->pidfd = w->pidfd = 99; /* the dead guard's numbers */
	memset(&w->sibling, 0xff, sizeof(w->sibling));
	memset(&w->waits, 0xff, sizeof(w->waits));
	memset(&w->ripe, 0xff, sizeof(w->ripe));
	memset(&h->wards, 0xff, sizeof(h->wards));
	memset(&w->members, 0xff, sizeof(w->members));
	pid = fork();
	if (pid == 0)
		take_over();
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%x", status);
}

/* What nobody has seen hides nobody who lives. */
Test(facts, ward_pid_of_one_unseen)
{
	struct cp_host *h = host(getpid());
	struct cp_ward *new = ward(h, NOBODY, 6), *old = ward(h, NOBODY, 0);

	cr_assert_eq(cp_facts_find_ward(NOBODY), new);
	cp_facts_forget_ward(old);
	cr_assert_eq(cp_facts_find_ward(NOBODY), new);
	new->dead = true;
	old = ward(h, NOBODY, 0);
	cr_assert_eq(cp_facts_find_ward(NOBODY), old);
}

static void
take_over_twins(void)
{
	cp_facts_adopt(watch);
	must(cp_facts_hosts() == 2 && cp_facts_wards() == 2);
	must(cp_facts_find_ward(NOBODY)->start == 2);
	must(!cp_facts_find_host(getppid())->dead);
	_exit(0);
}

static void
take_over_unseen(void)
{
	cp_facts_adopt(watch);
	must(cp_facts_wards() == 3);
	must(cp_facts_find_ward(getppid())->start != 0);
	_exit(0);
}

Test(facts, adopt_one_unseen)
{
	struct cp_host *h = host(getpid());
	struct cp_ward *hole = ward(h, NOBODY + 1, 1);
	int status;
	pid_t pid;

	(void)ward(h, getpid(), h->start);
	cp_facts_forget_ward(hole);
	cr_assert_eq(ward(h, getpid(), 0), hole, "the case is void");
	(void)ward(h, getpid(), 0); /* after it */
	pid = fork();
	if (pid == 0)
		take_over_unseen();
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%x", status);
}

/* The newest bearer of a PID is found by it, wherever its record lies. */
Test(facts, adopt_a_pid_used_again)
{
	struct cp_host *h = host(getpid()), *spare = host(NOBODY + 9), *old;
	struct cp_ward *hole = ward(h, NOBODY + 1, 1);
	int status;
	pid_t pid;

	(void)ward(h, NOBODY, 1);
	cp_facts_forget_ward(hole);
	cr_assert_eq(ward(h, NOBODY, 2), hole, "the case is void");
	cp_facts_forget_host(spare);
	old = h;
	old->start--;
	h = host(getpid()); /* after it */
	cr_assert_neq(h, old);
	pid = fork();
	if (pid == 0)
		take_over_twins();
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%x", status);
}
