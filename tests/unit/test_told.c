/* SPDX-License-Identifier: MIT */
/*
 * What the guard believes of what it hears.  The senders are children of the
 * test, who is the guard; each waits at a gate until the test is over.
 */
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "../../shim/common/wire.h"
#include "../../tools/guard/journal.h"
#include "../../tools/guard/told.h"
#include "../../tools/guard/watch.h"

#define LIMIT_MS 10000
#define NOW	 1000
#define SOMEBODY 65534 /* another user */

static int gate[2], sock;
static struct sockaddr_un guard;
static socklen_t guard_len;

static void
begin(void)
{
	char name[32];
	int on = 1;

	cr_assert_eq(pipe(gate), 0);
	snprintf(name, sizeof(name), "childproof/told/%d", (int)getpid());
	guard_len = cp_wire_address(name, &guard);
	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(setsockopt(sock, SOL_SOCKET, SO_PASSCRED, &on,
	    sizeof(on)), 0);
	cr_assert_eq(bind(sock, (struct sockaddr *)&guard, guard_len), 0);
	cr_assert_eq(cp_facts_init(), 0);
	cr_assert_eq(cp_watch_init(), 0);
	cp_journal_open("none");
	cr_assert_eq(cp_told_open(sock), 0);
}

static void
end(void)
{
	close(gate[1]);
	while (wait(NULL) > 0)
		;
}

TestSuite(told, .timeout = 60, .init = begin, .fini = end);

/* Sends LEN bytes, and descriptor FD if it isn't -1. */
static int
send_bytes(const void *bytes, size_t len, int fd)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec iov = { (void *)bytes, len };
	struct msghdr mh = { .msg_name = &guard, .msg_namelen = guard_len,
		.msg_iov = &iov, .msg_iovlen = 1 };
	int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ssize_t sent;

	if (fd != -1) {
		mh.msg_control = &control;
		mh.msg_controllen = sizeof(control);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(&control.align), &fd, sizeof(fd));
	}
	sent = sendmsg(s, &mh, 0);
	close(s);
	return sent == (ssize_t)len ? 0 : -1;
}

static int
say(const struct cp_msg *m)
{
	return send_bytes(m, sizeof(*m), -1);
}

/* A message of TYPE; those of a ward tell of two pipes. */
static struct cp_msg
message(enum cp_msg_type type, pid_t pid, pid_t host)
{
	struct cp_msg m = { .magic = CP_WIRE_MAGIC, .type = (uint16_t)type,
		.pid = pid, .host = host };

	for (int i = 0; i < 2; i++)
		m.channel[i] = (struct cp_channel){ .kind = CP_KIND_PIPE,
			.access = i == 0 ? CP_READ : CP_WRITE,
			.kept = CP_KEPT_YES, .host_fd = 10 + i,
			.child = 100 + (uint64_t)i,
			.host = 100 + (uint64_t)i };
	m.flags = CP_WARD_DUPLEX;
	memcpy(m.name, "server", sizeof("server"));
	return m;
}

/* A child that says M as user UID (0: as we), if any, and waits. */
static pid_t
sender(const struct cp_msg *m, uid_t uid)
{
	pid_t pid = fork();
	char c;

	cr_assert_neq(pid, -1);
	if (pid != 0)
		return pid;
	close(gate[1]);
	if (uid != 0 && setresuid(uid, uid, uid) != 0)
		_exit(1);
	if (m != NULL && say(m) != 0)
		_exit(1);
	_exit(read(gate[0], &c, 1) == 0 ? 0 : 1);
}

/* Waits for one message and hears it. */
static void
hear(void)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };

	cr_assert_eq(poll(&p, 1, LIMIT_MS), 1, "nothing was said");
	cr_assert_eq(cp_told_hear(NOW, 1), 1);
}

static struct cp_ward *
registered(pid_t pid)
{
	struct cp_ward *w = cp_facts_find_ward(pid);

	cr_assert_not_null(w);
	cr_assert_eq(w->pid, pid);
	return w;
}

/* A ward of ours that registered itself. */
static struct cp_ward *
own_ward(void)
{
	struct cp_msg m = message(CP_MSG_WARD, 0, getpid());
	pid_t pid = sender(&m, 0);

	hear();
	return registered(pid);
}

Test(told, child_speaks_for_itself)
{
	struct cp_ward *w = own_ward();

	cr_assert_eq(w->host->pid, getpid());
	cr_assert_eq(w->uid, geteuid());
	cr_assert_neq(w->start, 0);
	cr_assert(w->duplex);
	cr_assert(!w->dead);
	cr_assert_geq(w->pidfd, 0);
	cr_assert_eq(w->channel[1].child, 101);
	cr_assert_str_eq(w->name, "server");
	cr_assert_gt(w->due_ms, NOW);
}

