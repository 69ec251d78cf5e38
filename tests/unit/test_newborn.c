/* SPDX-License-Identifier: MIT */
/* What waits until a child is old enough to be looked at, and what doesn't. */
#include <signal.h>

#include "../../shim/common/procfs.h"
#include "../../tools/guard/cradle.h"
#include "../../tools/guard/look.h"
#include "../../tools/guard/newborn.h"
#include "filter.h"
#include "senders.h"

#define OLD  (NOW + CP_LOOK_MS)
#define MANY 4200 /* more than can wait */

static int held[2]; /* a pipe of ours */

static void
begin_waiting(void)
{
	begin();
	cr_assert_eq(cp_cradle_init(), 0);
	cr_assert_geq(cp_told_host(getpid(), NOW)->pidfd, 0);
	cr_assert_eq(pipe(held), 0);
}

TestSuite(newborn, .timeout = 60, .init = begin_waiting, .fini = end);

static struct cp_msg
own(void)
{
	return message(CP_MSG_WARD, 0, getpid());
}

/* A child that has said so. */
static pid_t
newborn(void)
{
	struct cp_msg m = own();
	pid_t pid = sender(&m, 0);

	hear();
	cr_assert_eq(cp_facts_wards(), 0, "it does not wait");
	return pid;
}

/* What has just ended is looked at in the same round. */
static void
settle(void)
{
	cr_assert_eq(cp_newborn_next(), NOW + 1);
	cp_newborn_attend(NOW + 1, CP_NEWBORN_OLD);
}

