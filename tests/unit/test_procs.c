/* SPDX-License-Identifier: MIT */
/* All processes with what they use, whatever they call themselves. */
#include <sys/prctl.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "../../shim/common/procfs.h"
#include "../../tools/cli/procs.h"

TestSuite(procs, .timeout = 60);

static int gate[2];

/* A child called NAME that waits, with a child of its own if DEEP. */
static pid_t
child(const char *name, bool deep)
{
	int ready[2];
	pid_t pid;
	char c;

	cr_assert_eq(pipe(ready), 0);
	if (gate[1] == 0)
		cr_assert_eq(pipe(gate), 0);
	pid = fork();
	cr_assert_neq(pid, -1);
	if (pid == 0) {
		close(gate[1]);
		(void)prctl(PR_SET_NAME, name);
		if (deep && fork() == 0)
			_exit(write(ready[1], "", 1) == 1 &&
				    read(gate[0], &c, 1) == 0 ?
				0 :
				1);
		if (!deep && write(ready[1], "", 1) != 1)
			_exit(1);
		_exit(read(gate[0], &c, 1) == 0 ? 0 : 1);
	}
	close(ready[1]);
	cr_assert_eq(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return pid;
}

static const struct cp_used *
find(struct cp_procs *p, pid_t pid)
{
	struct cp_stat st;

	cr_assert_eq(cp_procfs_stat(pid, &st), 0);
	cr_assert_eq(cp_procs_read(p), 0);
	return cp_procs_find(p, pid, st.start);
}

Test(procs, names_that_look_like_fields)
{
	static const char *const names[] = { ")", "))", ") Z 1 2 3", "(", "",
		"a b) R 1 (", "\n) S 1\n", "\033[31mred", "\xff\xfe" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		pid_t pid = child(names[i], false);
		struct cp_procs p;
		const struct cp_used *u = find(&p, pid);

		cr_assert_not_null(u, "name %zu", i);
		cr_assert_eq(u->ppid, getpid(), "name %zu", i);
		cr_assert_neq(u->state, 'Z');
		cr_assert_gt(u->rss, 0);
		cr_assert_lt(u->rss, UINT64_C(1) << 40);
		cp_procs_free(&p);
	}
}

Test(procs, another_with_that_number_is_not_it)
{
	struct cp_procs p;
	struct cp_stat st;

	cr_assert_eq(cp_procfs_stat(getpid(), &st), 0);
	cr_assert_eq(cp_procs_read(&p), 0);
	cr_assert_not_null(cp_procs_find(&p, getpid(), st.start));
	cr_assert_null(cp_procs_find(&p, getpid(), st.start + 1));
	cr_assert_null(cp_procs_find(&p, 0x3fffffff, st.start));
	cp_procs_free(&p);
}

Test(procs, descendants_count_once)
{
	pid_t pid = child("parent", true);
	struct cp_sum_used sum = { 0 };
	struct cp_procs p;
	struct cp_used *u = (struct cp_used *)(uintptr_t)find(&p, pid);

	cr_assert_not_null(u);
	cp_procs_begin(&p);
	cp_procs_add(&p, u, &sum);
	cr_assert_eq(sum.n, 2);
	cp_procs_add(&p, u, &sum);
	cr_assert_eq(sum.n, 2);
	cp_procs_begin(&p);
	cp_procs_add(&p, u, &sum);
	cr_assert_eq(sum.n, 4, "a new sum counts anew");
	cp_procs_free(&p);
}

Test(procs, nobody_was_read)
{
	struct cp_procs p = { 0 };

	cr_assert_null(cp_procs_find(&p, 1, 1));
	cp_procs_free(&p);
}

/* A child with these bytes as its arguments. */
static char *
command_of(const char *arg)
{
	int ready[2];
	char *text;
	pid_t pid;
	char c;

	cr_assert_eq(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		execlp("sleep", arg, "60", (char *)NULL);
		_exit(1);
	}
	close(ready[1]);
	cr_assert_eq(read(ready[0], &c, 1), 0); /* it has exec'd */
	close(ready[0]);
	text = cp_procs_command(pid, "gone");
	cr_assert_eq(kill(pid, SIGKILL), 0);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
	cr_assert_not_null(text);
	return text;
}

Test(procs, commands_are_harmless)
{
	static const char *const locales[] = { "C", "C.UTF-8" };
	char *text;

	for (int l = 0; l < 2; l++) {
		cr_assert_not_null(setlocale(LC_CTYPE, locales[l]));
		text = command_of("\033[2J\a\b\r\n\x7f\xff\xc3(\xed\xa0\x80"
				  "\xc0\xaf\xf5\x80\xc2\x9b\xe2\x80\xae");
		for (const char *p = text; *p != '\0'; p++)
			cr_assert(*p >= ' ' && *p < 0x7f, "%s: %s", locales[l],
			    text);
		free(text);
	}
	text = command_of("g\xc3\xbcte");
	cr_assert_str_eq(text, "g\xc3\xbcte 60");
	free(text);
}

Test(procs, who_has_no_command)
{
	char *text = cp_procs_command(0, "a\033b");

	cr_assert_str_eq(text, "[a\\^[b]");
	free(text);
}
