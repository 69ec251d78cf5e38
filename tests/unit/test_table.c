/* SPDX-License-Identifier: MIT */
/* Columns, cuts, escapes; sizes and ages in few characters. */
#include <criterion/criterion.h>

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/cli/table.h"

static void
utf8(void)
{
	cr_assert_not_null(setlocale(LC_CTYPE, "C.UTF-8"));
}

TestSuite(table, .timeout = 20, .init = utf8);

Test(table, sizes)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = {
		{ 0, "0 B" },
		{ 1, "1 B" },
		{ 1023, "1023 B" },
		{ 1024, "1.0 KB" },
		{ 1536, "1.5 KB" },
		{ 10188, "9.9 KB" },
		{ 10189, "10 KB" },
		{ 1048064, "1.0 MB" },
		{ 1048063, "1023 KB" },
		{ 220200960, "210 MB" },
		{ UINT64_C(8053063680), "7.5 GB" },
		{ UINT64_MAX, "16 EB" },
	};
	char out[CP_TABLE_SHORT];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cp_table_size(out, rows[i].bytes);
		cr_assert_str_eq(out, rows[i].text);
	}
}

Test(table, ages)
{
	static const struct {
		uint64_t seconds;
		const char *text;
	} rows[] = {
		{ 0, "0s" },
		{ 119, "119s" },
		{ 120, "2m" },
		{ 7199, "119m" },
		{ 7200, "2h" },
		{ 172799, "47h" },
		{ 172800, "2d" },
		{ 86400 * 400, "400d" },
		{ UINT64_MAX, "999999d" },
	};
	char out[CP_TABLE_SHORT];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cp_table_age(out, rows[i].seconds);
		cr_assert_str_eq(out, rows[i].text);
	}
}

Test(table, widths)
{
	cr_assert_eq(cp_table_width(""), 0);
	cr_assert_eq(cp_table_width("abc"), 3);
	cr_assert_eq(cp_table_width("ä"), 1);
	cr_assert_eq(cp_table_width("日本"), 4);
	cr_assert_eq(cp_table_width("e\xcc\x81"), 1, "a combining accent");
	cr_assert_eq(cp_table_width("a\xff"), 2, "no character");
}

