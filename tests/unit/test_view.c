/* SPDX-License-Identifier: MIT */
/* Asking a guard, which is a thread of the test, and what is made of it. */
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../../shim/common/procfs.h"
#include "../../tools/cli/view.h"
#include "../../tools/guard/facts.h"
#include "../../tools/guard/judge.h"
#include "snaps.h"

#define LIMIT_MS 10000

static char name[CP_NAME_MAX + 1];
static struct cp_guards one = { &name, 1 };

/* What the guard says, COUNT times. */
static struct talk {
	int sock, count, file;
	uint16_t type;
	uint32_t magic, n;
	bool shorter;
	struct cp_msg heard;
} talk;

static void
begin(void)
{
	struct sockaddr_un sun;
	socklen_t len;

	unsigned int any;

	/* Names are those of the network, PIDs are not. */
	cr_assert_eq(getrandom(&any, sizeof(any), 0), (ssize_t)sizeof(any));
	snprintf(name, sizeof(name), "childproof/%d/%08x", (int)getpid(), any);
	len = cp_wire_address(name, &sun);
	talk = (struct talk){ .count = 1,
		.file = -1,
		.type = CP_MSG_FACTS,
		.magic = CP_WIRE_MAGIC };
	talk.sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(talk.sock, (struct sockaddr *)&sun, len), 0);
}

TestSuite(view, .timeout = 60, .init = begin);

static void
answer(const struct sockaddr_un *to, socklen_t len)
{
	struct cp_msg m = { .magic = talk.magic,
		.type = talk.type,
		.count = talk.n };
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec iov = { &m, talk.shorter ? sizeof(m) - 1 : sizeof(m) };
	struct msghdr mh = { .msg_name = (void *)(uintptr_t)to,
		.msg_namelen = len,
		.msg_iov = &iov,
		.msg_iovlen = 1 };

	if (talk.file >= 0) {
		mh.msg_control = &control;
		mh.msg_controllen = sizeof(control);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.align), &talk.file, sizeof(int));
	}
	(void)sendmsg(talk.sock, &mh, 0);
}

