/* SPDX-License-Identifier: MIT */
/* What users ask of a guard: the snapshot, reap, attach and detach. */
#include "senders.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <stdlib.h>

#include "../../tools/guard/due.h"
#include "../../tools/guard/judge.h"
#include "../../tools/guard/query.h"
#include "../../tools/guard/snapshot.h"

#define NO_PID 0x3fffffff

static struct cp_options options;
static int me; /* the asker's socket */

static void
begin_asking(void)
{
	sa_family_t any = AF_UNIX;

	begin();
	cp_options_init(&options);
	options.term_ms = 1234;
	cp_query_init(&options);
	me = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(me, (struct sockaddr *)&any, sizeof(any)), 0);
}

TestSuite(query, .timeout = 60, .init = begin_asking, .fini = end);

static void
put(const struct cp_msg *m)
{
	cr_assert_eq(sendto(me, m, sizeof(*m), 0, (struct sockaddr *)&guard,
			 guard_len),
	    (ssize_t)sizeof(*m));
}

/* The answer, if there is one; its descriptor in *FD, or -1. */
static bool
take(struct cp_msg *m, int *fd)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { m, sizeof(*m) };
	struct msghdr mh = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(me, &mh, MSG_DONTWAIT);
	struct cmsghdr *c;

	*fd = -1;
	if (n == -1)
		return false;
	cr_assert_eq(n, (ssize_t)sizeof(*m));
	cr_assert_eq(m->magic, CP_WIRE_MAGIC);
	c = CMSG_FIRSTHDR(&mh);
	if (c != NULL && c->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(c), sizeof(*fd));
	return true;
}

/* What the guard answers to TYPE: a count. */
static uint32_t
asked(enum cp_msg_type type, pid_t pid, uint16_t flags)
{
	struct cp_msg m = { .magic = CP_WIRE_MAGIC,
		.type = (uint16_t)type,
		.flags = flags,
		.pid = pid };
	int fd;

	put(&m);
	hear();
	cr_assert(take(&m, &fd), "no answer");
	cr_assert_eq(m.type, CP_MSG_ANSWER);
	cr_assert_eq(fd, -1, "a descriptor comes with it");
	return m.count;
}

/* The whole file, to be freed. */
static struct cp_snap_head *
snapshot(uint64_t now_ms)
{
	struct cp_msg m = { .magic = CP_WIRE_MAGIC, .type = CP_MSG_QUERY };
	struct cp_snap_head *h;
	off_t size;
	int fd;

	put(&m);
	cr_assert_eq(cp_told_hear(now_ms, 1), 1);
	cr_assert(take(&m, &fd), "no answer");
	cr_assert_eq(m.type, CP_MSG_FACTS);
	cr_assert_neq(fd, -1, "no descriptor");
	cr_assert_neq(fcntl(fd, F_GET_SEALS) & F_SEAL_SHRINK, 0);
	cr_assert_neq(fcntl(fd, F_GET_SEALS) & F_SEAL_WRITE, 0);
	size = lseek(fd, 0, SEEK_END);
	cr_assert_geq(size, (off_t)sizeof(*h));
	h = malloc((size_t)size);
	cr_assert_not_null(h);
	cr_assert_eq(pread(fd, h, (size_t)size, 0), size);
	cr_assert_eq(size,
	    (off_t)(sizeof(*h) + h->n_hosts * sizeof(struct cp_snap_host) +
		h->n_wards * sizeof(struct cp_snap_ward) +
		h->n_members * sizeof(struct cp_snap_member)));
	close(fd);
	return h;
}

static const struct cp_snap_host *
hosts(const struct cp_snap_head *h)
{
	return (const void *)(h + 1);
}

static const struct cp_snap_ward *
wards(const struct cp_snap_head *h)
{
	return (const void *)(hosts(h) + h->n_hosts);
}

/* The number of the guard's file, or -1. */
static int
file_number(void)
{
	char path[32], text[64] = "";

	for (int fd = 3; fd < 64; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (readlink(path, text, sizeof(text) - 1) > 0 &&
		    strncmp(text, "/memfd:childproof", 17) == 0)
			return fd;
	}
	return -1;
}

