/* SPDX-License-Identifier: MIT */
/* What becomes of a child's environment. */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "../../shim/preload.h"

#define SELF  "/usr/lib/childproof/libchildproof.so"
#define GUARD "CHILDPROOF_GUARD=childproof/7/00ff"
#define OPT   "CHILDPROOF_OPTIONS=grace=1s"

static struct cp_preload
facts(void)
{
	return (struct cp_preload){ .self = SELF, .guard = GUARD,
		.options = OPT };
}

/* The result as one string, " | " between the variables; "-" for unchanged. */
static const char *
rebuilt(const struct cp_preload *p, char *const envp[])
{
	static char all[8192];
	struct cp_room room = cp_preload_room(p, envp);
	char *out[64], text[2048];
	size_t n = 0;

	if (room.pointers == 0)
		return "-";
	cr_assert_leq(room.pointers, 64);
	cr_assert_leq(room.text, sizeof(text));
	cp_preload_build(p, envp, out, text);
	all[0] = '\0';
	for (; out[n] != NULL; n++) {
		if (n > 0)
			strcat(all, " | ");
		strcat(all, out[n]);
	}
	cr_assert_lt(n, room.pointers, "no room for the end");
	return all;
}

#define ENV(...) ((char *const *)(const char *const[]){ __VA_ARGS__, NULL })

Test(preload, guard_is_named_to_who_inherits_us)
{
	struct cp_preload p = facts();

	cr_assert_str_eq(rebuilt(&p, ENV("A=1", "LD_PRELOAD=" SELF, "B=2")),
	    "A=1 | LD_PRELOAD=" SELF " | B=2 | " GUARD);
	cr_assert_str_eq(rebuilt(&p, ENV("LD_PRELOAD=/x/o.so " SELF)),
	    "LD_PRELOAD=/x/o.so " SELF " | " GUARD);
	cr_assert_str_eq(rebuilt(&p,
	    ENV("LD_PRELOAD=/other/$LIB/libchildproof.so:/x/o.so")),
	    "LD_PRELOAD=/other/$LIB/libchildproof.so:/x/o.so | " GUARD);
}

Test(preload, an_outer_guard_stays)
{
	struct cp_preload p = facts();

	cr_assert_str_eq(rebuilt(&p,
	    ENV("LD_PRELOAD=" SELF, "CHILDPROOF_GUARD=outer")), "-");
}

Test(preload, who_took_us_out_meant_it)
{
	struct cp_preload p = facts();

	cr_assert_str_eq(rebuilt(&p, ENV("A=1")), "-");
	cr_assert_str_eq(rebuilt(&p, ENV("LD_PRELOAD=/x/o.so")), "-");
	cr_assert_str_eq(rebuilt(&p, ENV("LD_PRELOAD=")), "-");
	cr_assert_str_eq(rebuilt(&p, NULL), "-");
}

Test(preload, names_must_match_whole)
{
	struct cp_preload p = facts();

	cr_assert_str_eq(rebuilt(&p,
	    ENV("LD_PRELOAD=/x/notlibchildproof.so")), "-");
	cr_assert_str_eq(rebuilt(&p, ENV("LD_PRELOAD=" SELF ".old")), "-");
	cr_assert_str_eq(rebuilt(&p, ENV("XLD_PRELOAD=" SELF)), "-");
	cr_assert_str_eq(rebuilt(&p,
	    ENV("LD_PRELOAD=" SELF, "CHILDPROOF_GUARDIAN=x")),
	    "LD_PRELOAD=" SELF " | CHILDPROOF_GUARDIAN=x | " GUARD);
}

Test(preload, nothing_known_nothing_done)
{
	struct cp_preload p = { .self = "", .guard = "", .options = "" };

	cr_assert_str_eq(rebuilt(&p, ENV("LD_PRELOAD=" SELF)), "-");
	p.inject = true;
	cr_assert_str_eq(rebuilt(&p, ENV("A=1")), "-");
	p.inject = false;
	p.strip = true;
	cr_assert_str_eq(rebuilt(&p, ENV("LD_PRELOAD=" SELF)), "-");
}

Test(preload, inject_puts_us_back)
{
	struct cp_preload p = facts();

	p.inject = true;
	cr_assert_str_eq(rebuilt(&p, ENV("A=1")),
	    "A=1 | LD_PRELOAD=" SELF " | " GUARD " | " OPT);
	cr_assert_str_eq(rebuilt(&p, NULL),
	    "LD_PRELOAD=" SELF " | " GUARD " | " OPT);
	cr_assert_str_eq(rebuilt(&p, ENV("LD_PRELOAD=", "A=1")),
	    "LD_PRELOAD=" SELF " | A=1 | " GUARD " | " OPT);
}

Test(preload, inject_keeps_the_others)
{
	struct cp_preload p = facts();

	p.inject = true;
	cr_assert_str_eq(rebuilt(&p, ENV("LD_PRELOAD=/x/o.so /x/p.so",
	    "CHILDPROOF_GUARD=g", "CHILDPROOF_OPTIONS=o")),
	    "LD_PRELOAD=/x/o.so:/x/p.so:" SELF
	    " | CHILDPROOF_GUARD=g | CHILDPROOF_OPTIONS=o");
}

Test(preload, inject_with_us_there_is_nothing_new)
{
	struct cp_preload p = facts();

	p.inject = true;
	cr_assert_str_eq(rebuilt(&p, ENV("LD_PRELOAD=/x/o.so:" SELF)),
	    "LD_PRELOAD=/x/o.so:" SELF " | " GUARD);
}

Test(preload, strip_takes_us_out)
{
	struct cp_preload p = facts();

	p.strip = true;
	cr_assert_str_eq(rebuilt(&p, ENV("A=1", "LD_PRELOAD=" SELF, "B=2")),
	    "A=1 | B=2");
	cr_assert_str_eq(rebuilt(&p,
	    ENV("LD_PRELOAD=/x/o.so:" SELF " /x/p.so")),
	    "LD_PRELOAD=/x/o.so:/x/p.so");
	cr_assert_str_eq(rebuilt(&p, ENV("LD_PRELOAD=/x/o.so")), "-");
}

/* What can't be rebuilt on a stack is left as it is. */
Test(preload, too_large_is_left_alone)
{
	static char *many[6000];
	struct cp_preload p = facts();
	static char list[8192] = "LD_PRELOAD=" SELF ":/";
	char variable[] = "A=1";

	for (size_t i = 0; i < 5999; i++)
		many[i] = variable;
	many[0] = list;
	cr_assert_eq(cp_preload_room(&p, many).pointers, 0);
	many[50] = NULL;
	cr_assert_eq(cp_preload_room(&p, many).pointers, 54);
	p.strip = true;
	memset(list + strlen(list), 'x', 5000);
	cr_assert_eq(cp_preload_room(&p, many).pointers, 0);
}

Test(preload, the_original_is_untouched)
{
	struct cp_preload p = facts();
	char a[] = "LD_PRELOAD=/x/o.so:" SELF, b[] = "B=2";
	char *envp[] = { a, b, NULL };

	p.strip = true;
	cr_assert_str_eq(rebuilt(&p, envp), "LD_PRELOAD=/x/o.so | B=2");
	cr_assert_str_eq(a, "LD_PRELOAD=/x/o.so:" SELF);
	cr_assert_eq(envp[0], a);
	cr_assert_null(envp[2]);
}