/* PID ends, and the guard is woken by that. */
static void
dies(pid_t pid)
{
	struct cp_event e = { .tag = CP_TAG_TIMER };

	cr_assert_eq(kill(pid, SIGKILL), 0);
	for (int i = 0; i < 10 && e.tag != CP_TAG_NEWBORN; i++)
		cr_assert_geq(cp_watch_wait(&e, 1, LIMIT_MS), 0);
	cr_assert_eq(e.tag, CP_TAG_NEWBORN);
	cp_newborn_stirred(e.index, e.serial, NOW + 1);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

Test(newborn, waits_until_it_is_old_enough)
{
	pid_t pid = newborn();
	struct cp_ward *w;

	cr_assert_geq(cp_newborn_next(), OLD);
	cr_assert_lt(cp_newborn_next(), OLD + CP_LOOK_MS);
	cp_newborn_attend(OLD - 1, CP_NEWBORN_OLD);
	cr_assert_eq(cp_facts_wards(), 0);
	cp_newborn_attend(OLD, CP_NEWBORN_OLD);
	w = registered(pid);
	cr_assert(!w->dead);
	cr_assert_eq(w->unheard, CP_HEARD);
	cr_assert_geq(w->pidfd, 0);
	cr_assert_eq(w->born_ms, NOW);
	cr_assert_leq(w->due_ms, OLD);
	cr_assert_eq(cp_newborn_next(), 0);
}

/* A sibling with the same stdin is to be seen as what it is. */
Test(newborn, who_shares_a_channel_is_met)
{
	struct cp_msg m = own();
	pid_t pid = newborn(), other;
	struct cp_ward *w;

	m.channel[0].child = m.channel[0].host = 102;
	m.channel[1].child = m.channel[1].host = 103;
	other = sender(&m, 0);
	hear();
	w = cp_facts_ward(cp_facts_find_host(getpid()), 1, 1, NOW);
	cr_assert(!cp_newborn_meet(w, NOW));
	w->channel[0].kind = CP_KIND_PIPE;
	cr_assert(!cp_newborn_meet(w, NOW));
	w->channel[0].child = 101;
	cr_assert(cp_newborn_meet(w, NOW));
	cr_assert(!registered(pid)->dead);
	cr_assert_null(cp_facts_find_ward(other));
	cr_assert_neq(cp_newborn_next(), 0);
}

/* Its pidfd is the ward's from then on. */
Test(newborn, end_of_an_enrolled_one_is_the_wards)
{
	pid_t pid = newborn();
	struct cp_event e = { .tag = CP_TAG_TIMER };

	cp_newborn_attend(OLD, CP_NEWBORN_OLD);
	cr_assert_eq(kill(pid, SIGKILL), 0);
	for (int i = 0; i < 10 && e.tag != CP_TAG_WARD; i++)
		cr_assert_geq(cp_watch_wait(&e, 1, LIMIT_MS), 0);
	cr_assert_eq(cp_facts_ward_at(e.index, e.serial), registered(pid));
}

/* We have none of the ends that were told: nobody can be talked to. */
Test(newborn, who_ends_before_waits_for_a_census)
{
	pid_t pid = newborn();
	struct cp_ward *w;

	dies(pid);
	cr_assert(!cp_newborn_any_dead());
	settle();
	cr_assert_eq(cp_facts_wards(), 0);
	cr_assert_eq(cp_newborn_next(), 0);
	cr_assert(cp_newborn_any_dead());
	cp_newborn_attend(OLD, CP_NEWBORN_OLD);
	cr_assert_eq(cp_facts_wards(), 0);
	cp_newborn_attend(OLD, CP_NEWBORN_DEAD);
	w = registered(pid);
	cr_assert(w->dead);
	cr_assert_eq(w->unheard, CP_UNHEARD_ALL);
	cr_assert(w->looked);
	cr_assert_eq(w->died_ms, NOW + 1);
	cr_assert_eq(w->due_ms, OLD);
	cr_assert_eq(w->start, 0);
	cr_assert(!cp_newborn_any_dead());
}

/* Its PID may be another ward's long before that. */
Test(newborn, who_waits_for_a_census_hides_nobody)
{
	pid_t pid = newborn();
	struct cp_ward *w;

	dies(pid);
	settle();
	w = cp_facts_ward(cp_facts_find_host(getpid()), pid, 7, NOW + 2);
	cp_newborn_attend(OLD, CP_NEWBORN_DEAD);
	cr_assert_eq(cp_facts_wards(), 2);
	cr_assert_eq(registered(pid), w);
	cp_facts_forget_ward(w);
	cr_assert_null(cp_facts_find_ward(pid));
}

/* As forkpty's parent and child do; with and without an end of ours. */
Test(newborn, who_is_told_of_twice_is_one)
{
	for (int k = 0; k < 2; k++) {
		struct cp_msg m = own();
		pid_t pid;

		m.channel[0].host_fd = k == 0 ? -1 : 10;
		pid = sender(&m, 0);
		m.pid = pid;
		cr_assert_eq(say(&m), 0);
		hear();
		hear();
		dies(pid);
		cp_newborn_attend(NOW + 1, CP_NEWBORN_ALL);
		cr_assert(registered(pid)->dead);
		cr_assert_eq(cp_facts_wards(), (size_t)k + 1);
	}
}

/* A child to whose channel K we have an end. */
static pid_t
kept(int k)
{
	struct cp_msg m = own();
	struct cp_end_id id;
	pid_t pid;

	cr_assert_eq(cp_procfs_end(getpid(), held[1 - k], &id), 0);
	m.channel[k].host_fd = held[1 - k];
	m.channel[k].child = m.channel[k].host = id.ino;
	pid = sender(&m, 0);
	hear();
	return pid;
}

/* Our end is there: whoever is left may be talked to, so listen. */
Test(newborn, who_can_be_talked_to_does_not_wait)
{
	for (int k = 0; k < 2; k++) {
		pid_t pid = kept(k);

		dies(pid);
		settle();
		cr_assert(!cp_newborn_any_dead());
		cr_assert(registered(pid)->dead);
		cr_assert_eq(registered(pid)->unheard, CP_UNHEARD_START);
	}
}

/* As hosts do that read until EOF. */
Test(newborn, end_is_closed_right_after_the_childs)
{
	pid_t pid = kept(0);

	dies(pid);
	close(held[1]);
	settle();
	cr_assert(cp_newborn_any_dead());
	cr_assert_eq(cp_facts_wards(), 0);
}

/* A pipe by itself, of which the child has the reading end alone. */
static pid_t
with_pipe(int fd[2])
{
	struct cp_msg m = own();
	struct cp_end_id id;
	pid_t pid;

	cr_assert_eq(pipe(fd), 0);
	cr_assert_eq(cp_procfs_end(getpid(), fd[1], &id), 0);
	m.channel[0] = (struct cp_channel){ .kind = CP_KIND_PIPE,
		.access = CP_READ,
		.kept = CP_KEPT_YES,
		.host_fd = fd[1],
		.child = id.ino,
		.host = id.ino };
	pid = sender(&m, 0);
	hear();
	return pid;
}

/* The child has left nobody who could be talked to. */
Test(newborn, who_leaves_nobody_waits_for_a_census)
{
	int fd[2];
	pid_t pid = with_pipe(fd);

	dies(pid);
	close(fd[0]);
	settle();
	cr_assert(cp_newborn_any_dead());
	cr_assert_eq(cp_facts_wards(), 0);
}

/* Each time it is refused the kernel says so in its log. */
Test(newborn, what_was_refused_is_not_asked_again)
{
	int first[2], second[2];
	pid_t pid = with_pipe(first);

	borrowing(SECCOMP_RET_ERRNO | EPERM);
	dies(pid);
	close(first[0]);
	settle();
	cr_assert_eq(registered(pid)->unheard, CP_UNHEARD_START);
	borrowing(SECCOMP_RET_KILL_PROCESS);
	pid = with_pipe(second);
	dies(pid);
	close(second[0]);
	settle();
	cr_assert_eq(registered(pid)->unheard, CP_UNHEARD_START);
}

/* It has: its heir is to be listened to. */
Test(newborn, who_leaves_somebody_does_not_wait)
{
	int fd[2];
	pid_t pid = with_pipe(fd);

	dies(pid);
	settle();
	cr_assert(!cp_newborn_any_dead());
	cr_assert_eq(registered(pid)->unheard, CP_UNHEARD_START);
}

/* What was seen of one number is not taken for what another says. */
Test(newborn, many_ends_are_told_apart)
{
	struct cp_msg m = own();
	pid_t cut, other;

	m.channel[0].host_fd = held[1]; /* that is another pipe by now */
	cut = sender(&m, 0);
	hear();
	other = kept(0);
	dies(cut);
	dies(other);
	settle();
	cr_assert(cp_newborn_any_dead());
	cr_assert_eq(cp_facts_wards(), 1);
	cr_assert_eq(registered(other)->unheard, CP_UNHEARD_START);
}

Test(newborn, end_at_an_unknown_number_may_be_there)
{
	struct cp_msg m = own();
	pid_t pid;

	m.channel[1].host_fd = -1;
	pid = sender(&m, 0);
	hear();
	dies(pid);
	settle();
	cr_assert_eq(registered(pid)->unheard, CP_UNHEARD_START);
}

Test(newborn, host_speaks_for_its_child)
{
	pid_t pid = sender(NULL, 0);
	struct cp_msg m = message(CP_MSG_WARD, pid, getpid());

	cr_assert_eq(say(&m), 0);
	hear();
	cr_assert_eq(cp_facts_wards(), 0);
	cp_newborn_attend(OLD, CP_NEWBORN_OLD);
	cr_assert(!registered(pid)->dead);
	cr_assert_geq(registered(pid)->pidfd, 0);
}

Test(newborn, host_speaks_for_a_child_that_ends)
{
	pid_t pid = sender(NULL, 0);
	struct cp_msg m = message(CP_MSG_WARD, pid, getpid());

	cr_assert_eq(say(&m), 0);
	hear();
	dies(pid);
	settle();
	cr_assert(cp_newborn_any_dead());
	/* And of one that nobody can find any more; it had others. */
	m.channel[0].child = m.channel[0].host = 102;
	cr_assert_eq(say(&m), 0);
	hear();
	cp_newborn_attend(cp_newborn_next(), CP_NEWBORN_DEAD);
	cr_assert_eq(cp_newborn_next(), 0);
	cr_assert_eq(cp_facts_wards(), 2);
}

/*
 * A host, known by us, that tells of a child of its own and dies; the child's
 * stdio is not what was told any more.  Returns its PID.
 */
static pid_t
told_by_a_dead_host(void)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	pid_t host = fork(), child = -1;
	char c;

	cr_assert_neq(host, -1);
	if (host == 0) {
		struct cp_msg m;

		(void)!read(held[0], &c, 1); /* until it is known */
		m = message(CP_MSG_WARD, sender(NULL, 0), 0);
		(void)!write(held[1], &m.pid, sizeof(m.pid));
		(void)say(&m);
		(void)!read(gate[0], &c, 1);
		_exit(0);
	}
	cr_assert_geq(cp_told_host(host, NOW)->pidfd, 0);
	cr_assert_eq(write(held[1], "", 1), 1);
	cr_assert_eq(poll(&p, 1, LIMIT_MS), 1);
	cr_assert_eq(read(held[0], &child, sizeof(child)), sizeof(child));
	cr_assert_eq(cp_told_hear(NOW, 1), 1);
	cr_assert_neq(cp_newborn_next(), 0);
	cr_assert_eq(kill(host, SIGKILL), 0);
	cr_assert_eq(waitpid(host, NULL, 0), host);
	return child;
}

