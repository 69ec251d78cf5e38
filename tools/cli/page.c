/* SPDX-License-Identifier: MIT */
/*
 * The page: report.html, with what is not static put in at its marks @NAME@.
 * The data goes in as JSON, which report.js draws; nothing that a journal
 * holds is ever HTML.
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "embed.h"
#include "page.h"
#include "run.h"

static json_t *
must(json_t *j)
{
	if (j == NULL)
		errx(CP_EXIT_FAILED,
		    "report: out of memory (is the journal "
		    "that long? give a part of it)");
	return j;
}

/* Short keys: each is there once a ward. */
static json_t *
life_json(const struct cp_life *life)
{
	char *command = cp_life_command(life);
	json_t *j = must(
	    json_pack("{s:I, s:I, s:s, s:O*, s:O*, s:f, s:s, s:O}", "pid",
		(json_int_t)life->id.pid, "start", (json_int_t)life->id.start,
		"cmd", command, "name", life->name, "ch", life->channel, "b",
		life->born, "f", cp_fate_name(life->fate), "ev", life->events));

	free(command);
	if (life->fate != CP_FATE_LIVE)
		json_object_set_new(j, "d", json_real(life->last));
	if (life->host != NULL)
		json_object_set_new(j, "h",
		    json_integer((json_int_t)life->host->index));
	if (life->unkept > 0)
		json_object_set_new(j, "more",
		    json_integer((json_int_t)life->unkept));
	return j;
}

static json_t *
hosts_json(const struct cp_lifelines *l)
{
	json_t *list = must(json_array());

	/* uthash keeps the order of addition, which is that of the index. */
	for (const struct cp_teller *h = l->hosts; h != NULL; h = h->hh.next)
		json_array_append_new(list,
		    must(json_pack("{s:I, s:I, s:O*}", "pid",
			(json_int_t)h->id.pid, "start", (json_int_t)h->id.start,
			"comm", h->comm)));
	return list;
}

static json_t *
fates_json(void)
{
	json_t *list = must(json_array());

	for (int i = 0; i < CP_FATE_COUNT; i++)
		json_array_append_new(list,
		    must(json_pack("[s, s]", cp_fate_name((enum cp_fate)i),
			cp_fate_text((enum cp_fate)i))));
	return list;
}

/*
 * In a script element, only `<` can begin what ends it (or a comment); in
 * JSON it stands in strings alone, where it can be escaped.
 */
static int
put_escaped(const char *text, size_t len, void *to)
{
	FILE *f = to;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '<')
			fputs("\\u003c", f);
		else
			putc_unlocked(text[i], f);
	}
	return 0;
}

static void
put_data(const struct cp_lifelines *l, const char *name, FILE *to)
{
	json_t *lives = must(json_array()), *journal = json_string(name), *j;

	for (size_t i = 0; i < l->n_lives; i++)
		json_array_append_new(lives, life_json(l->lives[i]));
	j = must(json_pack("{s:o*, s:f, s:f, s:I, s:o, s:o, s:O, s:o}",
	    "journal", journal, "from", l->from, "to", l->to, "strange",
	    (json_int_t)l->strange, "fates", fates_json(), "hosts",
	    hosts_json(l), "notes", l->notes, "lives", lives));
	(void)json_dump_callback(j, put_escaped, to,
	    JSON_COMPACT | JSON_REAL_PRECISION(16));
	json_decref(j);
}

/* For those who run no scripts: how many ended how. */
static void
put_summary(const struct cp_lifelines *l, FILE *to)
{
	size_t counts[CP_FATE_COUNT] = { 0 };

	for (size_t i = 0; i < l->n_lives; i++)
		counts[l->lives[i]->fate]++;
	for (int i = 0; i < CP_FATE_COUNT; i++)
		fprintf(to, "<tr><th scope=\"row\">%s</th><td>%zu</td></tr>\n",
		    cp_fate_text((enum cp_fate)i), counts[i]);
	fprintf(to, "<tr><th scope=\"row\">all</th><td>%zu</td></tr>\n",
	    l->n_lives);
}

static void
put_at_mark(int mark, const struct cp_lifelines *l, const char *name, FILE *to)
{
	switch (mark) {
	case 0:
		put_summary(l, to);
		break;
	case 1:
		put_data(l, name, to);
		break;
	case 2:
		fputs(cp_embed_report_js, to);
		break;
	case 3:
		fputs(cp_embed_report_draw_js, to);
		break;
	default:
		fputs(cp_embed_report_ui_js, to);
		break;
	}
}

void
cp_page_write(const struct cp_lifelines *l, const char *name, FILE *to)
{
	static const char *const marks[] = { "@SUMMARY@", "@DATA@", "@SCRIPT@",
		"@DRAW@", "@UI@" };
	const char *rest = cp_embed_report_html;

	for (int i = 0; i < (int)(sizeof(marks) / sizeof(marks[0])); i++) {
		const char *mark = strstr(rest, marks[i]);

		if (mark == NULL)
			break;
		fwrite(rest, 1, (size_t)(mark - rest), to);
		rest = mark + strlen(marks[i]);
		put_at_mark(i, l, name, to);
	}
	fputs(rest, to);
}
