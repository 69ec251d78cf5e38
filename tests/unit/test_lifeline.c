/* SPDX-License-Identifier: MIT */
/* What lives a journal tells of, however it was cut or spoilt. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/cli/lifeline.h"

#define HOST	  "\"host\":{\"pid\":7,\"start\":70,\"comm\":\"gateway\"}"
#define ARGV	  "\"argv\":[\"srv\",\"a b\",\"\"]"
#define WARD(age) WARD_OF("12", "120", age)
#define WARD_OF(pid, start, age)                                               \
	"\"child\":{\"pid\":" pid ",\"start\":" start                          \
	",\"name\":\"srv\"," ARGV ",\"ward\":" pid ",\"ward_start\":" start    \
	",\"age\":" age ",\"channel\":\"duplex pipe\"}"
#define LINE(time, event, more)                                                \
	"{\"time\":" time ",\"event\":\"" event "\"," HOST "," more "}\n"
#define BORN LINE("100.5", "ward", WARD("0.5"))

static struct cp_lifelines all;

static void
begin(void)
{
	cp_lifelines_init(&all);
}

static void
end(void)
{
	cp_lifelines_free(&all);
}

TestSuite(lifeline, .timeout = 30, .init = begin, .fini = end);

static void
read_text(const char *text, size_t len)
{
	FILE *f = fmemopen((void *)(uintptr_t)text, len, "r");

	cr_assert_not_null(f);
	cr_assert_eq(cp_lifelines_read(&all, f), 0);
	fclose(f);
}

static const struct cp_life *
only_life(void)
{
	cr_assert_eq(all.n_lives, 1, "%zu lives", all.n_lives);
	return all.lives[0];
}

struct fate_row {
	char lines[2000]; /* what follows BORN */
	enum cp_fate fate;
	double last;
};

ParameterizedTestParameters(lifeline, fate)
{
	static struct fate_row rows[] = {
		{ "", CP_FATE_LIVE, 100.5 },
		{ LINE("101", "end", WARD("1")), CP_FATE_SELF, 101 },
		{ LINE("101", "ended", WARD("1") ",\"step\":\"EOF\""),
		    CP_FATE_EOF, 101 },
		{ LINE("101", "ended", WARD("1") ",\"step\":\"TERM\""),
		    CP_FATE_TERM, 101 },
		{ LINE("101", "ended", WARD("1") ",\"step\":\"KILL\""),
		    CP_FATE_KILL, 101 },
		{ LINE("101", "ended", WARD("1")), CP_FATE_EOF, 101 },
		{ LINE("101", "ended", WARD("1") ",\"step\":7"), CP_FATE_EOF,
		    101 },
		{ LINE("101", "spared", WARD("1")), CP_FATE_SPARED, 101 },
		{ LINE("101", "gave-up", WARD("1")), CP_FATE_GAVE_UP, 101 },
		{ LINE("101", "dry-run", WARD("1")), CP_FATE_DRY_RUN, 101 },
		{ LINE("101", "verdict", WARD("1")), CP_FATE_LIVE, 101 },
		{ LINE("101", "signal", WARD("1")), CP_FATE_LIVE, 101 },
		{ LINE("101", "adopted", WARD("1")), CP_FATE_LIVE, 101 },
		/* of a version to come */
		{ LINE("101", "blessed", WARD("1")), CP_FATE_LIVE, 101 },
		{ LINE("101", "spared", WARD("1"))
			LINE("102", "blessed", WARD("2")),
		    CP_FATE_SPARED, 102 },
		/* watched again */
		{ LINE("101", "spared", WARD("1"))
			LINE("102", "verdict", WARD("2")),
		    CP_FATE_LIVE, 102 },
		/* two guards: what is dead is dead */
		{ LINE("101", "ended", WARD("1") ",\"step\":\"TERM\"")
			LINE("101.1", "end", WARD("1.1")),
		    CP_FATE_TERM, 101 },
		/* the clock was put back */
		{ LINE("99", "end", WARD("1")), CP_FATE_SELF, 100.5 },
	};

	return cr_make_param_array(struct fate_row, rows,
	    sizeof(rows) / sizeof(rows[0]));
}

ParameterizedTest(struct fate_row *r, lifeline, fate)
{
	const struct cp_life *life;

	read_text(BORN, strlen(BORN));
	if (r->lines[0] != '\0')
		read_text(r->lines, strlen(r->lines));
	life = only_life();
	cr_assert_eq(life->fate, r->fate, "%s: %s", r->lines,
	    cp_fate_name(life->fate));
	cr_assert_float_eq(life->last, r->last, 1e-6, "%s: %f", r->lines,
	    life->last);
	cr_assert_eq(all.strange, 0);
}

