/* SPDX-License-Identifier: MIT */
/* Which wards a round looks at.  We are their host, and the guard. */
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <time.h>
#include <unistd.h>

#include "../../shim/common/mailbox.h"
#include "../../tools/guard/batch.h"
#include "../../tools/guard/closes.h"
#include "../../tools/guard/cradle.h"
#include "../../tools/guard/due.h"
#include "../../tools/guard/mailbox.h"
#include "../../tools/guard/reaper.h"
#include "../../tools/guard/round.h"
#include "../../tools/guard/traffic.h"
#include "senders.h"

#define BATCH_MS   1000	   /* of batch.c */
#define ALARMS_MAX 8	   /* the same */
#define NOBODY	   4194303 /* the highest PID: nobody has it */

static struct cp_options options;
static uint64_t now;
static int n_deaf; /* so many watches fail */

/* libc's, but that it may fail: the guard's calls come here. */
int
inotify_add_watch(int fd, const char *path, uint32_t mask)
{
	if (n_deaf > 0) {
		n_deaf--;
		errno = ENOENT;
		return -1;
	}
	return (int)syscall(SYS_inotify_add_watch, fd, path, mask);
}

static void
begin_round(void)
{
	begin();
	cp_closes_init();
	cp_options_init(&options);
	cr_assert_eq(cp_cradle_init(), 0);
	now = cp_watch_now();
	cr_assert_geq(cp_told_host(getpid(), now)->pidfd, 0);
}

TestSuite(round, .timeout = 60, .init = begin_round, .fini = end);

/* A dead one, of which nothing is left, and which nobody is in a hurry for. */
static struct cp_ward *
dead_ward(void)
{
	struct cp_ward *w = cp_facts_ward(cp_facts_find_host(getpid()), NOBODY,
	    0, now);

	for (int k = 0; k < 2; k++)
		w->channel[k] = (struct cp_channel){ .kind = CP_KIND_PIPE,
			.access = k == 0 ? CP_READ : CP_WRITE,
			.kept = CP_KEPT_YES,
			.host_fd = -1,
			.child = 1,
			.host = 1 };
	w->looked = w->dead = w->duplex = w->handed = true;
	w->died_ms = now;
	cp_due(w, now);
	return w;
}

/* Or the guard would be awake until then. */
Test(round, whose_closes_prove_nothing_waits_for_the_batch)
{
	struct cp_ward *w;

	(void)dead_ward();
	cp_round(&options, false, now); /* a batch: the next is a while off */
	cr_assert_eq(cp_facts_tally()->censuses, 1);
	w = dead_ward();
	w->shut_ms = now;
	w->alarms = ALARMS_MAX;
	cp_round(&options, false, now);
	cr_assert_eq(cp_facts_tally()->censuses, 1);
	cr_assert_geq(w->due_ms, now + BATCH_MS);
}

static struct cp_mailbox *
shared_box(void)
{
	struct cp_msg m = message(CP_MSG_MAILBOX, getpid(), 0);
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct cp_mailbox *box;

	cr_assert_eq(ftruncate(fd, sizeof(*box)), 0);
	cr_assert_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	box = mmap(NULL, sizeof(*box), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
	    0);
	cr_assert_neq(box, MAP_FAILED);
	cr_assert_eq(send_bytes(&m, sizeof(m), fd), 0);
	hear();
	cr_assert(cp_mailbox_renewed());
	cp_mailbox_promise(getpid(), now);
	return box;
}