/* Its number may be that of anything in a guard that has taken over. */
Test(query, old_file_is_left_alone)
{
	struct stat st[2];
	int number;

	free(snapshot(NOW));
	number = file_number();
	cr_assert_neq(number, -1);
	cr_assert_eq(dup2(gate[0], number), number);
	cp_query_init(&options);
	free(snapshot(NOW + 1000));
	cr_assert_eq(fstat(gate[0], &st[0]), 0);
	cr_assert_eq(fstat(number, &st[1]), 0);
	cr_assert_eq(st[0].st_ino, st[1].st_ino);
}

Test(query, empty_snapshot)
{
	struct cp_snap_head *h = snapshot(NOW);

	cr_assert_eq(h->magic, CP_SNAP_MAGIC);
	cr_assert_eq(h->head_size, sizeof(*h));
	cr_assert_eq(h->host_size, sizeof(struct cp_snap_host));
	cr_assert_eq(h->ward_size, sizeof(struct cp_snap_ward));
	cr_assert_eq(h->member_size, sizeof(struct cp_snap_member));
	cr_assert_eq(h->n_hosts + h->n_wards + h->n_members, 0);
	cr_assert_eq(h->guard, getpid());
	cr_assert_eq(h->now_ms, NOW);
	cr_assert_eq(h->options.term_ms, 1234);
	free(h);
}

Test(query, snapshot_tells_hosts_wards_and_members)
{
	struct cp_ward *w = own_ward();
	const struct cp_snap_member *m;
	struct cp_snap_head *h;
	const struct cp_snap_ward *v;

	cr_assert_not_null(cp_facts_member(w, 4711, 99));
	w->step = CP_STEP_DOOMED;
	w->rule = CP_RULE_CLOSED;
	w->next_ms = NOW + 7;
	h = snapshot(NOW);
	cr_assert_eq(h->n_hosts, 1);
	cr_assert_eq(h->n_wards, 1);
	cr_assert_eq(h->n_members, 1);
	cr_assert_eq(hosts(h)->pid, getpid());
	cr_assert_eq(hosts(h)->start, w->host->start);
	v = wards(h);
	cr_assert_eq(v->host, 0);
	cr_assert_eq(v->pid, w->pid);
	cr_assert_eq(v->start, w->start);
	cr_assert(v->duplex);
	cr_assert_eq(v->step, CP_STEP_DOOMED);
	cr_assert_eq(v->rule, CP_RULE_CLOSED);
	cr_assert_eq(v->next_ms, NOW + 7);
	cr_assert_eq(v->channel[1].child, 101);
	cr_assert_str_eq(v->name, "server");
	m = (const void *)(v + 1);
	cr_assert_eq(m->ward, 0);
	cr_assert_eq(m->pid, 4711);
	cr_assert_eq(m->start, 99);
	free(h);
}

/* Within 20 ms everybody gets the same file; then it is made anew. */
Test(query, snapshot_is_shared_for_a_moment)
{
	struct cp_snap_head *h = snapshot(NOW);

	free(h);
	own_ward();
	h = snapshot(NOW + 20);
	cr_assert_eq(h->n_wards, 0);
	free(h);
	h = snapshot(NOW + 21);
	cr_assert_eq(h->n_wards, 1);
	cr_assert_eq(h->now_ms, NOW + 21);
	free(h);
}

/* Who gives an order sees what it did. */
Test(query, an_order_ends_that_moment)
{
	pid_t pid = sender(NULL, 0);
	struct cp_snap_head *h = snapshot(NOW);

	free(h);
	cr_assert_eq(asked(CP_MSG_ATTACH, pid, 0), 0);
	h = snapshot(NOW);
	cr_assert_eq(h->n_hosts, 1);
	cr_assert(hosts(h)->attached);
	free(h);
}

/* Nothing to send an answer to: nothing is done for it. */
Test(query, without_an_address_nothing_happens)
{
	struct cp_ward *w = own_ward();
	struct cp_msg m = message(CP_MSG_REAP, 0, 0);

	w->step = CP_STEP_DOOMED;
	w->rule = CP_RULE_HOST_DIED;
	cr_assert_eq(say(&m), 0);
	hear();
	cr_assert_not(w->urged);
}

