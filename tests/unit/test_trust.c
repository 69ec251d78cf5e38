/* SPDX-License-Identifier: MIT */
/*
 * Whom the guard believes when somebody has died, or has another's PID, by the
 * time that a message is heard.
 */
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <dirent.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>

#include "../../shim/common/procfs.h"
#include "../../tools/guard/death.h"
#include "../../tools/guard/due.h"
#include "../../tools/guard/trust.h"
#include "senders.h"

#define FREE_PID 0x3ffffff  /* no kernel gives it */
#ifdef __SANITIZE_ADDRESS__ /* its forks take some 7 ms each */
#define FAMILY 400
#else
#define FAMILY 2000
#endif
#define FAMILIES 4
#define FDS	 253 /* the most that a message can carry */

static int in[2], out[2], news[2];

/* What the others leave is ours to wait for. */
static void
begin_trust(void)
{
	begin();
	cr_assert_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	cr_assert(pipe(in) == 0 && pipe(out) == 0 && pipe(news) == 0);
}

TestSuite(trust, .timeout = 60, .init = begin_trust, .fini = end);

static uint64_t
inode(int fd)
{
	struct stat st;

	cr_assert_eq(fstat(fd, &st), 0);
	return st.st_ino;
}

/* Of a ward that has the pipes `in` and `out`. */
static struct cp_msg
true_message(pid_t pid, pid_t host)
{
	struct cp_msg m = message(CP_MSG_WARD, pid, host);

	m.channel[0].child = m.channel[0].host = inode(in[0]);
	m.channel[1].child = m.channel[1].host = inode(out[1]);
	return m;
}

/* Waits until PID has ended; it stays a zombie. */
static void
ends(pid_t pid)
{
	siginfo_t si;

	cr_assert_eq(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT), 0);
	cr_assert_eq(si.si_code, CLD_EXITED);
	cr_assert_eq(si.si_status, 0);
}

