/* SPDX-License-Identifier: MIT */
/* What the launcher writes into the environment is what the shim reads. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include <stdlib.h>
#include <string.h>

#include "../../tools/cli/export.h"

static void
round_trip(const struct cp_options *o)
{
	char *text = cp_export_options(o);
	struct cp_options back;
	const char *bad, *why;
	size_t len;

	cr_assert_not_null(text);
	cp_options_init(&back);
	why = cp_options_parse(&back, text, &bad, &len);
	cr_assert_null(why, "%s: %s", text, why);
	cr_assert_eq(memcmp(&back, o, sizeof(back)), 0, "%s", text);
	free(text);
}

Test(export, defaults_are_left_out)
{
	struct cp_options o;
	char *text;

	cp_options_init(&o);
	text = cp_export_options(&o);
	cr_assert_str_eq(text, "");
	free(text);
}

Test(export, help_is_left_out)
{
	struct cp_options o;
	char *text;

	cp_options_init(&o);
	o.help = true;
	o.term_ms = 0;
	text = cp_export_options(&o);
	cr_assert_str_eq(text, "term=0s");
	free(text);
}

struct change {
	char key[16];
	char value[64];
};

/* A row for every row of the table but help: none may get lost. */
ParameterizedTestParameters(export, each)
{
	static struct change rows[] = {
		{ "grace", "1500ms" },
		{ "exit-grace", "0" },
		{ "term", "24h" },
		{ "keep", "3" },
		{ "idle", "1m" },
		{ "limit", "1000000" },
		{ "spare", "a,b c,$d" },
		{ "spare", "a:b" },
		{ "spare", "it's" },
		{ "spare", "'a':\"b\"'" },
		{ "spare", "\"" },
		{ "spare", "a=b,\n" },
		{ "children", "all" },
		{ "pdeathsig", "always" },
		{ "pdeathsig", "off" },
		{ "inherit", "no" },
		{ "inject", "yes" },
		{ "dry-run", "yes" },
		{ "journal", "none" },
		{ "journal", "/x:y" },
		{ "verbose", "yes" },
	};

	return cr_make_param_array(struct change, rows,
	    sizeof(rows) / sizeof(rows[0]));
}

ParameterizedTest(struct change *row, export, each)
{
	struct cp_options o, d;

	cp_options_init(&o);
	cp_options_init(&d);
	cr_assert_null(cp_options_set(&o, row->key, strlen(row->key),
	    row->value, strlen(row->value)));
	cr_assert_neq(memcmp(&o, &d, sizeof(o)), 0, "%s", row->key);
	round_trip(&o);
}

/* All at once, and all rows: a new option must be exported too. */
Test(export, all)
{
	const struct cp_option *row = cp_option_table;
	const char *value;
	struct cp_options o;

	cp_options_init(&o);
	for (; row->key != NULL; row++) {
		if (strcmp(row->key, "help") == 0)
			continue;
		if (strcmp(row->value, "DURATION") == 0)
			value = "7s";
		else if (strcmp(row->value, "N") == 0)
			value = "7";
		else if (strcmp(row->initial, "yes") == 0)
			value = "no";
		else if (strcmp(row->initial, "no") == 0)
			value = "yes";
		else if (strchr(row->value, '/') != NULL)
			value = "/7";
		else if (strchr(row->value, '|') != NULL)
			value = strrchr(row->value, '|') + 1;
		else
			value = "seven";
		cr_assert_null(cp_options_set(&o, row->key, strlen(row->key),
				   value, strlen(value)),
		    "%s", row->key);
		round_trip(&o);
	}
}

struct preload {
	char shim[16];
	char old[64];
	char expected[64];
};

ParameterizedTestParameters(export, preload)
{
	static struct preload rows[] = {
		{ "/s.so", "", "/s.so" },
		{ "/s.so", "/a.so", "/s.so:/a.so" },
		{ "/s.so", "/a.so /b.so", "/s.so:/a.so:/b.so" },
		{ "/s.so", " :/a.so::  b.so: ", "/s.so:/a.so:b.so" },
		{ "/s.so", "/x/libchildproof.so:/a.so", "/s.so:/a.so" },
		{ "/s.so", "/a.so:libchildproof.so", "/s.so:/a.so" },
		{ "/s.so", "/libchildproof.so/a", "/s.so:/libchildproof.so/a" },
		{ "/s.so", "/a.so:/l/libasan.so.8",
		    "/l/libasan.so.8:/s.so:/a.so" },
		{ "/s.so", "libclang_rt.asan-x86_64.so",
		    "libclang_rt.asan-x86_64.so:/s.so" },
		{ "", "", "" },
		{ "", "/a.so:/x/libchildproof.so:/b.so", "/a.so:/b.so" },
		{ "", "/x/libchildproof.so", "" },
	};

	return cr_make_param_array(struct preload, rows,
	    sizeof(rows) / sizeof(rows[0]));
}

ParameterizedTest(struct preload *row, export, preload)
{
	char *text = cp_export_preload(row->shim[0] != '\0' ? row->shim : NULL,
	    row->old[0] != '\0' ? row->old : NULL);

	cr_assert_str_eq(text, row->expected);
	free(text);
}