/* Whose child it was has been seen when it was told. */
Test(newborn, host_dies_before_it_is_old_enough)
{
	pid_t pid = told_by_a_dead_host();

	cp_newborn_attend(NOW + 1, CP_NEWBORN_ALL);
	cr_assert(!registered(pid)->dead);
}

/* Nobody is taken for a child that has ended, though he has its PID. */
Test(newborn, pid_of_a_told_child_is_used_again)
{
	pid_t pid = sender(NULL, 0);
	struct cp_msg m = message(CP_MSG_WARD, pid, getpid());

	m.channel[0].host_fd = -1;
	cr_assert_eq(say(&m), 0);
	hear();
	cp_newborn_stirred(0, 1, NOW + 1); /* the first of all */
	settle();
	cr_assert(registered(pid)->dead);
	cr_assert_eq(registered(pid)->start, 0);
	cr_assert_eq(cp_newborn_next(), 0);
}

/* It is a host that we know, but not that of this child. */
Test(newborn, stranger_is_no_ward_when_it_is_old)
{
	pid_t pid = sender(NULL, 0), liar;
	struct cp_msg m = message(CP_MSG_WARD, pid, 0);
	struct pollfd p = { .fd = sock, .events = POLLIN };

	liar = fork();
	cr_assert_neq(liar, -1);
	if (liar == 0) {
		char c;

		close(gate[1]);
		(void)!read(held[0], &c, 1); /* until it is known */
		(void)say(&m);
		(void)!read(gate[0], &c, 1);
		_exit(0);
	}
	cr_assert_geq(cp_told_host(liar, NOW)->pidfd, 0);
	cr_assert_eq(write(held[1], "", 1), 1);
	cr_assert_eq(poll(&p, 1, LIMIT_MS), 1);
	cr_assert_eq(cp_told_hear(NOW, 1), 1);
	cr_assert_neq(cp_newborn_next(), 0);
	cp_newborn_attend(OLD, CP_NEWBORN_ALL);
	cr_assert_eq(cp_facts_wards(), 0);
}

