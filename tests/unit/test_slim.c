/* SPDX-License-Identifier: MIT */
/* What is let go of, and that nothing else is. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "../../tools/guard/slim.h"

TestSuite(slim, .timeout = 30, .init = cp_slim_init);

/* Of the process as it is now, in KiB. */
static long
files_in_memory(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	long kib = -1;

	cr_assert_not_null(f);
	while (kib < 0 && fgets(line, sizeof(line), f) != NULL)
		(void)sscanf(line, "RssFile: %ld kB", &kib);
	fclose(f);
	cr_assert_geq(kib, 0);
	return kib;
}

Test(slim, code_is_let_go_of)
{
	long before = files_in_memory(), after;

	cp_slim();
	/* To tell of it some has to be there, and what was relocated stays. */
	after = files_in_memory();
	cr_assert_lt(after, before / 4 * 3, "%ld, %ld", before, after);
}

static const char text[] = "in the file";
static const char *const pointer = text; /* set by the dynamic linker */
static int number = 1;			 /* in the file, and written since */
static int other;

Test(slim, what_was_written_stays)
{
	const char *const volatile *p = &pointer;
	char stack[] = "on the stack";

	number = 2;
	other = 3;
	for (int i = 0; i < 3; i++)
		cp_slim();
	cr_assert_eq(*p, text);
	cr_assert_str_eq(*p, "in the file");
	cr_assert_str_eq(stack, "on the stack");
	cr_assert_eq(number, 2);
	cr_assert_eq(other, 3);
}