Test(told, host_speaks_for_its_child)
{
	pid_t child = sender(NULL, 0);
	struct cp_msg m = message(CP_MSG_WARD, child, getpid());

	cr_assert_eq(say(&m), 0);
	hear();
	cr_assert_eq(registered(child)->host->pid, getpid());
}

/* The kernel says who sends: B can be made a ward by itself or its parent. */
Test(told, nobody_speaks_for_a_stranger)
{
	pid_t child = sender(NULL, 0);
	struct cp_msg m = message(CP_MSG_WARD, child, 0);
	pid_t liar;

	liar = sender(&m, 0);	/* as if it were the host */
	hear();
	cr_assert_null(cp_facts_find_ward(child));
	cr_assert_null(cp_facts_find_ward(liar));
	m.host = getpid();	/* in the host's name */
	liar = sender(&m, 0);
	hear();
	cr_assert_null(cp_facts_find_ward(child));
	cr_assert_null(cp_facts_find_ward(liar));
	cr_assert_eq(cp_facts_wards(), 0);
}

Test(told, init_is_no_ward)
{
	struct cp_msg m = message(CP_MSG_WARD, 1, getpid());

	cr_assert_eq(say(&m), 0);
	hear();
	m.pid = -1;
	cr_assert_eq(say(&m), 0);
	hear();
	m.pid = getpid(); /* nor is a host its own */
	cr_assert_eq(say(&m), 0);
	hear();
	cr_assert_eq(cp_facts_wards(), 0);
}

Test(told, failed_exec_is_taken_back)
{
	struct cp_ward *w = own_ward();
	struct cp_msg m = message(CP_MSG_WARD, w->pid, getpid());

	m.flags |= CP_WARD_UNDO;
	cr_assert_eq(say(&m), 0);
	hear();
	cr_assert_eq(cp_facts_wards(), 0);
}

Test(told, stranger_takes_nothing_back)
{
	struct cp_ward *w = own_ward();
	struct cp_msg m = message(CP_MSG_WARD, w->pid, getpid());

	m.flags |= CP_WARD_UNDO;
	sender(&m, 0);
	hear();
	cr_assert_eq(cp_facts_find_ward(w->pid), w);
}

Test(told, channels_must_make_sense)
{
	static const struct {
		uint8_t kind, access, kept;
	} bad[] = {
		{ CP_KIND_PTMX, CP_READ, CP_KEPT_YES },
		{ CP_KIND_PTMX + 1, CP_READ, CP_KEPT_YES },
		{ CP_KIND_PIPE, 0, CP_KEPT_YES },
		{ CP_KIND_PIPE, 4, CP_KEPT_YES },
		{ CP_KIND_UNIX, CP_READ | CP_WRITE, CP_KEPT_NO },
	};
	pid_t child = sender(NULL, 0);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		for (int which = 0; which < 2; which++) {
			struct cp_msg m =
			    message(CP_MSG_WARD, child, getpid());

			m.channel[which].kind = bad[i].kind;
			m.channel[which].access = bad[i].access;
			m.channel[which].kept = bad[i].kept;
			cr_assert_eq(say(&m), 0);
			hear();
			cr_assert_eq(cp_facts_wards(), 0, "%zu", i);
		}
}

Test(told, other_sizes_and_versions_are_no_messages)
{
	pid_t child = sender(NULL, 0);
	struct cp_msg m = message(CP_MSG_WARD, child, getpid());

	for (size_t len = 0; len < sizeof(m); len += 13) {
		cr_assert_eq(send_bytes(&m, len, -1), 0);
		hear();
	}
	m.magic++;
	cr_assert_eq(say(&m), 0);
	hear();
	m.magic = CP_WIRE_MAGIC;
	m.type = UINT16_MAX;
	cr_assert_eq(say(&m), 0);
	hear();
	cr_assert_eq(cp_facts_wards(), 0);
	cr_assert_eq(cp_facts_hosts(), 0);
}

Test(told, name_without_an_end_is_cut)
{
	pid_t child = sender(NULL, 0);
	struct cp_msg m = message(CP_MSG_WARD, child, getpid());

	memset(m.name, 'n', sizeof(m.name));
	cr_assert_eq(say(&m), 0);
	hear();
	cr_assert_eq(strlen(registered(child)->name), sizeof(m.name) - 1);
}

Test(told, descriptors_are_not_taken)
{
	struct cp_msg m = message(CP_MSG_MADE, 0, 0);
	int before, after;

	cr_assert_eq(say(&m), 0); /* makes the host, with its pidfd */
	hear();
	before = dup(0);
	close(before);
	for (int i = 0; i < 10; i++) {
		cr_assert_eq(send_bytes(&m, sizeof(m), gate[0]), 0);
		hear();
	}
	after = dup(0);
	close(after);
	cr_assert_eq(after, before);
}