/* A child that has ended, and left somebody who holds both of its ends. */
static pid_t
child_with_heir(struct cp_msg *m, bool speaks)
{
	int in[2], out[2], ready[2];
	struct stat st;
	siginfo_t si;
	pid_t pid;
	char c;

	cr_assert_eq(pipe(in) + pipe(out) + pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		if (fork() != 0)
			_exit(0);
		dup2(in[0], 0);
		dup2(out[1], 1);
		if (speaks && write(1, "", 1) != 1)
			_exit(1);
		close(gate[1]);
		close(sock);
		close(in[1]);
		close(out[0]);
		close(ready[1]);
		_exit(read(gate[0], &c, 1) == 0 ? 0 : 1);
	}
	close(ready[1]);
	cr_assert_eq(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT), 0);
	cr_assert_eq(read(ready[0], &c, 1), 0);
	cr_assert(!speaks || read(out[0], &c, 1) == 1);
	*m = message(CP_MSG_WARD, pid, getpid());
	m->channel[0].host_fd = in[1];
	m->channel[1].host_fd = out[0];
	cr_assert_eq(fstat(in[1], &st), 0);
	m->channel[0].child = m->channel[0].host = st.st_ino;
	cr_assert_eq(fstat(out[0], &st), 0);
	m->channel[1].child = m->channel[1].host = st.st_ino;
	close(in[0]);
	close(out[1]);
	return pid;
}

/* One that such a child was, and whose heir nobody has looked at yet. */
static struct cp_ward *
ward_with_heir(bool speaks)
{
	struct cp_ward *w;
	struct cp_msg m;

	(void)child_with_heir(&m, speaks);
	now = cp_watch_now();
	w = dead_ward();
	w->handed = false;
	w->uid = geteuid();
	w->image = 0; /* the heir has ours: it has not exec'd */
	for (int k = 0; k < 2; k++)
		w->channel[k] = m.channel[k];
	return w;
}

/* That nobody was seen to hold its channels would be because nobody looked. */
Test(round, who_is_told_of_meanwhile_waits_for_the_next)
{
	struct cp_mailbox *box = shared_box();
	struct cp_letter *l = &box->letter[box->next++];
	struct timespec t;
	pid_t pid = child_with_heir(&l->msg, false);
	struct cp_ward *w;

	l->msg.flags |= CP_WARD_ANY; /* it is not let wait */
	clock_gettime(CLOCK_BOOTTIME, &t);
	l->told = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec -
	    5000000;
	l->step = cp_letter_at(4, CP_LETTER_FULL);
	(void)dead_ward();
	cp_round(&options, false, now);
	w = registered(pid);
	cr_assert(w->dead);
	cr_assert(!w->looked);
	cr_assert_eq(w->unwaited_ms, 0);
	cr_assert_leq(cp_due_next(), now);
}

/* Returns the time, AT or later: batch.c asks the clock itself. */
static uint64_t
wait_until(uint64_t at)
{
	uint64_t t;

	while ((t = cp_watch_now()) < at)
		(void)poll(NULL, 0, (int)(at - t));
	return t;
}

/*
 * Its host may have moved its ends meanwhile: a session's only word could be
 * said in the second until the next batch.
 */
Test(round, who_may_be_left_is_listened_to_before_the_batch)
{
	struct cp_ward *w;
	uint64_t floor;

	(void)dead_ward();
	cp_round(&options, false, now);
	floor = cp_batch_floor();
	cr_assert_geq(floor, now + BATCH_MS);
	w = ward_with_heir(false);
	for (int k = 0; k < 2; k++)
		w->channel[k].host_fd = -1; /* not where it was told */
	/* The first is too soon, unless the machine was slow. */
	for (int i = 0; i < 2 && cp_traffic_of(w) == NULL; i++) {
		cr_assert_lt(w->due_ms, floor);
		cp_round(&options, false, wait_until(w->due_ms));
	}
	cr_assert_not_null(cp_traffic_of(w));
	cr_assert_not(w->handed);
}

/* In the round that saw the child's end, for which there is one time only. */
Test(round, what_moves_in_the_same_millisecond_moves)
{
	struct cp_ward *w = ward_with_heir(false);

	cp_traffic_child_died(w, now);
	cr_assert_not_null(cp_traffic_of(w));
	cr_assert_eq(write(w->channel[0].host_fd, "", 1), 1);
	cp_round(&options, false, now);
	cr_assert(w->handed);
}