Test(lifeline, what_a_line_says)
{
	const struct cp_life *life;
	char *command;

	read_text(BORN, strlen(BORN));
	life = only_life();
	cr_assert_eq(life->id.pid, 12);
	cr_assert_eq(life->id.start, 120);
	cr_assert_float_eq(life->born, 100, 1e-6);
	cr_assert_str_eq(json_string_value(life->name), "srv");
	cr_assert_str_eq(json_string_value(life->channel), "duplex pipe");
	cr_assert_not_null(life->host);
	cr_assert_eq(life->host->id.pid, 7);
	cr_assert_str_eq(json_string_value(life->host->comm), "gateway");
	command = cp_life_command(life);
	cr_assert_str_eq(command, "srv 'a b' ''");
	free(command);
	cr_assert_float_eq(all.from, 100, 1e-6);
	cr_assert_float_eq(all.to, 100.5, 1e-6);
}

struct spoilt {
	char text[1000];
	size_t len; /* 0: up to the NUL */
	size_t lines, strange;
};

#define GOOD "{\"time\":1,\"event\":\"hurry\"}\n"

/* Never a life, and never more than a count. */
ParameterizedTestParameters(lifeline, spoilt)
{
	static struct spoilt rows[] = {
		{ "\n", 0, 0, 0 },
		{ "\n\n" GOOD "\n", 0, 1, 0 },
		{ "x\n" GOOD, 0, 2, 1 },
		{ GOOD "{\"time\":1,\"event\":\"hur", 0, 1, 0 }, /* under way */
		{ "me\":1,\"event\":\"end\"}\n" GOOD, 0, 2, 1 },
		{ "{\"time\":1,\"event\":\"hurry\"}", 0, 1, 0 },
		{ "[]\n", 0, 1, 1 },
		{ "null\n", 0, 1, 1 },
		{ "{}\n", 0, 1, 1 },
		{ "{\"time\":\"1\",\"event\":\"end\"}\n", 0, 1, 1 },
		{ "{\"time\":-1,\"event\":\"end\"}\n", 0, 1, 1 },
		{ "{\"time\":1e300,\"event\":\"end\"}\n", 0, 1, 1 },
		{ "{\"time\":1e999,\"event\":\"end\"}\n", 0, 1, 1 },
		{ "{\"time\":1,\"event\":3}\n", 0, 1, 1 },
		{ "{\"time\":1,\"event\":\"\\u0000\"}\n", 0, 1, 1 },
		{ "{\"time\":1,\"event\":\"\xff\"}\n", 0, 1, 1 },
		{ "\0\0\0\n" GOOD, 4 + sizeof(GOOD) - 1, 2, 1 },
		{ GOOD GOOD GOOD, 0, 3, 0 },
	};

	return cr_make_param_array(struct spoilt, rows,
	    sizeof(rows) / sizeof(rows[0]));
}

ParameterizedTest(struct spoilt *r, lifeline, spoilt)
{
	read_text(r->text, r->len != 0 ? r->len : strlen(r->text));
	cr_assert_eq(all.n_lives, 0);
	cr_assert_eq(all.lines, r->lines, "%s: %zu lines", r->text, all.lines);
	cr_assert_eq(all.strange, r->strange, "%s: %zu", r->text, all.strange);
}

struct odd {
	char line[500];
	size_t lives, notes;
};

/* Lines that are a journal's, with parts that are not what they should be. */
ParameterizedTestParameters(lifeline, odd)
{
	static struct odd rows[] = {
		{ "{\"time\":1,\"event\":\"end\",\"child\":7}", 0, 1 },
		{ "{\"time\":1,\"event\":\"end\",\"child\":{}}", 0, 1 },
		{ "{\"time\":1,\"event\":\"end\",\"child\":{\"ward\":-3,"
		  "\"ward_start\":1}}",
		    0, 1 },
		{ "{\"time\":1,\"event\":\"end\",\"child\":{\"ward\":3}}", 0,
		    1 },
		{ "{\"time\":1,\"event\":\"end\",\"child\":{\"pid\":3,"
		  "\"start\":4}}",
		    1, 0 },
		{ "{\"time\":1,\"event\":\"ward\",\"host\":[],\"child\":"
		  "{\"pid\":3,\"start\":4,\"argv\":{},\"name\":[],\"age\":{}}}",
		    1, 0 },
		{ "{\"time\":1,\"event\":\"ward\",\"host\":{\"pid\":\"1\"},"
		  "\"child\":{\"pid\":3,\"start\":4,\"argv\":[1,null,\"x\"],"
		  "\"age\":1e308,\"channel\":false}}",
		    1, 0 },
		{ "{\"time\":1,\"event\":\"ward\",\"child\":{\"pid\":3,"
		  "\"start\":4,\"age\":-9}}",
		    1, 0 },
	};

	return cr_make_param_array(struct odd, rows,
	    sizeof(rows) / sizeof(rows[0]));
}

ParameterizedTest(struct odd *r, lifeline, odd)
{
	cr_assert(cp_lifelines_line(&all, r->line, strlen(r->line)), "%s",
	    r->line);
	cr_assert_eq(all.n_lives, r->lives, "%s", r->line);
	cr_assert_eq(json_array_size(all.notes), r->notes, "%s", r->line);
	for (size_t i = 0; i < all.n_lives; i++) {
		char *command = cp_life_command(all.lives[i]);

		cr_assert_geq(all.lives[i]->born, 0);
		cr_assert_leq(all.lives[i]->born, all.lives[i]->last);
		free(command);
	}
}

