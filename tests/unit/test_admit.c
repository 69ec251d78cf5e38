/* SPDX-License-Identifier: MIT */
/* Questions to the guard, and what `limit` and the brake answer. */
#include <signal.h>

#include "../../tools/guard/admit.h"
#include "senders.h"

#define KEY    UINT64_C(4711)
#define THREAD 77
#define SECOND 1000

static struct cp_options options;
static int asks; /* a socket with an address, of ours: the host's */

static void
begin_asking(void)
{
	struct sockaddr_un any = { .sun_family = AF_UNIX };

	begin();
	asks = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(asks, (struct sockaddr *)&any, sizeof(sa_family_t)),
	    0);
	options = (struct cp_options){ .limit = 2 };
	cp_admit_init(&options);
}

TestSuite(admit, .timeout = 60, .init = begin_asking, .fini = end);

static struct cp_msg
question(enum cp_msg_type type)
{
	struct cp_msg m = message(type, 0, getpid());

	m.key = KEY;
	m.thread = THREAD;
	if (type == CP_MSG_WARD)
		m.flags |= CP_WARD_ASK;
	return m;
}

/* What S is answered, or -1. */
static int
answer(int s)
{
	struct cp_msg m;
	ssize_t n = recv(s, &m, sizeof(m), MSG_DONTWAIT);

	if (n == -1)
		return -1;
	cr_assert_eq(n, (ssize_t)sizeof(m));
	cr_assert_eq(m.magic, CP_WIRE_MAGIC);
	cr_assert_eq(m.type, CP_MSG_ANSWER);
	return (int)m.count;
}

/* The host asks M; what is the answer? */
static int
host_asks(const struct cp_msg *m, uint64_t now)
{
	cr_assert_eq(sendto(asks, m, sizeof(*m), 0, (struct sockaddr *)&guard,
			 guard_len),
	    (ssize_t)sizeof(*m));
	cr_assert_eq(cp_told_hear(now, 1), 1);
	return answer(asks);
}

static int
spawn_asks(uint64_t now)
{
	struct cp_msg m = question(CP_MSG_ASK);

	return host_asks(&m, now);
}

/* A ward: says M through the socket of ours, which has an address. */
static pid_t
ward_asks(const struct cp_msg *m, uint64_t now, int *error)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	pid_t pid = fork();
	char c;

	if (pid == 0) {
		close(gate[1]);
		if (sendto(asks, m, sizeof(*m), 0, (struct sockaddr *)&guard,
			guard_len) != (ssize_t)sizeof(*m))
			_exit(1);
		_exit(read(gate[0], &c, 1) == 0 ? 0 : 1);
	}
	cr_assert_eq(poll(&p, 1, LIMIT_MS), 1);
	cr_assert_eq(cp_told_hear(now, 1), 1);
	*error = answer(asks);
	return pid;
}

/* One that is admitted. */
static struct cp_ward *
admitted(uint64_t now)
{
	struct cp_msg m = question(CP_MSG_WARD);
	int error;
	pid_t pid = ward_asks(&m, now, &error);

	cr_assert_eq(error, 0);
	return registered(pid);
}

/* One of which nothing is kept. */
static void
refused(uint64_t now)
{
	struct cp_msg m = question(CP_MSG_WARD);
	uint32_t before = cp_facts_wards();
	int error;
	pid_t pid = ward_asks(&m, now, &error);

	cr_assert_eq(error, EAGAIN);
	cr_assert_null(cp_facts_find_ward(pid));
	cr_assert_eq(cp_facts_wards(), before);
}

Test(admit, ward_is_registered)
{
	struct cp_ward *w = admitted(NOW);

	cr_assert_eq(w->key, KEY);
	cr_assert_eq(w->thread, THREAD);
	cr_assert_eq(w->rank_ms, NOW);
	cr_assert(w->duplex);
}