/* Nor is anything taken back by another than who has said it. */
Test(newborn, stranger_takes_nothing_back)
{
	struct cp_msg m = own();
	pid_t pid = newborn();

	m.flags |= CP_WARD_UNDO;
	(void)sender(&m, 0);
	hear();
	cp_newborn_attend(OLD, CP_NEWBORN_OLD);
	(void)registered(pid);
}

/* The host tells that its spawn has failed after all. */
Test(newborn, failed_spawn_is_taken_back)
{
	pid_t pid = sender(NULL, 0);
	struct cp_msg m = message(CP_MSG_WARD, pid, getpid());

	cr_assert_eq(say(&m), 0);
	hear();
	m.flags |= CP_WARD_UNDO;
	cr_assert_eq(say(&m), 0);
	hear();
	cr_assert_eq(cp_newborn_next(), 0);
	cp_newborn_attend(OLD, CP_NEWBORN_ALL);
	cr_assert_eq(cp_facts_wards(), 0);
}

/* It has ended before that is heard. */
Test(newborn, failed_exec_is_taken_back_after_the_end)
{
	struct cp_msg m = message(CP_MSG_WARD, 0, getpid());
	pid_t pid = sender(NULL, 0);

	m.pid = pid;
	m.channel[0].host_fd = -1;
	cr_assert_eq(say(&m), 0);
	hear();
	dies(pid);
	m.flags |= CP_WARD_UNDO;
	cr_assert_eq(say(&m), 0);
	hear();
	cr_assert_eq(cp_newborn_next(), 0);
	cp_newborn_attend(OLD, CP_NEWBORN_ALL);
	cr_assert_eq(cp_facts_wards(), 0);
}

