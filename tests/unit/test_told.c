/* SPDX-License-Identifier: MIT */
/* Whom the guard believes, and what, when a ward is registered. */
#include "../../shim/common/procfs.h"
#include "../../tools/guard/enroll.h"
#include "senders.h"

TestSuite(told, .timeout = 60, .init = begin, .fini = end);

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

/* A look may be faster than what its host says of a child. */
Test(told, who_was_found_first_is_told_of)
{
	pid_t child = sender(NULL, 0);
	struct cp_msg m = message(CP_MSG_WARD, child, getpid());
	struct cp_ward *w;
	struct cp_stat st;

	cr_assert_eq(cp_procfs_stat(child, &st), 0);
	w = cp_enroll_found(cp_told_host(getpid(), NOW), child, st.start,
	    m.channel, NOW);
	cr_assert(w->untold);
	cr_assert_eq(say(&m), 0);
	hear();
	cr_assert_eq(registered(child), w);
	cr_assert(!w->untold);
}

/* The kernel says who sends: B can be made a ward by itself or its parent. */
Test(told, nobody_speaks_for_a_stranger)
{
	pid_t child = sender(NULL, 0);
	struct cp_msg m = message(CP_MSG_WARD, child, 0);
	pid_t liar;

	liar = sender(&m, 0); /* as if it were the host */
	hear();
	cr_assert_null(cp_facts_find_ward(child));
	cr_assert_null(cp_facts_find_ward(liar));
	m.host = getpid(); /* in the host's name */
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
			struct cp_msg m = message(CP_MSG_WARD, child, getpid());

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
	/* Now that we are a host, what descends from us is heard as well. */
	m = message(CP_MSG_MADE, 0, 0);
	other = sender(&m, SOMEBODY);
	hear();
	cr_assert_not_null(cp_facts_find_host(other));
	/* But it can't be the child of just anybody. */
	m = message(CP_MSG_WARD, 0, getpid());
	m.host = child;
	other = sender(&m, SOMEBODY);
	hear();
	cr_assert_null(cp_facts_find_ward(other));
}

Test(told, what_was_said_before_the_end_is_heard)
{
	struct cp_msg m = message(CP_MSG_WARD, 0, getpid());
	struct pollfd p = { .fd = sock, .events = POLLIN };
	pid_t pid = sender(&m, 0);
	int rc, error;

	cr_assert_eq(poll(&p, 1, LIMIT_MS), 1);
	cr_assert_eq(cp_told_retire(NOW), 1);
	registered(pid);
	rc = say(&m);
	error = errno;
	cr_assert_eq(rc, -1);
	cr_assert_eq(error, ECONNREFUSED, "%s", strerror(error));
	cr_assert_eq(cp_told_hear(NOW, 1), 0);
}