/* As a user who is neither ours nor root. */
static void
as_somebody(enum cp_msg_type type, int *status)
{
	struct cp_msg m = { .magic = CP_WIRE_MAGIC, .type = (uint16_t)type };
	int told[2];
	pid_t pid;

	cr_assert_eq(pipe(told), 0);
	pid = fork();
	if (pid == 0) {
		sa_family_t any = AF_UNIX;
		struct pollfd p = { .events = POLLIN };
		int fd;

		me = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (setresuid(SOMEBODY, SOMEBODY, SOMEBODY) != 0 ||
		    bind(me, (struct sockaddr *)&any, sizeof(any)) != 0)
			_exit(77);
		if (sendto(me, &m, sizeof(m), 0, (struct sockaddr *)&guard,
			guard_len) != (ssize_t)sizeof(m) ||
		    write(told[1], "", 1) != 1)
			_exit(1);
		p.fd = me;
		if (poll(&p, 1, LIMIT_MS) != 1 || !take(&m, &fd))
			_exit(2);
		_exit(fd == -1 && m.type == CP_MSG_ANSWER && m.count == EACCES ?
			0 :
			3);
	}
	close(told[1]);
	if (read(told[0], status, 1) == 1)
		hear();
	close(told[0]);
	cr_assert_eq(waitpid(pid, status, 0), pid);
}

Test(query, others_learn_nothing_and_do_nothing)
{
	static const enum cp_msg_type all[] = { CP_MSG_QUERY, CP_MSG_REAP,
		CP_MSG_ATTACH, CP_MSG_DETACH };
	struct cp_ward *w = own_ward();
	int status;

	w->step = CP_STEP_DOOMED;
	w->rule = CP_RULE_HOST_DIED;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		as_somebody(all[i], &status);
		if (WEXITSTATUS(status) == 77)
			cr_skip_test("only root can be somebody else");
		cr_assert_eq(status, 0, "message %d: %#x", all[i], status);
	}
	cr_assert_not(w->urged);
	cr_assert_not(w->host->census);
}

/* A ward in some step, by some rule. */
static struct cp_ward *
ward_in(enum cp_step step, enum cp_rule rule)
{
	struct cp_ward *w = own_ward();

	w->step = (uint8_t)step;
	w->rule = (uint8_t)rule;
	cp_due(w, 0);
	return w;
}

Test(query, reap_urges_what_is_proven)
{
	static const enum cp_rule rules[] = { CP_RULE_HOST_DIED,
		CP_RULE_HOST_EXECD, CP_RULE_HOST_LEAVES, CP_RULE_CLOSED };

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct cp_ward *w = ward_in(CP_STEP_DOOMED, rules[i]);

		cr_assert_eq(asked(CP_MSG_REAP, w->pid, 0), 1);
		cr_assert(w->urged);
		cr_assert_eq(w->due_ms, NOW);
	}
	cr_assert_eq(asked(CP_MSG_REAP, 0, 0), 4, "all of them are counted");
}

Test(query, reap_leaves_the_living_alone)
{
	struct cp_ward *w = ward_in(CP_STEP_WATCH, CP_RULE_HOST_LIVES);

	cr_assert_eq(asked(CP_MSG_REAP, 0, CP_REAP_STALE), 0);
	cr_assert_eq(asked(CP_MSG_REAP, w->pid, CP_REAP_STALE), 0);
	cr_assert_not(w->urged);
	cr_assert_not(w->retired);
	cr_assert_eq(w->due_ms, 0);
}

/* That no byte moves for a whole grace is what proves it. */
Test(query, reap_does_not_shorten_a_silence)
{
	struct cp_ward *w = ward_in(CP_STEP_DOOMED, CP_RULE_CHILD_DIED);

	cr_assert_eq(asked(CP_MSG_REAP, w->pid, CP_REAP_STALE), 0);
	cr_assert_not(w->urged);
	cr_assert_eq(w->due_ms, 0);
}

Test(query, what_is_ending_is_counted_and_no_more)
{
	struct cp_ward *w = ward_in(CP_STEP_TERM, CP_RULE_CLOSED);

	cr_assert_eq(asked(CP_MSG_REAP, w->pid, 0), 1);
	cr_assert_not(w->urged);
	cr_assert_eq(w->due_ms, 0);
}

Test(query, a_zombie_is_nothing_to_reap)
{
	struct cp_ward *w = ward_in(CP_STEP_TERM, CP_RULE_CLOSED);

	w->unwaited_ms = NOW;
	cr_assert_eq(asked(CP_MSG_REAP, 0, 0), 0);
}

