/* SPDX-License-Identifier: MIT */
/* What processes have used; what can't be read is not nothing. */
#include <sys/wait.h>

#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "../../shim/common/procfs.h"
#include "../../tools/guard/usage.h"

TestSuite(usage, .timeout = 30);

static uint64_t
start_of(pid_t pid)
{
	struct cp_stat st;

	cr_assert_eq(cp_procfs_stat(pid, &st), 0);
	return st.start;
}

static struct cp_usage
usage_of(pid_t pid)
{
	struct cp_usage u;

	cr_assert_eq(cp_usage_read(pid, start_of(pid), &u), CP_USED_KNOWN);
	return u;
}

Test(usage, bytes)
{
	struct cp_usage before = usage_of(getpid()), after;
	char buf[1000] = { 0 };
	int fd[2];

	cr_assert_eq(pipe(fd), 0);
	cr_assert_eq(write(fd[1], buf, sizeof(buf)), (ssize_t)sizeof(buf));
	after = usage_of(getpid());
	cr_assert_geq(after.bytes, before.bytes + sizeof(buf));
	cr_assert(after.busy); /* we run */
	cr_assert(cp_usage_busy(getpid()));
}

Test(usage, cpu)
{
	struct cp_usage before = usage_of(getpid());

	while (usage_of(getpid()).cpu == before.cpu)
		continue;
}

/* Somebody who waits for us uses nothing, however often we look. */
Test(usage, rest)
{
	struct cp_usage a, b;
	int gate[2], ready[2], status;
	pid_t pid;
	char c;

	cr_assert(pipe(gate) == 0 && pipe(ready) == 0);
	pid = fork();
	if (pid == 0) {
		close(gate[1]);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		_exit(read(gate[0], &c, 1) == 0 ? 0 : 1);
	}
	close(gate[0]);
	cr_assert_eq(read(ready[0], &c, 1), 1);
	while (usage_of(pid).busy || cp_usage_busy(pid))
		continue;
	a = usage_of(pid);
	b = usage_of(pid);
	cr_assert(!a.busy && !b.busy);
	cr_assert_eq(a.bytes, b.bytes);
	cr_assert_eq(a.cpu, b.cpu);
	close(gate[1]);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
}

Test(usage, gone)
{
	struct cp_usage u;
	siginfo_t info;
	pid_t pid = fork();
	uint64_t start;

	if (pid == 0)
		_exit(0);
	cr_assert_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	start = start_of(pid);
	cr_assert_eq(cp_usage_read(pid, start, &u), CP_USED_GONE);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
	cr_assert_eq(cp_usage_read(pid, start, &u), CP_USED_GONE);
	cr_assert_eq(cp_usage_read(getpid(), start_of(getpid()) + 1, &u),
	    CP_USED_GONE);
	cr_assert(cp_usage_busy(pid)); /* who can tell? */
}

Test(usage, io)
{
	static const struct {
		const char *text;
		bool good;
		uint64_t bytes;
	} rows[] = {
		{ "rchar: 5\nwchar: 7\nsyscr: 1\n", true, 12 },
		{ "wchar: 7\nrchar: 5\n", true, 12 },
		{ "rchar: 5\n", false, 0 },
		{ "rchar: x\nwchar: 7\n", false, 0 },
		{ "xrchar: 5\nwchar: 7\n", false, 0 },
		{ "", false, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct cp_usage u = { 0 };

		cr_assert_eq(cp_usage_parse_io(rows[i].text,
				 strlen(rows[i].text), &u),
		    rows[i].good, "%zu", i);
		cr_assert_eq(u.bytes, rows[i].bytes, "%zu", i);
		cr_assert(!rows[i].good || u.wrote == 7, "%zu", i);
	}
}