/* The heir of a child whom nobody had heard of before it was dead. */
static struct cp_ward *
unheard_ward(uint8_t unheard, bool speaks)
{
	struct cp_ward *w = ward_with_heir(speaks);

	w->unheard = unheard;
	return w;
}

static struct cp_ward *
heir_of_unheard(uint8_t unheard, bool speaks)
{
	struct cp_ward *w = unheard_ward(unheard, speaks);

	cp_round(&options, false, now);
	return w;
}

/* What it has said may have been a session's only word. */
Test(round, what_was_said_unheard_is_believed)
{
	cr_assert(heir_of_unheard(CP_UNHEARD_START, true)->handed);
}

Test(round, who_never_wrote_has_said_nothing)
{
	struct cp_ward *w = heir_of_unheard(CP_UNHEARD_START, false);

	cr_assert_not(w->handed);
	cr_assert_not(w->unheard);
	cr_assert_not_null(cp_traffic_of(w));
	cr_assert_eq(w->died_ms, now);
	cr_assert_eq(write(w->channel[0].host_fd, "", 1), 1);
	cp_round(&options, false, wait_until(w->due_ms));
	cr_assert(w->handed);
}

/* Not even then if it has not been listened to for so long. */
Test(round, who_was_unheard_for_long_is_believed)
{
	cr_assert(heir_of_unheard(CP_UNHEARD_ALL, false)->handed);
}

/* Whom it was tried through was about to end, say. */
Test(round, who_can_not_be_heard_is_tried_once_more)
{
	struct cp_ward *w = ward_with_heir(false);

	n_deaf = INT_MAX;
	cp_round(&options, false, now);
	cr_assert_not(w->handed);
	cr_assert_null(cp_traffic_of(w));
	n_deaf = 0;
	now = wait_until(w->due_ms);
	cp_round(&options, false, now);
	cr_assert_not(w->handed);
	cr_assert_not_null(cp_traffic_of(w));
	cr_assert_eq(w->died_ms, now);
}

Test(round, who_can_never_be_heard_lives)
{
	struct cp_ward *w = ward_with_heir(false);

	n_deaf = INT_MAX;
	cp_round(&options, false, now);
	cr_assert_not(w->handed);
	cp_round(&options, false, wait_until(w->due_ms));
	cr_assert(w->handed);
}

/* Whatever it wrote, nobody can ask it any more. */
Test(round, who_can_not_be_asked_has_no_session)
{
	struct cp_ward *w = unheard_ward(CP_UNHEARD_START, true);

	close(w->channel[0].host_fd);
	cp_round(&options, false, now);
	cr_assert_not(w->handed);
	cr_assert_not_null(cp_traffic_of(w));
}

/* A ward of that age, which is known, ends. */
static uint8_t
unheard_at(uint64_t age_ms)
{
	pid_t pid = sender(NULL, 0);
	struct cp_stat st;
	struct cp_ward *w;
	siginfo_t si;

	cr_assert_eq(cp_procfs_stat(pid, &st), 0);
	w = cp_facts_ward(cp_facts_find_host(getpid()), pid, st.start,
	    now - age_ms);
	w->looked = w->duplex = true;
	w->pidfd = cp_watch_pidfd(pid, st.start);
	cr_assert_geq(w->pidfd, 0);
	cr_assert_eq(kill(pid, SIGKILL), 0);
	cr_assert_eq(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT), 0);
	cp_reaper_stirred(w, now);
	cr_assert(w->dead);
	return w->unheard;
}

/* Who ends so soon has started somebody, who may have answered before we look. */
Test(round, starter_has_not_been_listened_to)
{
	cr_assert_eq(unheard_at(150), CP_UNHEARD_START);
	cr_assert_eq(unheard_at(250), CP_HEARD);
}
