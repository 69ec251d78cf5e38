/* SPDX-License-Identifier: MIT */
/* The option table: every form of value, quoting, and what is an error. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include <stdio.h>
#include <string.h>

#include "../../shim/common/options.h"

static const char *
set(struct cp_options *o, const char *key, const char *value)
{
	return cp_options_set(o, key, strlen(key), value, strlen(value));
}

Test(options, defaults)
{
	struct cp_options o;

	memset(&o, 0xff, sizeof(o));
	cp_options_init(&o);
	cr_assert_eq(o.grace_ms, 15000);
	cr_assert_eq(o.exit_grace_ms, 2000);
	cr_assert_eq(o.term_ms, 3000);
	cr_assert_eq(o.keep, 0);
	cr_assert_eq(o.idle_ms, 0);
	cr_assert_eq(o.limit, 0);
	cr_assert_eq(o.children, CP_CHILDREN_STDIO);
	cr_assert_eq(o.pdeathsig, CP_PDEATHSIG_AUTO);
	cr_assert(o.inherit);
	cr_assert_not(o.inject);
	cr_assert_not(o.dry_run);
	cr_assert_not(o.help);
	cr_assert_not(o.verbose);
	cr_assert_str_eq(o.spare, "");
	cr_assert_str_eq(o.journal, "syslog");
	cr_assert_null(cp_options_check(&o));
}

/* What the table calls the default must be one, for help=1 is believed. */
Test(options, table)
{
	const struct cp_option *row = cp_option_table;
	struct cp_options o, d;

	cp_options_init(&d);
	for (; row->key != NULL; row++) {
		cp_options_init(&o);
		cr_assert(strlen(row->value) > 0, "%s", row->key);
		cr_assert(strlen(row->help) > 0, "%s", row->key);
		if (row->initial[0] == '\0')
			continue;
		cr_assert_null(set(&o, row->key, row->initial), "%s", row->key);
		cr_assert_eq(memcmp(&o, &d, sizeof(o)), 0, "%s", row->key);
	}
	cr_assert_eq(row - cp_option_table, 15);
}

struct duration {
	char text[32];
	bool good;
	uint32_t ms;
};

ParameterizedTestParameters(options, duration)
{
	static struct duration rows[] = {
		{ "500ms", true, 500 },
		{ "2s", true, 2000 },
		{ "1m", true, 60000 },
		{ "1h", true, 3600000 },
		{ "24h", true, 86400000 },
		{ "86400000ms", true, 86400000 },
		{ "0", true, 0 },
		{ "00", true, 0 },
		{ "0s", true, 0 },
		{ "007s", true, 7000 },
		{ "5", false, 0 },
		{ "86400001ms", false, 0 },
		{ "1441m", false, 0 },
		{ "25h", false, 0 },
		{ "4294967297ms", false, 0 },
		{ "18446744073709551617s", false, 0 },
		{ "", false, 0 },
		{ "s", false, 0 },
		{ "-1s", false, 0 },
		{ "+1s", false, 0 },
		{ " 1s", false, 0 },
		{ "1s ", false, 0 },
		{ "1.5s", false, 0 },
		{ "1S", false, 0 },
		{ "1d", false, 0 },
		{ "1mss", false, 0 },
		{ "2s3s", false, 0 },
		{ "0x1s", false, 0 },
	};

	return cr_make_param_array(struct duration, rows,
	    sizeof(rows) / sizeof(rows[0]));
}

ParameterizedTest(struct duration *row, options, duration)
{
	struct cp_options o;
	const char *why;

	cp_options_init(&o);
	why = set(&o, "grace", row->text);
	if (row->good) {
		cr_assert_null(why, "%s: %s", row->text, why);
		cr_assert_eq(o.grace_ms, row->ms, "%s", row->text);
	} else {
		cr_assert_not_null(why, "%s", row->text);
		cr_assert_eq(o.grace_ms, 15000, "%s", row->text);
	}
}

Test(options, missing_unit_is_named)
{
	struct cp_options o;

	cp_options_init(&o);
	cr_assert_not_null(strstr(set(&o, "term", "5"), "unit"));
	cr_assert_not_null(strstr(set(&o, "term", "25h"), "24h"));
}

struct word {
	char key[16];
	char text[16];
	int value; /* -1: an error */
};