/* That is heard behind so much else that it waits for a census already. */
Test(newborn, failed_exec_is_taken_back_before_the_census)
{
	struct cp_msg m = message(CP_MSG_WARD, 0, getpid());
	pid_t pid = sender(NULL, 0);

	m.pid = pid;
	cr_assert_eq(say(&m), 0);
	hear();
	dies(pid);
	settle();
	cr_assert(cp_newborn_any_dead());
	m.flags |= CP_WARD_UNDO;
	cr_assert_eq(say(&m), 0);
	hear();
	cr_assert(!cp_newborn_any_dead());
	cp_newborn_attend(OLD, CP_NEWBORN_ALL);
	cr_assert_eq(cp_facts_wards(), 0);
}

/* An unknown host is to be watched, the rest to be answered or checked. */
Test(newborn, some_can_not_wait)
{
	static const uint16_t flags[] = { CP_WARD_ASK, CP_WARD_ANY };
	struct cp_msg m;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		m = own();
		m.flags |= flags[i];
		(void)sender(&m, 0);
		hear();
		cr_assert_eq(cp_facts_wards(), i + 1);
	}
	cp_told_host(getpid(), NOW)->leaving = true;
	m = own();
	(void)sender(&m, 0);
	hear();
	cr_assert_eq(cp_facts_wards(), 3);
	cr_assert_eq(cp_newborn_next(), 0);
}

Test(newborn, unknown_host_is_watched_at_once)
{
	struct cp_msg m = own();
	pid_t pid;

	cp_facts_forget_host(cp_told_host(getpid(), NOW));
	pid = sender(&m, 0);
	hear();
	cr_assert_eq(registered(pid)->host->pid, getpid());
}

/* What a host says of its wards is said of all that were told of before. */
Test(newborn, other_news_come_after_it)
{
	pid_t pid = newborn();
	struct cp_msg m = message(CP_MSG_EXEC, 0, 0);

	cr_assert_eq(say(&m), 0);
	hear();
	cr_assert_eq(registered(pid)->host->gone_ms, NOW);
}

/* A guard that takes over finds them in the shared memory. */
Test(newborn, taken_over)
{
	pid_t young = newborn(), dead = newborn();

	dies(dead);
	cp_newborn_adopt(NOW + 2);
	cr_assert(!registered(young)->dead);
	cr_assert(registered(dead)->dead);
	cr_assert_eq(cp_newborn_next(), 0);
	cr_assert(!cp_newborn_any_dead());
}

/* Until then nobody has listened to whom it has left. */
Test(newborn, taken_over_unheard)
{
	int fd[2];
	pid_t pid = with_pipe(fd);

	dies(pid);
	cp_newborn_adopt(NOW + 2);
	cr_assert_eq(registered(pid)->unheard, CP_UNHEARD_ALL);
}

/* A sentinel, started by now, that takes over when it is told to. */
static pid_t
sentinel(void)
{
	pid_t pid = fork();
	char c;

	cr_assert_neq(pid, -1);
	if (pid != 0)
		return pid;
	alarm(LIMIT_MS / 1000);
	(void)!read(held[0], &c, 1);
	cp_newborn_adopt(OLD);
	_exit(cp_newborn_next() != 0 || cp_facts_wards() != 4);
}

/* What it knows of the places in there is old. */
Test(newborn, taken_over_by_a_late_sentinel)
{
	int status;
	pid_t pid;

	for (int i = 0; i < 2; i++) {
		struct cp_msg m = own();

		(void)sender(&m, 0);
		hear();
	}
	cp_newborn_attend(OLD, CP_NEWBORN_OLD);
	pid = sentinel();
	for (int i = 0; i < 2; i++) {
		struct cp_msg m = own();

		(void)sender(&m, 0);
		hear();
	}
	cr_assert_neq(cp_newborn_next(), 0);
	cr_assert_eq(write(held[1], "", 1), 1);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%x", status);
}

Test(newborn, there_is_room_for_so_many)
{
	pid_t pid = sender(NULL, 0);
	struct cp_msg m = message(CP_MSG_WARD, pid, getpid());

	for (int i = 0; i < MANY; i++) {
		cr_assert_eq(say(&m), 0);
		hear();
		if (cp_facts_wards() > 0)
			break;
	}
	(void)registered(pid);
	cp_newborn_attend(OLD, CP_NEWBORN_ALL);
	cr_assert_eq(cp_facts_wards(), 1); /* the same each time */
	cr_assert_eq(cp_newborn_next(), 0);
}