static void *
guard(void *arg)
{
	struct pollfd p = { .fd = talk.sock, .events = POLLIN };

	(void)arg;
	for (int i = 0; i < talk.count; i++) {
		struct sockaddr_un to;
		socklen_t len = sizeof(to);

		if (poll(&p, 1, LIMIT_MS) != 1 ||
		    recvfrom(talk.sock, &talk.heard, sizeof(talk.heard), 0, &to,
			&len) != sizeof(talk.heard))
			break;
		answer(&to, len);
	}
	return NULL;
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The error of asking for the facts. */
static int
error_of_asking(void)
{
	struct cp_facts f;
	pthread_t t;
	int error;

	cr_assert_eq(pthread_create(&t, NULL, guard, NULL), 0);
	cp_ask_facts(&one, &f, &error);
	cr_assert_eq(pthread_join(t, NULL), 0);
	cp_facts_free(&f);
	return error;
}

Test(view, facts_come)
{
	struct snap s = snap_good();

	talk.file = snap_file(&s, sizeof(s), SNAP_ALL);
	cr_assert_eq(error_of_asking(), 0);
	cr_assert_eq(talk.heard.type, CP_MSG_QUERY);
	cr_assert_eq(talk.heard.magic, CP_WIRE_MAGIC);
}

Test(view, insane_facts)
{
	struct snap s = snap_good();

	s.ward[0].host = 5;
	talk.file = snap_file(&s, sizeof(s), SNAP_ALL);
	cr_assert_eq(error_of_asking(), EPROTO);
	talk.file = -1;
	cr_assert_eq(error_of_asking(), EPROTO, "facts without a file");
}

Test(view, refusal)
{
	talk.type = CP_MSG_ANSWER;
	talk.n = EACCES;
	cr_assert_eq(error_of_asking(), EACCES);
}

Test(view, strange_answers)
{
	struct snap s = snap_good();

	talk.file = snap_file(&s, sizeof(s), SNAP_ALL);
	talk.magic = CP_WIRE_MAGIC + 1;
	cr_assert_eq(error_of_asking(), EPROTO);
	talk.magic = CP_WIRE_MAGIC;
	talk.shorter = true;
	cr_assert_eq(error_of_asking(), EPROTO);
}

Test(view, nobody_is_there)
{
	int64_t began = now_ms();
	struct cp_facts f;
	int error;

	close(talk.sock);
	cp_ask_facts(&one, &f, &error);
	cr_assert_eq(error, ECONNREFUSED);
	cr_assert_eq(cp_ask(name, &(struct cp_msg){ .type = CP_MSG_REAP }), -1);
	cr_assert_eq(errno, ECONNREFUSED);
	cr_assert_lt(now_ms() - began, 900);
}

/* About a second, whether it has room for the question or not. */
Test(view, silence)
{
	const struct cp_msg m = { .type = CP_MSG_REAP };
	struct cp_facts f;
	int64_t began;
	int error;

	for (int i = 0; i < 30; i++) { /* more than it has room for */
		began = now_ms();
		if (i % 10 != 9) { /* fill it up without waiting */
			struct sockaddr_un sun;
			socklen_t len = cp_wire_address(name, &sun);
			int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

			(void)sendto(s, &m, sizeof(m), MSG_DONTWAIT,
			    (struct sockaddr *)&sun, len);
			close(s);
			continue;
		}
		cp_ask_facts(&one, &f, &error);
		cr_assert_eq(error, ETIMEDOUT);
		cr_assert_geq(now_ms() - began, 990);
		cr_assert_eq(cp_ask(name, &m), -1);
		cr_assert_eq(errno, ETIMEDOUT);
		cr_assert_lt(now_ms() - began, 4000);
	}
}

static void *
client(void *arg)
{
	struct cp_facts f;

	cp_ask_facts(&one, &f, arg);
	cp_facts_free(&f);
	return NULL;
}

/* A guard has room for about ten questions: the others wait for theirs. */
Test(view, many_clients)
{
	struct snap s = snap_good();
	pthread_t t, clients[64];
	int error[64];

	talk.file = snap_file(&s, sizeof(s), SNAP_ALL);
	talk.count = 64;
	for (int i = 0; i < 64; i++)
		cr_assert_eq(pthread_create(&clients[i], NULL, client,
				 &error[i]),
		    0);
	poll(NULL, 0, 100); /* until its queue is full */
	cr_assert_eq(pthread_create(&t, NULL, guard, NULL), 0);
	for (int i = 0; i < 64; i++) {
		cr_assert_eq(pthread_join(clients[i], NULL), 0);
		cr_assert_eq(error[i], 0, "client %d: %d", i, error[i]);
	}
	cr_assert_eq(pthread_join(t, NULL), 0);
}

Test(view, answers_to_orders)
{
	const struct cp_msg m = { .type = CP_MSG_ATTACH, .pid = 42 };
	pthread_t t;

	talk.type = CP_MSG_ANSWER;
	talk.n = 7;
	cr_assert_eq(pthread_create(&t, NULL, guard, NULL), 0);
	cr_assert_eq(cp_ask(name, &m), 7);
	cr_assert_eq(pthread_join(t, NULL), 0);
	cr_assert_eq(talk.heard.type, CP_MSG_ATTACH);
	cr_assert_eq(talk.heard.pid, 42);
}

/* --- what is made of the facts ------------------------------------------- */

static struct cp_view view;

/* How our ward is seen. */
static const struct cp_seen_ward *
seen(const struct snap *s, pid_t pid)
{
	pthread_t t;

	talk.file = snap_file(s, sizeof(*s), SNAP_ALL);
	cr_assert_eq(pthread_create(&t, NULL, guard, NULL), 0);
	cr_assert_eq(cp_view_take_of(&view, &one), 0);
	cr_assert_eq(pthread_join(t, NULL), 0);
	close(talk.file);
	for (size_t i = 0; i < view.n_wards; i++)
		if (view.wards[i].w->pid == pid)
			return &view.wards[i];
	cr_assert(false, "it is not seen");
	return NULL;
}

static enum cp_state
state(const struct snap *s)
{
	enum cp_state st = seen(s, s->ward[0].pid)->state;

	cp_view_free(&view);
	return st;
}

static struct snap
stepped(enum cp_step step, enum cp_rule rule)
{
	struct snap s = snap_good();

	s.ward[0].step = (uint8_t)step;
	s.ward[0].rule = (uint8_t)rule;
	return s;
}

Test(view, states_by_step_and_rule)
{
	static const struct {
		enum cp_step step;
		enum cp_rule rule;
		enum cp_state state;
	} rows[] = {
		{ CP_STEP_WATCH, CP_RULE_HOST_LIVES, CP_STATE_LIVE },
		/* What is calm again keeps its last rule. */
		{ CP_STEP_WATCH, CP_RULE_CLOSED, CP_STATE_LIVE },
		{ CP_STEP_DOOMED, CP_RULE_CLOSED, CP_STATE_PEER_GONE },
		{ CP_STEP_DOOMED, CP_RULE_CHILD_DIED, CP_STATE_CHILD_GONE },
		{ CP_STEP_DOOMED, CP_RULE_HOST_DIED, CP_STATE_ORPHAN },
		{ CP_STEP_DOOMED, CP_RULE_HOST_EXECD, CP_STATE_ORPHAN },
		{ CP_STEP_DOOMED, CP_RULE_HOST_LEAVES, CP_STATE_ORPHAN },
		{ CP_STEP_DOOMED, CP_RULE_STALE, CP_STATE_STALE },
		{ CP_STEP_TERM, CP_RULE_CLOSED, CP_STATE_ENDING },
		{ CP_STEP_KILL, CP_RULE_HOST_DIED, CP_STATE_ENDING },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct snap s = stepped(rows[i].step, rows[i].rule);
		enum cp_state st = state(&s);

		cr_assert_eq(st, rows[i].state, "row %zu: %s", i,
		    cp_state_name(st));
	}
}

Test(view, states_by_what_else_is_known)
{
	struct snap s = stepped(CP_STEP_DOOMED, CP_RULE_CLOSED);

	s.host[0].dead = true; /* its ends were closed a moment before */
	cr_assert_eq(state(&s), CP_STATE_ORPHAN);
	s = snap_good();

	s.ward[0].idle_ms = SNAP_NOW - 2000;
	cr_assert_eq(state(&s), CP_STATE_LIVE, "idle= is off");
	s.head.options.idle_ms = 2001;
	cr_assert_eq(state(&s), CP_STATE_LIVE);
	s.head.options.idle_ms = 2000;
	cr_assert_eq(state(&s), CP_STATE_IDLE);
	s.ward[0].idle_ms = SNAP_NOW + 2000; /* from after the snapshot */
	cr_assert_eq(state(&s), CP_STATE_LIVE);
	s.ward[0].spare = true;
	cr_assert_eq(state(&s), CP_STATE_SPARED);
	s.ward[0].surplus = true;
	cr_assert_eq(state(&s), CP_STATE_STALE);
	s.ward[0].unwaited_ms = 1;
	cr_assert_eq(state(&s), CP_STATE_UNWAITED);
}

static pid_t
zombie(void)
{
	pid_t pid = fork();
	siginfo_t info;

	if (pid == 0)
		_exit(0);
	cr_assert_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	return pid;
}

/* Its host has not waited for it: that alone is no end of what it started. */
Test(view, a_zombie_that_others_go_on_for)
{
	struct snap s = stepped(CP_STEP_DOOMED, CP_RULE_CHILD_DIED);
	struct cp_stat st;

	s.ward[0].pid = zombie();
	cr_assert_eq(cp_procfs_stat(s.ward[0].pid, &st), 0);
	s.ward[0].start = st.start;
	s.ward[0].dead = true;
	cr_assert_eq(state(&s), CP_STATE_CHILD_GONE);
	s.ward[0].step = CP_STEP_TERM;
	cr_assert_eq(state(&s), CP_STATE_ENDING);
	s.ward[0].step = CP_STEP_WATCH;
	cr_assert_eq(state(&s), CP_STATE_UNWAITED);
	s.ward[0].start++; /* another process had that number */
	cr_assert_eq(state(&s), CP_STATE_LIVE);
}

Test(view, times)
{
	struct snap s = stepped(CP_STEP_DOOMED, CP_RULE_CLOSED);
	const struct cp_seen_ward *w;

	s.ward[0].next_ms = SNAP_NOW + 3500;
	w = seen(&s, s.ward[0].pid);
	cr_assert_eq(w->age, 5);
	cr_assert_eq(w->idle, -1);
	cr_assert_eq(w->due, 3);
	cr_assert_str_eq(w->command, "[ward]");
	cp_view_free(&view);
	s.ward[0].next_ms = SNAP_NOW - 1;
	s.ward[0].born_ms = 0;
	w = seen(&s, s.ward[0].pid);
	cr_assert_eq(w->due, 0);
	cr_assert_eq(w->age, 0);
	cp_view_free(&view);
}

/* As old as the process, however late it was found. */
Test(view, ages)
{
	struct snap s = snap_good();
	uint64_t hz = (uint64_t)sysconf(_SC_CLK_TCK);
	struct timespec up;
	int64_t age;

	clock_gettime(CLOCK_BOOTTIME, &up);
	cr_assert_gt(up.tv_sec, 1);
	s.ward[0].start = ((uint64_t)up.tv_sec - 1) * hz;
	age = (int64_t)seen(&s, s.ward[0].pid)->age;
	cr_assert(age >= 1 && age < 60, "%lld", (long long)age);
	cp_view_free(&view);
	s.ward[0].start = ((uint64_t)up.tv_sec + 1000) * hz;
	cr_assert_eq(seen(&s, s.ward[0].pid)->age, 0, "from the future");
	cp_view_free(&view);
}

/* Two that name each other, and one that names itself: no endless tree. */
Test(view, rings)
{
	struct snap s = snap_good();
	size_t shown = 0;

	s.ward[0].pid = s.host[0].pid; /* the host is its own child */
	(void)seen(&s, s.ward[0].pid);
	for (size_t i = 0; i < view.n_hosts; i++)
		shown += !view.hosts[i].nested;
	cr_assert_eq(shown, 1);
	cp_view_free(&view);
}