Test(admit, no_more_than_the_limit)
{
	struct cp_msg m = question(CP_MSG_WARD);
	int error;

	admitted(NOW);
	admitted(NOW);
	refused(NOW);
	cr_assert_eq(spawn_asks(NOW), EAGAIN);
	m.key++; /* another command */
	(void)ward_asks(&m, NOW, &error);
	cr_assert_eq(error, 0);
}

Test(admit, dry_run_refuses_nobody)
{
	options.dry_run = true;
	for (int i = 0; i < 4; i++)
		admitted(NOW);
	cr_assert_eq(spawn_asks(NOW), 0);
}

Test(admit, without_a_limit)
{
	options.limit = 0;
	for (int i = 0; i < 3; i++)
		admitted(NOW);
	cr_assert_eq(spawn_asks(NOW), 0);
}

/* The spawn failed, or the child is no stdio child. */
Test(admit, a_place_can_be_given_back)
{
	struct cp_msg m = question(CP_MSG_ASK), other = m;

	m.flags |= CP_WARD_UNDO;
	other.flags |= CP_WARD_UNDO;
	other.thread++;
	cr_assert_eq(spawn_asks(NOW), 0);
	cr_assert_eq(spawn_asks(NOW), 0);
	cr_assert_eq(host_asks(&other, NOW), -1, "that was answered");
	cr_assert_eq(spawn_asks(NOW), EAGAIN, "another thread's was given back");
	cr_assert_eq(host_asks(&m, NOW), -1);
	cr_assert_eq(spawn_asks(NOW), 0);
	cr_assert_eq(spawn_asks(NOW), EAGAIN);
}

/* Nobody waits: it runs already. */
Test(admit, who_does_not_ask_is_not_refused)
{
	struct cp_msg m = question(CP_MSG_WARD);
	int error;
	pid_t pid;

	admitted(NOW);
	admitted(NOW);
	m.flags &= (uint16_t)~CP_WARD_ASK;
	pid = ward_asks(&m, NOW, &error);
	cr_assert_eq(error, -1);
	registered(pid);
	refused(NOW);
}

Test(admit, unknown_command_is_not_counted)
{
	struct cp_msg m = question(CP_MSG_WARD);
	int error;

	m.key = 0;
	for (int i = 0; i < 3; i++) {
		(void)ward_asks(&m, NOW, &error);
		cr_assert_eq(error, 0);
	}
}

/* exec in one directory of PATH after the other. */
Test(admit, ward_asks_again)
{
	struct cp_ward *w = admitted(NOW);
	struct cp_msg m = question(CP_MSG_WARD);

	options.limit = 1;
	m.pid = w->pid; /* as if it were itself */
	cr_assert_eq(host_asks(&m, NOW), 0);
	cr_assert_eq(cp_facts_find_ward(w->pid), w);
	refused(NOW);
}

/* The guard may have been told of its end, or not yet. */
Test(admit, dead_one_makes_room)
{
	struct cp_ward *w = admitted(NOW);
	struct pollfd p = { .events = POLLIN };

	admitted(NOW);
	refused(NOW);
	cr_assert_eq(kill(w->pid, SIGKILL), 0);
	p.fd = w->pidfd;
	cr_assert_eq(poll(&p, 1, LIMIT_MS), 1);
	cr_assert(!w->dead);
	admitted(NOW);
	refused(NOW);
}

Test(admit, retired_one_makes_room)
{
	struct cp_ward *w = admitted(NOW);

	admitted(NOW);
	w->step = CP_STEP_DOOMED;
	refused(NOW);
	w->step = CP_STEP_TERM;
	admitted(NOW);
}

Test(admit, place_is_kept_for_a_spawn)
{
	cr_assert_eq(spawn_asks(NOW), 0);
	cr_assert_eq(spawn_asks(NOW), 0);
	cr_assert_eq(spawn_asks(NOW), EAGAIN);
	refused(NOW + 1999);
	cr_assert_eq(spawn_asks(NOW + 2000), 0); /* they never came */
}