ParameterizedTestParameters(options, word)
{
	static struct word rows[] = {
		{ "inject", "yes", 1 },
		{ "inject", "1", 1 },
		{ "inject", "true", 1 },
		{ "inject", "on", 1 },
		{ "inherit", "no", 0 },
		{ "inherit", "0", 0 },
		{ "inherit", "false", 0 },
		{ "inherit", "off", 0 },
		{ "inject", "", -1 },
		{ "inject", "Yes", -1 },
		{ "inject", "ye", -1 },
		{ "inject", "yess", -1 },
		{ "inject", "yes|1", -1 },
		{ "inject", "|", -1 },
		{ "inject", "2", -1 },
		{ "children", "stdio", CP_CHILDREN_STDIO },
		{ "children", "all", CP_CHILDREN_ALL },
		{ "children", "al", -1 },
		{ "children", "", -1 },
		{ "pdeathsig", "auto", CP_PDEATHSIG_AUTO },
		{ "pdeathsig", "always", CP_PDEATHSIG_ALWAYS },
		{ "pdeathsig", "off", CP_PDEATHSIG_OFF },
		{ "pdeathsig", "no", -1 },
		{ "keep", "1", 1 },
		{ "limit", "1000000", 1000000 },
		{ "limit", "1000001", -1 },
		{ "limit", "4294967297", -1 },
		{ "keep", "0", 0 },
		{ "keep", "-1", -1 },
		{ "keep", "", -1 },
		{ "keep", "3x", -1 },
		{ "keep", " 3", -1 },
	};

	return cr_make_param_array(struct word, rows,
	    sizeof(rows) / sizeof(rows[0]));
}

static int
value_of(const struct cp_options *o, const char *key)
{
	if (strcmp(key, "inject") == 0)
		return o->inject;
	if (strcmp(key, "inherit") == 0)
		return o->inherit;
	if (strcmp(key, "children") == 0)
		return o->children;
	if (strcmp(key, "pdeathsig") == 0)
		return o->pdeathsig;
	return (int)(strcmp(key, "keep") == 0 ? o->keep : o->limit);
}

ParameterizedTest(struct word *row, options, word)
{
	struct cp_options o, before;
	const char *why;

	cp_options_init(&before);
	/* Not what the row sets: doing nothing must not pass. */
	before.children = row->value == 0;
	before.pdeathsig = row->value == 0;
	before.keep = before.limit = 9;
	o = before;
	why = set(&o, row->key, row->text);
	if (row->value < 0) {
		cr_assert_not_null(why, "%s=%s", row->key, row->text);
		cr_assert_eq(memcmp(&o, &before, sizeof(o)), 0, "%s=%s",
		    row->key, row->text);
		return;
	}
	cr_assert_null(why, "%s=%s: %s", row->key, row->text, why);
	cr_assert_eq(value_of(&o, row->key), row->value, "%s=%s", row->key,
	    row->text);
}

Test(options, journal)
{
	struct cp_options o;

	cp_options_init(&o);
	cr_assert_null(set(&o, "journal", "/var/log/x y"));
	cr_assert_str_eq(o.journal, "/var/log/x y");
	cr_assert_not_null(set(&o, "journal", "log"));
	cr_assert_not_null(set(&o, "journal", "./log"));
	cr_assert_not_null(set(&o, "journal", ""));
	cr_assert_not_null(set(&o, "journal", "syslogd"));
	cr_assert_str_eq(o.journal, "/var/log/x y");
	cr_assert_null(set(&o, "journal", "none"));
	cr_assert_null(set(&o, "journal", "syslog"));
}

Test(options, text_length)
{
	struct cp_options o;
	char text[CP_TEXT_MAX + 2];

	cp_options_init(&o);
	memset(text, 'x', sizeof(text));
	text[0] = '/';
	text[CP_TEXT_MAX + 1] = '\0';
	cr_assert_not_null(set(&o, "spare", text));
	cr_assert_not_null(set(&o, "journal", text));
	cr_assert_str_eq(o.spare, "");
	text[CP_TEXT_MAX] = '\0';
	cr_assert_null(set(&o, "spare", text));
	cr_assert_null(set(&o, "journal", text));
	cr_assert_str_eq(o.spare, text);
	cr_assert_str_eq(o.journal, text);
}