static void
is_buried(pid_t pid)
{
	ends(pid);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

static void
wait_at_gate(void)
{
	char c;

	close(gate[1]);
	close(sock);
	_exit(read(gate[0], &c, 1) == 0 ? 0 : 1);
}

/* A child that says M and is done. */
static pid_t
last_word(const struct cp_msg *m, uid_t uid)
{
	pid_t pid = fork();

	cr_assert_neq(pid, -1);
	if (pid == 0)
		_exit(
		    (uid == 0 || setresuid(uid, uid, uid) == 0) && say(m) == 0 ?
			0 :
			1);
	return pid;
}

/*
 * In a host: makes a child with the channels, registers it, and is done.  With
 * OLDER, it does so as if the child had none, and were so much older.
 */
static void
host_with_child(int older)
{
	struct cp_stat st;
	struct cp_msg m;
	pid_t child = fork();

	if (child == 0) {
		if (dup2(in[0], 0) != 0 || dup2(out[1], 1) != 1 ||
		    write(1, "", 1) != 1)
			_exit(1);
		wait_at_gate();
	}
	m = true_message(child, 0);
	if (older >= 0 && cp_procfs_stat(child, &st) == 0) {
		m.flags = CP_WARD_ANY;
		m.channel[0].kind = m.channel[1].kind = CP_KIND_NONE;
		m.start = st.start - (unsigned)older;
	}
	_exit(write(news[1], &child, sizeof(child)) == sizeof(child) &&
		    say(&m) == 0 ?
		0 :
		1);
}

/* Returns the child; *HOST has ended.  OLDER: -1 for a ward, or as above. */
static pid_t
child_of_the_dead(pid_t *host, int older)
{
	pid_t child;
	char c;

	*host = fork();
	if (*host == 0)
		host_with_child(older);
	ends(*host);
	cr_assert_eq(read(news[0], &child, sizeof(child)), sizeof(child));
	cr_assert_eq(read(out[0], &c, 1), 1); /* it has them */
	return child;
}

Test(trust, dead_host_has_spoken_for_its_child)
{
	pid_t host, child = child_of_the_dead(&host, -1);

	is_buried(host);
	hear();
	cr_assert(registered(child)->host->dead);
	cr_assert(!registered(child)->dead);
}

Test(trust, so_has_one_that_nobody_has_waited_for)
{
	pid_t host, child = child_of_the_dead(&host, -1);

	hear();
	cr_assert(registered(child)->host->dead);
	is_buried(host);
}

/* In a host with many children, the first of which has the channels. */
static void
large_family(void)
{
	pid_t first = 0, child;

	for (int i = 0; i < FAMILY; i++) {
		child = fork();
		if (child == 0) {
			if (i == 0 &&
			    (dup2(in[0], 0) != 0 || dup2(out[1], 1) != 1 ||
				write(1, "", 1) != 1))
				_exit(1);
			wait_at_gate();
		}
		if (i == 0)
			first = child;
	}
	_exit(write(news[1], &first, sizeof(first)) == sizeof(first) &&
		    pause() == 0 ?
		0 :
		1);
}

/*
 * It gives them away one by one, and can be seen to have ended only then.  That
 * takes some 0.1 ms, so not every host is caught at it.
 */
Test(trust, dying_host_has_spoken_for_its_child)
{
	for (int i = 0; i < FAMILIES; i++) {
		pid_t host = fork(), child;
		struct cp_heard x = { .pidfd = -1 };
		struct cp_stat st;
		char c;

		cr_assert_neq(host, -1);
		if (host == 0)
			large_family();
		cr_assert_eq(read(news[0], &child, sizeof(child)),
		    sizeof(child));
		cr_assert_eq(read(out[0], &c, 1), 1); /* it has them */
		x.msg = true_message(child, 0);
		x.from = (struct ucred){ host, getuid(), getgid() };
		cr_assert_eq(kill(host, SIGKILL), 0);
		do
			cr_assert_eq(cp_procfs_stat(child, &st), 0);
		while (st.ppid == host);
		cr_assert(cp_trust_child(&x, child, host, &st), "%d: dying", i);
		cr_assert_eq(waitpid(host, NULL, 0), host);
		cr_assert(cp_trust_child(&x, child, host, &st), "%d: dead", i);
	}
}

/* One without channels is known by its age. */
Test(trust, dead_host_has_spoken_for_any_child)
{
	pid_t host, child = child_of_the_dead(&host, 0);

	is_buried(host);
	hear();
	cr_assert(registered(child)->host->dead);
	cr_assert(!registered(child)->dead);
}

Test(trust, another_child_by_that_pid_was_not_meant)
{
	pid_t host;

	(void)child_of_the_dead(&host, 1);
	is_buried(host);
	hear();
	cr_assert_eq(cp_facts_wards(), 0);
}

/* It is not enough to be dead: that child has other channels. */
Test(trust, dead_liar_is_not_believed)
{
	pid_t child = sender(NULL, 0), liar;
	struct cp_msg m = true_message(child, 0);

	liar = last_word(&m, 0);
	is_buried(liar);
	hear();
	cr_assert_eq(cp_facts_wards(), 0);
}

/* What it forked may hold its channels. */
Test(trust, dead_child_is_a_ward)
{
	struct cp_msg m = message(CP_MSG_WARD, 0, getpid());
	pid_t pid = last_word(&m, 0);
	struct cp_ward *w;

	is_buried(pid);
	hear();
	w = registered(pid);
	cr_assert(w->dead);
	cr_assert_eq(w->start, 0);
	cr_assert_lt(w->pidfd, 0);
	cr_assert_eq(w->host->pid, getpid());
	cr_assert_geq(w->due_ms, NOW);
}

Test(trust, so_is_a_zombie)
{
	struct cp_msg m = message(CP_MSG_WARD, 0, getpid());
	pid_t pid = last_word(&m, 0);

	ends(pid);
	hear();
	cr_assert(registered(pid)->dead);
	cr_assert_neq(registered(pid)->start, 0);
	is_buried(pid);
}

Test(trust, stranger_does_not_take_a_dead_child_back)
{
	struct cp_msg m = message(CP_MSG_WARD, 0, getpid());
	pid_t pid = last_word(&m, 0);

	is_buried(pid);
	hear();
	m = message(CP_MSG_WARD, pid, 0);
	m.flags |= CP_WARD_UNDO;
	sender(&m, 0);
	hear();
	(void)registered(pid);
	cr_assert_eq(say(&m), 0); /* its host does */
	hear();
	cr_assert_eq(cp_facts_wards(), 0);
}

/* Nobody can tell whose child was meant. */
Test(trust, other_user_says_nothing_of_the_dead)
{
	struct cp_msg m = message(CP_MSG_WARD, FREE_PID, 0);
	pid_t other = last_word(&m, SOMEBODY);

	hear();
	cr_assert_eq(cp_facts_wards(), 0);
	cr_assert_null(cp_facts_find_host(other));
	is_buried(other);
	m = message(CP_MSG_WARD, 0, getpid());
	is_buried(last_word(&m, SOMEBODY));
	hear();
	cr_assert_eq(cp_facts_wards(), 0);
	m = message(CP_MSG_WARD, FREE_PID, 0);
	cr_assert_eq(say(&m), 0); /* but we do */
	hear();
	cr_assert(registered(FREE_PID)->dead);
}

/* A new process with a PID that is free; it waits at the gate. */
static void
born_as(pid_t pid)
{
	struct clone_args args = { .exit_signal = SIGCHLD,
		.set_tid = (uintptr_t)&pid,
		.set_tid_size = 1 };
	long rc = syscall(SYS_clone3, &args, sizeof(args));

	if (rc == 0)
		wait_at_gate();
	cr_assert_eq(rc, pid, "clone3: %s", strerror(errno));
}

Test(trust, next_bearer_of_the_pid_is_not_meant)
{
	struct cp_msg m = message(CP_MSG_WARD, 0, getpid());
	pid_t pid = last_word(&m, 0);
	struct cp_stat st;

	is_buried(pid);
	born_as(pid);
	hear();
	cr_assert_eq(cp_procfs_stat(pid, &st), 0);
	cr_assert(registered(pid)->dead);
	cr_assert_neq(registered(pid)->start, st.start);
}

/* Nor is it about to leave, nor a host, nor anybody's heir. */
Test(trust, what_the_dead_said_of_themselves_is_over)
{
	struct cp_ward *w = own_ward();
	struct cp_host *h = w->host;

	for (uint16_t type = CP_MSG_MADE; type <= CP_MSG_EXEC; type++) {
		struct cp_msg m = message((enum cp_msg_type)type, getpid(), 0);
		pid_t pid = last_word(&m, 0);

		is_buried(pid);
		born_as(pid);
		hear();
		cr_assert_null(cp_facts_find_host(pid), "%d", type);
	}
	cr_assert_eq(w->host, h);
	cr_assert_eq(cp_facts_hosts(), 1);
}

Test(trust, next_host_of_the_pid_has_wards_of_its_own)
{
	struct cp_msg m = message(CP_MSG_MADE, 0, 0);
	struct cp_host *old, *new;
	pid_t pid = fork();
	char c;

	if (pid == 0)
		_exit(say(&m) == 0 && read(in[0], &c, 1) == 1 ? 0 : 1);
	hear();
	old = cp_facts_find_host(pid);
	cr_assert_not_null(old);
	cr_assert_eq(write(in[1], "", 1), 1);
	is_buried(pid);
	born_as(pid);
	old->start--; /* both may be of one tick */
	new = cp_told_host(pid, NOW);
	cr_assert_not_null(new);
	cr_assert_neq(new, old);
	cr_assert(!new->dead);
	cr_assert_eq(cp_facts_find_host(pid), new);
}

Test(trust, host_that_died_is_not_searched)
{
	struct cp_msg m = message(CP_MSG_MADE, 0, 0);
	struct cp_host *h = own_ward()->host;

	cp_death_of_host(h, NOW, false);
	for (uint16_t type = CP_MSG_MADE; type <= CP_MSG_EXEC; type++) {
		m.type = type;
		cr_assert_eq(say(&m), 0);
		hear();
		cr_assert_eq(h->look_ms, 0, "%d", type);
	}
	cr_assert(!h->census);
}

Test(trust, host_that_made_a_channel_is_searched_once)
{
	struct cp_msg m = message(CP_MSG_MADE, 0, 0);
	struct cp_host *h = own_ward()->host;

	cr_assert_eq(say(&m), 0);
	hear();
	cr_assert_gt(h->look_ms, NOW);
	h->look_ms += 5;
	m.count = (uint32_t)h->look_ms;
	cr_assert_eq(say(&m), 0);
	hear();
	cr_assert_eq(h->look_ms, m.count);
	h->look_ms = 0;
	h->calm_ms = NOW + 5000; /* there was nobody a moment ago */
	cr_assert_eq(say(&m), 0);
	hear();
	cr_assert_eq(h->look_ms, h->calm_ms);
}

/* It takes its time, and there was nobody a moment ago. */
Test(trust, host_with_a_helper_is_searched_twice)
{
	struct cp_msg m = message(CP_MSG_MADE, 0, 0);
	struct cp_host *h = own_ward()->host;

	m.flags = CP_WARD_GUESS;
	h->calm_ms = h->look_ms = NOW + 5000;
	cr_assert_eq(say(&m), 0);
	hear();
	cr_assert_lt(h->look_ms, NOW + 1000);
	cr_assert_eq(h->looks, 1);
}

Test(trust, host_about_to_exec_is_looked_at)
{
	struct cp_msg m = message(CP_MSG_EXEC, 0, 0);
	struct cp_ward *w = own_ward();

	cp_due(w, 0);
	sender(&m, 0); /* somebody else */
	hear();
	cr_assert_eq(w->due_ms, 0);
	cr_assert_eq(say(&m), 0);
	hear();
	cr_assert_gt(w->due_ms, NOW);
	cr_assert_eq(w->host->gone_ms, NOW);
	cr_assert(!w->host->dead);
}

Test(trust, longer_messages_are_none)
{
	pid_t child = sender(NULL, 0);
	struct {
		struct cp_msg m;
		char more[8];
	} x = { message(CP_MSG_WARD, child, getpid()), { 0 } };

	cr_assert_eq(send_bytes(&x, sizeof(x.m) + 1, -1), 0);
	hear();
	cr_assert_eq(send_bytes(&x, sizeof(x), -1), 0);
	hear();
	cr_assert_eq(cp_facts_wards(), 0);
	cr_assert_eq(send_bytes(&x, sizeof(x.m), -1), 0);
	hear();
	(void)registered(child);
}

static size_t
open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	cr_assert_not_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

/* More than our room for control data holds. */
static void
send_descriptors(const void *bytes, size_t len)
{
	union {
		char buf[CMSG_SPACE(FDS * sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec iov = { (void *)(uintptr_t)bytes, len };
	struct msghdr mh = { .msg_name = &guard,
		.msg_namelen = guard_len,
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int fds[FDS];

	for (int i = 0; i < FDS; i++)
		fds[i] = gate[0];
	control.align.cmsg_level = SOL_SOCKET;
	control.align.cmsg_type = SCM_RIGHTS;
	control.align.cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(&control.align), fds, sizeof(fds));
	cr_assert_eq(sendmsg(s, &mh, 0), (ssize_t)len);
	close(s);
}

Test(trust, no_descriptor_is_kept)
{
	struct cp_ward *w = own_ward(); /* so that the host is watched */
	struct cp_msg m = message(CP_MSG_MADE, 0, 0);
	size_t before = open_descriptors();

	for (size_t len = 1; len <= sizeof(m); len += sizeof(m) - 1) {
		send_descriptors(&m, len);
		hear();
		cr_assert_eq(open_descriptors(), before, "%zu", len);
	}
	cr_assert_gt(w->host->look_ms, NOW, "the message counts");
}

/* A child that keeps of its copies what KEEPS says; is it told of by a letter? */
static bool
is_told(void (*keep)(void), unsigned ticks_later)
{
	uint64_t tick_ns = UINT64_C(1000000000) /
	    (uint64_t)sysconf(_SC_CLK_TCK);
	struct cp_heard x = { .from.pid = getpid(), .pidfd = -1 };
	struct cp_stat st;
	pid_t pid = fork();
	bool kin, told;
	char c;
	int fd;

	if (pid == 0) {
		keep();
		if (write(news[1], "", 1) != 1)
			_exit(1);
		wait_at_gate();
	}
	cr_assert(read(news[0], &c, 1) == 1);
	cr_assert_eq(cp_procfs_stat(pid, &st), 0);
	x.msg = true_message(pid, 0);
	x.told_ns = (st.start + ticks_later) * tick_ns + 1;
	fd = cp_trust_pidfd(&x, &kin);
	told = fd >= 0;
	cr_assert_eq(x.msg.start, told ? st.start : 0);
	if (told)
		close(fd);
	return told;
}

static void
keep_stdio(void)
{
	if (dup2(in[0], 0) != 0 || dup2(out[1], 1) != 1)
		_exit(1);
}

static void
keep_nothing(void)
{
	close(in[0]);
	close(in[1]);
	close(out[0]);
	close(out[1]);
}

/* As the host's next child does until its exec. */
static void
keep_host_ends(void)
{
	close(in[0]);
	close(out[1]);
}

/* Two may have had one number in the tick in which it was told of. */
Test(trust, letter_of_the_same_tick)
{
	cr_assert(is_told(keep_stdio, 0));
	cr_assert_not(is_told(keep_nothing, 0));
	cr_assert_not(is_told(keep_host_ends, 0));
	cr_assert(is_told(keep_nothing, 1));
	cr_assert(is_told(keep_host_ends, 1));
}
