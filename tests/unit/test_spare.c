/* SPDX-License-Identifier: MIT */
/* What `spare=` matches: names and command lines, given and of a process. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include <limits.h>
#include <unistd.h>

#include "../../tools/guard/spare.h"

TestSuite(spare, .timeout = 20);

struct row {
	char globs[64];
	char exe[64];
	char cmdline[64];
	bool spared;
};

ParameterizedTestParameters(spare, match)
{
	static struct row rows[] = {
		{ "", "/bin/cat", "cat", false },
		{ "cat", "/bin/cat", "x", true },
		{ "cat", "/bin/cats", "x", false },
		{ "cat", "/cat/dog", "/cat/cow x", false },
		/* The base name only, unless the glob says otherwise. */
		{ "/bin/cat", "/bin/cat", "x", false },
		{ "b*t", "/bin/cat", "x", false },
		{ "c[aeiou]t", "/bin/cut", "x", true },
		{ "c?t", "/bin/cot", "x", true },
		{ "ca*", "", "cat", true },
		/* argv[0], by its base name. */
		{ "server", "/usr/bin/python3", "/opt/server --port 1", true },
		{ "server", "/usr/bin/python3", "/opt/serve r", false },
		{ "server", "/usr/bin/python3", "python3 server", false },
		/* The whole command line: no flag, so * takes slashes too. */
		{ "python3 server", "/usr/bin/node", "python3 server", true },
		{ "python3 *.py *", "/bin/x", "python3 /a/b.py -v", true },
		{ "python3 *.py *", "/bin/x", "python3 /a/b.py", false },
		{ "*server*", "/bin/x", "/a/python3 -m server -v", true },
		{ "python3", "/bin/x", "python3 -m server", true },
		{ "python3", "/bin/x", "python3x -m server", false },
		/* A list; empty ones match nothing. */
		{ "a,b,cat", "/bin/cat", "x", true },
		{ "a,b,cat,", "/bin/dog", "x", false },
		{ ",,", "/bin/cat", "x", false },
		{ ",,cat", "/bin/cat", "x", true },
		{ "cat,dog", "/bin/dog", "x", true },
		{ "cat, dog", "/bin/dog", "x", false },
		{ "ca", "/bin/cat", "ca,t", false },
		/* Nothing is known of it. */
		{ "cat", "", "", false },
		{ "*", "", "", true },
		{ "?*", "", "", false },
		/* A glob that can't be one is itself. */
		{ "[", "/bin/[", "x", true },
		{ "[a", "/bin/a", "x", false },
		{ "\\*", "/bin/*", "x", true },
		{ "\\*", "/bin/cat", "x", false },
		{ ".*", "/bin/.hidden", "x", true },
		{ "*", "/bin/.hidden", "x", true },
	};

	return cr_make_param_array(struct row, rows,
	    sizeof(rows) / sizeof(rows[0]));
}

ParameterizedTest(struct row *r, spare, match)
{
	cr_assert_eq(cp_spare_match(r->globs, r->exe, r->cmdline), r->spared,
	    "%s: %s (%s)", r->globs, r->exe, r->cmdline);
}

/* Too long to be looked at; what follows still counts. */
Test(spare, long_names)
{
	char globs[1024], name[8192];

	memset(globs, 'a', 600);
	strcpy(globs + 600, ",cat");
	cr_assert(cp_spare_match(globs, "/bin/cat", "x"));
	cr_assert_not(cp_spare_match(globs, "/bin/dog", "x"));
	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	cr_assert_not(cp_spare_match("cat", name, name));
	cr_assert(cp_spare_match("a*", name, name));
}

Test(spare, of_a_process)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	cr_assert_gt(n, 0);
	path[n] = '\0';
	cr_assert(cp_spare_matches(strrchr(path, '/') + 1, getpid()));
	cr_assert(cp_spare_matches("*", getpid()));
	cr_assert_not(cp_spare_matches("no-such-name", getpid()));
	cr_assert_not(cp_spare_matches("", getpid()));
	/* Of what is not there nothing matches but what matches nothing. */
	cr_assert_not(cp_spare_matches("?*", INT_MAX));
}