Test(options, a_glob_that_cannot_match)
{
	static const char *const bad[] = { ",", "a,", ",a", "a,,b", ",," };
	struct cp_options o;

	cp_options_init(&o);
	cr_assert_null(set(&o, "spare", "a,b"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_not_null(set(&o, "spare", bad[i]), "%s", bad[i]);
	cr_assert_str_eq(o.spare, "a,b");
	cr_assert_null(set(&o, "spare", ""));
}

Test(options, too_long_a_text_is_not_cut_by_the_parser)
{
	struct cp_options o;
	char text[2 * CP_TEXT_MAX] = "spare=";
	const char *bad;
	size_t len;

	cp_options_init(&o);
	memset(text + strlen("spare="), 'x', CP_TEXT_MAX + 1);
	cr_assert_not_null(cp_options_parse(&o, text, &bad, &len));
	cr_assert_str_eq(o.spare, "");
	cr_assert_eq(len, strlen(text));
	text[len - 1] = '\0';
	cr_assert_null(cp_options_parse(&o, text, &bad, &len));
	cr_assert_eq(strlen(o.spare), CP_TEXT_MAX);
}

Test(options, keys)
{
	struct cp_options o;

	cp_options_init(&o);
	cr_assert_not_null(set(&o, "", "1"));
	cr_assert_not_null(set(&o, "grac", "1s"));
	cr_assert_not_null(set(&o, "graces", "1s"));
	cr_assert_not_null(set(&o, "exit_grace", "1s"));
	cr_assert_null(set(&o, "exit-grace", "1s"));
	cr_assert_null(cp_options_set(&o, "termX", 4, "9sX", 2));
	cr_assert_eq(o.term_ms, 9000);
}

Test(options, value_left_out)
{
	struct cp_options o;

	cp_options_init(&o);
	cr_assert_null(cp_options_set(&o, "dry-run", 7, NULL, 0));
	cr_assert(o.dry_run);
	cr_assert_not_null(cp_options_set(&o, "grace", 5, NULL, 0));
	cr_assert_not_null(cp_options_set(&o, "spare", 5, NULL, 0));
}

Test(options, parse)
{
	struct cp_options o;
	const char *bad = NULL;
	size_t len = 77;

	cp_options_init(&o);
	cr_assert_null(cp_options_parse(&o,
	    ":grace=1s::spare='a:b',\"c:'d\",e=f:journal=\"/x:y\":help:term=0:",
	    &bad, &len));
	cr_assert_null(bad);
	cr_assert_eq(len, 77);
	cr_assert_eq(o.grace_ms, 1000);
	cr_assert_eq(o.term_ms, 0);
	cr_assert_str_eq(o.spare, "a:b,c:'d,e=f");
	cr_assert_str_eq(o.journal, "/x:y");
	cr_assert(o.help);
	cr_assert_null(cp_options_parse(&o, "", &bad, &len));
	cr_assert_null(cp_options_parse(&o, "spare=''", &bad, &len));
	cr_assert_str_eq(o.spare, "");
}

Test(options, first_error_is_named_and_the_rest_counts)
{
	struct cp_options o;
	const char *text = "term=1s:grace=5:nonsense=1:limit=4", *bad;
	size_t len;

	cp_options_init(&o);
	cr_assert_not_null(
	    strstr(cp_options_parse(&o, text, &bad, &len), "unit"));
	cr_assert_eq(bad, text + strlen("term=1s:"));
	cr_assert_eq(len, strlen("grace=5"));
	cr_assert_eq(o.term_ms, 1000);
	cr_assert_eq(o.grace_ms, 15000);
	cr_assert_eq(o.limit, 4);
}

Test(options, open_quote)
{
	struct cp_options o;
	const char *text = "term=1s:spare='a:limit=4", *bad;
	size_t len;

	cp_options_init(&o);
	cr_assert_not_null(
	    strstr(cp_options_parse(&o, text, &bad, &len), "quote"));
	cr_assert_eq(bad, text + strlen("term=1s:"));
	cr_assert_eq(len, strlen("spare='a:limit=4"));
	cr_assert_eq(o.limit, 0);
}

Test(options, check)
{
	struct cp_options o;

	cp_options_init(&o);
	o.keep = 3;
	cr_assert_not_null(cp_options_check(&o));
	o.idle_ms = 1;
	cr_assert_null(cp_options_check(&o));
	o.keep = 0;
	cr_assert_null(cp_options_check(&o));
}