Test(told, hears_no_more_than_it_was_asked_to)
{
	struct cp_msg m = message(CP_MSG_MADE, 0, 0);

	for (int i = 0; i < 3; i++)
		cr_assert_eq(say(&m), 0);
	cr_assert_eq(cp_told_hear(NOW, 2), 2);
	cr_assert_eq(cp_told_hear(NOW, 2), 1);
	cr_assert_eq(cp_told_hear(NOW, 2), 0);
}

/* Says LEAVE from a socket that has an address, as a leaving host does. */
static int
leave(void)
{
	struct sockaddr_un any = { .sun_family = AF_UNIX };
	struct cp_msg m = message(CP_MSG_LEAVE, 0, 0);
	int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	cr_assert_eq(bind(s, (struct sockaddr *)&any, sizeof(sa_family_t)), 0);
	cr_assert_eq(sendto(s, &m, sizeof(m), 0, (struct sockaddr *)&guard,
	    guard_len), (ssize_t)sizeof(m));
	hear();
	return s;
}

static bool
answered(int s)
{
	struct cp_msg m;
	ssize_t n = recv(s, &m, sizeof(m), MSG_DONTWAIT);

	if (n == -1) {
		cr_assert_eq(errno, EAGAIN);
		return false;
	}
	cr_assert_eq(n, (ssize_t)sizeof(m));
	cr_assert_eq(m.type, CP_MSG_GONE);
	return true;
}

Test(told, host_without_wards_may_leave_at_once)
{
	cr_assert(answered(leave()));
}

Test(told, host_waits_for_its_duplex_wards)
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

Test(told, host_does_not_wait_for_a_one_way_ward)
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

Test(told, child_of_a_ward_belongs_to_it)
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

Test(told, child_of_a_host_belongs_to_no_ward)
{
	struct cp_ward *w = own_ward();
	struct cp_msg m = message(CP_MSG_MEMBER, 0, 0);

	sender(&m, 0);
	hear();
	cr_assert(SLIST_EMPTY(&w->members));
}

/* daemon(3): the fork copy goes on. */
Test(told, heir_gets_the_wards)
{
	struct cp_ward *w = own_ward();
	struct cp_msg m = message(CP_MSG_HEIR, getpid(), 0);
	pid_t heir = sender(&m, 0);

	hear();
	cr_assert_eq(w->host->pid, heir);
}

/* Another program is no fork copy, whatever it says. */
Test(told, stranger_inherits_nothing)
{
	struct cp_ward *w = own_ward();
	struct cp_host *h = w->host;
	struct cp_msg m = message(CP_MSG_HEIR, getpid(), 0);

	h->image ^= 16; /* as if the host's stack were elsewhere */
	sender(&m, 0);
	hear();
	cr_assert_eq(w->host, h);
}

/* Is there a second user to be?  Not in a user namespace of one. */
static bool
other_user(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(setresuid(SOMEBODY, SOMEBODY, SOMEBODY) == 0 ? 0 : 1);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return status == 0;
}

Test(told, other_user_is_heard_about_itself_only)
{
	pid_t child = sender(NULL, 0), other;
	struct cp_msg m;

	if (!other_user()) {
		cr_assert_neq(setresuid(SOMEBODY, SOMEBODY, SOMEBODY), 0);
		return;
	}
	m = message(CP_MSG_WARD, child, getpid());
	sender(&m, SOMEBODY);
	hear();
	cr_assert_null(cp_facts_find_ward(child));
	for (uint16_t type = CP_MSG_MADE; type <= CP_MSG_EXEC; type++) {
		m = message((enum cp_msg_type)type, getpid(), 0);
		other = sender(&m, SOMEBODY);
		hear();
		cr_assert_null(cp_facts_find_host(other), "%d", type);
	}
	/* A child that gave up its uid is a ward all the same. */
	m = message(CP_MSG_WARD, 0, getpid());
	other = sender(&m, SOMEBODY);
	hear();
	cr_assert_eq(registered(other)->uid, SOMEBODY);
	/* But it can't be the child of just anybody. */
	m.host = child;
	other = sender(&m, SOMEBODY);
	hear();
	cr_assert_null(cp_facts_find_ward(other));
}

Test(told, what_was_said_before_the_end_is_heard)
{
	pid_t child = sender(NULL, 0);
	struct cp_msg m = message(CP_MSG_WARD, child, getpid());

	cr_assert_eq(say(&m), 0);
	cr_assert_eq(cp_told_retire(NOW), 1);
	registered(child);
	cr_assert_eq(say(&m), -1);
	cr_assert_eq(errno, ECONNREFUSED);
	cr_assert_eq(cp_told_hear(NOW, 1), 0);
}

Test(told, the_host_has_died)
{
	struct cp_ward *w = own_ward();

	cp_told_died(w->host, NOW + 5, true);
	cr_assert(w->host->dead);
	cr_assert_eq(w->host->gone_ms, NOW + 5);
	cr_assert_eq(w->due_ms, NOW + 5);
}