Test(table, cuts)
{
	static const struct {
		const char *text;
		unsigned int width;
		const char *cut;
	} rows[] = {
		{ "abcdefghij", 10, "abcdefghij" },
		{ "abcdefghij", 9, "abc...hij" },
		{ "abcdefghij", 8, "abc...ij" },
		{ "abcdefghij", 4, "a..." },
		{ "abcdefghij", 3, "abc" },
		{ "abcdefghij", 0, "" },
		{ "日本語日本語", 12, "日本語日本語" },
		/* Half a character has no place: one column stays free. */
		{ "日本語日本語", 9, "日...語" },
		{ "日本語日本語", 10, "日本...語" },
		/* An accent does not go over to the mark. */
		{ "abcdefgx\xcc\x81yz", 7, "ab...yz" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *cut = cp_table_cut(rows[i].text, rows[i].width);

		cr_assert_str_eq(cut, rows[i].cut, "%s at %u: %s", rows[i].text,
		    rows[i].width, cut);
		cr_assert_leq(cp_table_width(cut), rows[i].width);
		free(cut);
	}
}

Test(table, nothing_reaches_the_terminal)
{
	static const char bytes[] = "a\033[2J\n\t\r\x7f\x9b\0ä";
	char *text = cp_table_visible(bytes, sizeof(bytes) - 1);

	cr_assert_not_null(strstr(text, "ä"));
	for (const char *p = text; *p != '\0'; p++)
		cr_assert((unsigned char)*p >= ' ' && *p != 0x7f, "%s", text);
	cr_assert_null(strstr(text, "\x9b"), "%s", text);
	free(text);
}

static const struct cp_column columns[] = {
	{ "PID", true, false, 0 },
	{ "WHY", false, false, 5 },
	{ "COMMAND", false, false, 7 },
};

/* What a table of two rows looks like; to be freed. */
static char *
printed(struct cp_style style)
{
	static const struct cp_cell rows[][3] = {
		{ { "7", CP_PLAIN }, { "tall", CP_RED }, { "ä", CP_PLAIN } },
		{ { "4711", CP_PLAIN }, { "", CP_PLAIN },
		    { "node server.js --stdio", CP_PLAIN } },
	};
	struct cp_table *t = cp_table_new(columns, 3);
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	cr_assert(t != NULL && f != NULL);
	for (size_t i = 0; i < 2; i++)
		cr_assert_eq(cp_table_add(t, rows[i]), 0);
	cp_table_print(t, style, f);
	cr_assert_eq(fclose(f), 0);
	cp_table_free(t);
	return text;
}

static void
looks(struct cp_style style, const char *expected)
{
	char *text = printed(style);

	cr_assert_str_eq(text, expected, "\n%s", text);
	free(text);
}

Test(table, aligned)
{
	looks((struct cp_style){ 0, false },
	    " PID  WHY   COMMAND\n"
	    "   7  tall  ä\n"
	    "4711        node server.js --stdio\n");
}

Test(table, fits)
{
	looks((struct cp_style){ 27, false },
	    " PID  WHY   COMMAND\n"
	    "   7  tall  ä\n"
	    "4711        node s...-stdio\n");
	/* Narrower than it can be: nothing is cut below its least. */
	looks((struct cp_style){ 1, false },
	    " PID  WHY   COMMAND\n"
	    "   7  tall  ä\n"
	    "4711        no...io\n");
}

Test(table, coloured)
{
	looks((struct cp_style){ 0, true },
	    " PID  WHY   COMMAND\n"
	    "   7  \033[31mtall\033[0m  ä\n"
	    "4711        node server.js --stdio\n");
}

/* A file or a pipe gets neither a width nor colour. */
Test(table, no_terminal)
{
	FILE *f = tmpfile();
	struct cp_style style;

	cr_assert_not_null(f);
	setenv("COLUMNS", "40", 1);
	setenv("TERM", "xterm", 1);
	style = cp_table_style(f);
	cr_assert_eq(style.width, 0);
	cr_assert_not(style.colour);
	fclose(f);
}

static const struct cp_column some[] = {
	{ "PID", true, false, 0 },
	{ "CPU", true, true, 0 },
	{ "CHANNEL", false, true, 0 },
	{ "COMMAND", false, false, 7 },
};

/* Of a table of one row; to be freed. */
static char *
of_width(unsigned int width)
{
	static const struct cp_cell cells[] = { { "1", CP_PLAIN },
		{ "0s", CP_PLAIN }, { "duplex", CP_RED },
		{ "a long command", CP_PLAIN } };
	struct cp_table *t = cp_table_new(some, 4);
	char *text;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	cr_assert_not_null(t);
	cr_assert_eq(cp_table_add(t, cells), 0);
	cp_table_print(t, (struct cp_style){ width, false }, to);
	cp_table_free(t);
	cr_assert_eq(fclose(to), 0);
	return text;
}

Test(table, what_is_optional_goes_last_first)
{
	static const struct {
		unsigned int width;
		const char *text;
	} rows[] = {
		{ 0,
		    "PID  CPU  CHANNEL  COMMAND\n"
		    "  1   0s  duplex   a long command\n" },
		{ 26,
		    "PID  CPU  CHANNEL  COMMAND\n"
		    "  1   0s  duplex   a ...nd\n" },
		{ 25,
		    "PID  CPU  COMMAND\n"
		    "  1   0s  a long command\n" },
		{ 16,
		    "PID  COMMAND\n"
		    "  1  a lo...mand\n" },
		{ 3,
		    "PID  COMMAND\n"
		    "  1  a ...nd\n" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = of_width(rows[i].width);

		cr_assert_str_eq(text, rows[i].text, "%u: %s", rows[i].width,
		    text);
		free(text);
	}
}