/* A guard killed twice, a machine started anew: the same ID comes again. */
Test(lifeline, an_id_can_come_again)
{
	static const char text[] = BORN LINE("101", "end", WARD("1"))
	    LINE("200", "ward", WARD("0.1")) LINE("201", "ended", WARD("1.1"));

	read_text(text, sizeof(text) - 1);
	cr_assert_eq(all.n_lives, 2);
	cr_assert_eq(all.lives[0]->fate, CP_FATE_SELF);
	cr_assert_float_eq(all.lives[0]->last, 101, 1e-6);
	cr_assert_eq(all.lives[1]->fate, CP_FATE_EOF);
	cr_assert_float_eq(all.lives[1]->born, 199.9, 1e-6);
}

Test(lifeline, a_pid_can_come_again)
{
	static const char text[] = BORN LINE("103", "ward",
	    WARD_OF("12", "300", "0"));

	read_text(text, sizeof(text) - 1);
	cr_assert_eq(all.n_lives, 2);
}

/* A signal to a member is an event of its ward, whose command stays. */
Test(lifeline, members_belong_to_their_ward)
{
	static const char text[] = BORN LINE("102", "signal",
	    "\"child\":{\"pid\":13,\"start\":130,\"name\":\"srv\",\"argv\":"
	    "[\"other\"],\"ward\":12,\"ward_start\":120,\"age\":2},"
	    "\"step\":\"TERM\",\"signal\":15,\"error\":\"no\"");
	const struct cp_life *life;
	const json_t *event;
	char *command;

	read_text(text, sizeof(text) - 1);
	life = only_life();
	command = cp_life_command(life);
	cr_assert_str_eq(command, "srv 'a b' ''");
	free(command);
	event = json_array_get(life->events, 1);
	cr_assert_eq(json_integer_value(json_object_get(event, "p")), 13);
	cr_assert_str_eq(json_string_value(json_object_get(event, "s")),
	    "TERM");
	cr_assert_str_eq(json_string_value(json_object_get(event, "x")), "no");
}

/* The file was rotated: the first that is left is the end. */
Test(lifeline, the_beginning_may_be_missing)
{
	static const char text[] = LINE("500", "ended",
	    WARD("400") ",\"step\":\"KILL\"");

	read_text(text, sizeof(text) - 1);
	cr_assert_eq(only_life()->fate, CP_FATE_KILL);
	cr_assert_float_eq(only_life()->born, 100, 1e-6);
	cr_assert_float_eq(all.from, 100, 1e-6);
}

/* An adopted ward has a new host, and hosts are told once each. */
Test(lifeline, hosts)
{
	static const char text[] = BORN
	    "{\"time\":101,\"event\":\"adopted\",\"host\":{\"pid\":8,\"start\":"
	    "80,\"comm\":\"heir\"}," WARD(
		"1") "}\n" LINE("102", "ward", WARD_OF("14", "140", "0"));

	read_text(text, sizeof(text) - 1);
	cr_assert_eq(HASH_COUNT(all.hosts), 2);
	cr_assert_eq(all.lives[0]->host->id.pid, 8);
	cr_assert_eq(all.lives[0]->host->index, 1);
	cr_assert_eq(all.lives[1]->host->index, 0);
}

Test(lifeline, events_have_a_limit)
{
	read_text(BORN, strlen(BORN));
	for (int i = 0; i < 500; i++)
		read_text(LINE("101", "signal", WARD("1")),
		    strlen(LINE("101", "signal", WARD("1"))));
	cr_assert_eq(json_array_size(only_life()->events) + only_life()->unkept,
	    501);
	cr_assert_lt(json_array_size(only_life()->events), 200);
}

/* Of lines as long as memory lasts nothing is kept, nor used. */
Test(lifeline, an_endless_line)
{
	FILE *f = tmpfile();

	cr_assert_not_null(f);
	fwrite(BORN, 1, sizeof(BORN) - 2, f);
	for (int i = 0; i < 1 << 20; i++)
		putc(' ', f);
	fputs("\n" BORN, f);
	rewind(f);
	cr_assert_eq(cp_lifelines_read(&all, f), 0);
	fclose(f);
	cr_assert_eq(all.lines, 2);
	cr_assert_eq(all.strange, 1);
	cr_assert_eq(all.n_lives, 1);
}

Test(lifeline, what_cannot_be_read)
{
	FILE *f = fopen("/", "r");

	cr_assert_not_null(f);
	cr_assert_eq(cp_lifelines_read(&all, f), -1);
	fclose(f);
}

Test(lifeline, fates_have_names)
{
	for (int i = 0; i < CP_FATE_COUNT; i++) {
		cr_assert_not_null(cp_fate_name((enum cp_fate)i));
		cr_assert_not_null(cp_fate_text((enum cp_fate)i));
	}
}