Test(admit, spawned_one_takes_its_place)
{
	struct cp_msg m = question(CP_MSG_WARD);
	int error;

	m.flags &= (uint16_t)~CP_WARD_ASK;
	cr_assert_eq(spawn_asks(NOW), 0);
	registered(ward_asks(&m, NOW, &error));
	cr_assert_eq(spawn_asks(NOW), 0);
	cr_assert_eq(spawn_asks(NOW), EAGAIN);
	m.thread++; /* another's */
	registered(ward_asks(&m, NOW, &error));
	cr_assert_eq(spawn_asks(NOW + 2000), EAGAIN);
}

static void
retire(struct cp_ward *w, uint64_t now)
{
	cp_admit_retired(w, now);
	cp_facts_forget_ward(w);
}

Test(admit, comeback_has_the_rank_of_the_retired)
{
	struct cp_ward *w;

	options = (struct cp_options){ .keep = 1 };
	w = admitted(NOW);
	retire(w, NOW + SECOND);
	w = admitted(NOW + 2 * SECOND);
	cr_assert_eq(w->rank_ms, NOW - 1);
	cr_assert_eq(w->born_ms, NOW + 2 * SECOND);
	cr_assert_eq(admitted(NOW + 3 * SECOND)->rank_ms, NOW + 3 * SECOND);
}

Test(admit, spawned_comeback_too)
{
	struct cp_msg m = question(CP_MSG_WARD);
	int error;

	options = (struct cp_options){ .keep = 1 };
	m.flags &= (uint16_t)~CP_WARD_ASK;
	retire(admitted(NOW), NOW + SECOND);
	cr_assert_eq(spawn_asks(NOW + 2 * SECOND), 0);
	cr_assert_eq(registered(ward_asks(&m, NOW + 2 * SECOND, &error))
			 ->rank_ms,
	    NOW - 1);
}

/* What the thread has spawned since is what it wants. */
Test(admit, only_the_last_of_a_thread_is_missed)
{
	struct cp_ward *w;

	options = (struct cp_options){ .keep = 1 };
	w = admitted(NOW);
	admitted(NOW + 1);
	retire(w, NOW + SECOND);
	cr_assert_eq(admitted(NOW + 2 * SECOND)->rank_ms, NOW + 2 * SECOND);
}

Test(admit, third_comeback_is_braked)
{
	struct cp_msg other = question(CP_MSG_WARD);
	uint64_t now = NOW;
	int error;

	options = (struct cp_options){ .keep = 1 };
	other.thread++;
	(void)ward_asks(&other, now, &error); /* it is the one that is kept */
	for (int i = 0; i < 3; i++, now += SECOND)
		retire(admitted(now), now);
	refused(now);
	refused(now + SECOND / 2);
	cr_assert_eq(spawn_asks(now + SECOND / 2), EAGAIN);
}

Test(admit, who_is_alone_comes_back_as_it_likes)
{
	uint64_t now = NOW;

	options = (struct cp_options){ .keep = 1 };
	for (int i = 0; i < 9; i++, now += SECOND)
		retire(admitted(now), now);
}

Test(admit, nobody_else_is_answered)
{
	struct cp_msg m = question(CP_MSG_ASK);
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (setresuid(SOMEBODY, SOMEBODY, SOMEBODY) != 0)
			_exit(2); /* no such user here */
		_exit(sendto(asks, &m, sizeof(m), 0, (struct sockaddr *)&guard,
			  guard_len) == (ssize_t)sizeof(m) ?
			0 :
			1);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	if (WEXITSTATUS(status) == 2)
		return;
	cr_assert_eq(status, 0);
	hear();
	cr_assert_eq(answer(asks), -1);
	cr_assert_eq(spawn_asks(NOW), 0);
	cr_assert_eq(spawn_asks(NOW), 0); /* it has taken no place */
}