Test(query, stale_is_reaped_if_it_is_asked_for)
{
	struct cp_ward *w = ward_in(CP_STEP_WATCH, CP_RULE_HOST_LIVES);

	w->surplus = true;
	cr_assert_eq(asked(CP_MSG_REAP, w->pid, 0), 0);
	cr_assert_not(w->retired);
	cr_assert_eq(asked(CP_MSG_REAP, w->pid, CP_REAP_STALE), 1);
	cr_assert(w->retired);
	cr_assert(w->urged);
	cr_assert_eq(w->due_ms, NOW);
}

Test(query, reap_means_whom_the_pid_names)
{
	struct cp_ward *a = ward_in(CP_STEP_DOOMED, CP_RULE_CLOSED);
	struct cp_ward *b = ward_in(CP_STEP_DOOMED, CP_RULE_CLOSED);

	cr_assert_eq(asked(CP_MSG_REAP, NO_PID, 0), 0);
	cr_assert_not(a->urged || b->urged);
	cr_assert_not_null(cp_facts_member(a, NO_PID, 1));
	cr_assert_eq(asked(CP_MSG_REAP, NO_PID, 0), 1, "a member names it");
	cr_assert(a->urged);
	cr_assert_not(b->urged);
	cr_assert_eq(asked(CP_MSG_REAP, getpid(), 0), 2, "so does the host");
	cr_assert(b->urged);
}

Test(query, attach_and_detach)
{
	pid_t pid = sender(NULL, 0);
	struct cp_host *h;

	cr_assert_eq(asked(CP_MSG_DETACH, pid, 0), ESRCH);
	cr_assert_eq(asked(CP_MSG_ATTACH, pid, 0), 0);
	h = cp_facts_find_host(pid);
	cr_assert_not_null(h);
	cr_assert(h->census && h->attached && !h->dead);
	cr_assert_eq(h->look_ms, NOW, "its children are listed at once");
	cr_assert_eq(asked(CP_MSG_ATTACH, pid, 0), EALREADY);
	cr_assert_eq(asked(CP_MSG_DETACH, pid, 0), 0);
	cr_assert(h->dead);
	cr_assert_lt(h->pidfd, 0);
	cr_assert_eq(asked(CP_MSG_DETACH, pid, 0), ESRCH);
}

Test(query, detach_forgets_its_wards)
{
	pid_t pid = sender(NULL, 0), child = sender(NULL, 0);
	struct cp_host *h;

	cr_assert_eq(asked(CP_MSG_ATTACH, pid, 0), 0);
	h = cp_facts_find_host(pid);
	cr_assert_not_null(cp_facts_ward(h, child, 1, NOW));
	cr_assert_eq(asked(CP_MSG_DETACH, pid, 0), 0);
	cr_assert_null(cp_facts_find_ward(child));
	cr_assert_eq(cp_facts_wards(), 0);
}

/* One that the launcher started is not let go of. */
Test(query, only_what_was_attached_is_detached)
{
	struct cp_ward *w = own_ward();

	cr_assert_eq(asked(CP_MSG_DETACH, getpid(), 0), ESRCH);
	cr_assert_not(w->host->dead);
	cr_assert_eq(cp_facts_wards(), 1);
}

Test(query, who_is_not_attached)
{
	pid_t dead = fork();
	siginfo_t info;

	if (dead == 0)
		_exit(0);
	cr_assert_eq(waitid(P_PID, (id_t)dead, &info, WEXITED | WNOWAIT), 0);
	cr_assert_eq(asked(CP_MSG_ATTACH, dead, 0), ESRCH, "a zombie");
	cr_assert_eq(asked(CP_MSG_ATTACH, NO_PID, 0), ESRCH);
	cr_assert_eq(asked(CP_MSG_ATTACH, 0, 0), EINVAL);
	cr_assert_eq(asked(CP_MSG_ATTACH, 1, 0), EINVAL);
	cr_assert_eq(asked(CP_MSG_ATTACH, -1, 0), EINVAL);
	cr_assert_eq(asked(CP_MSG_ATTACH, getpid(), 0), EINVAL);
	for (struct cp_host *h = cp_facts_next_host(NULL); h != NULL;
	     h = cp_facts_next_host(h))
		cr_assert(h->dead && !h->census);
}
