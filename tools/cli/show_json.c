/* SPDX-License-Identifier: MIT */
/*
 * What a scan found, for programs.  The schema is in childproof(1): within a
 * version, members are only ever added.  Context: cli.
 */
#include <err.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "../guard/json_text.h"
#include "listed.h"

#define SCHEMA	"childproof-scan"
#define VERSION 1

static json_t *
argv_of(const struct cp_listed *p)
{
	json_t *list = json_array();
	size_t len;

	for (size_t i = 0; !p->bare && i < p->len; i += len + 1) {
		len = strnlen(p->cmdline + i, p->len - i);
		if (json_array_append_new(list,
			cp_json_text(p->cmdline + i, len)) == -1)
			break;
	}
	return list;
}

static json_t *
stdio_of(const struct cp_listed *p, int fd)
{
	static const char *const sides[] = {
		[CP_SIDE_OTHER] = "other",
		[CP_SIDE_OPEN] = "open",
		[CP_SIDE_CLOSED] = "closed",
		[CP_SIDE_UNKNOWN] = "unknown",
	};
	bool channel = p->stdio[fd].kind != CP_KIND_NONE;
	const char *kind = p->stdio[fd].kind == CP_KIND_PIPE ? "pipe" :
							       "socket";

	return json_pack("{s:s, s:s?, s:o}", "peer", sides[p->stdio[fd].side],
	    "kind", channel ? kind : NULL, "inode",
	    channel ? json_integer((json_int_t)p->stdio[fd].ino) : json_null());
}

static json_t *
process(const struct cp_listed *p, bool reap)
{
	char state[] = { p->state, '\0' };

	return json_pack("{s:i, s:i, s:I, s:I, s:I, s:I, s:s, s:o, s:o, s:o,"
			 " s:s, s:s, s:o, s:s?}",
	    "pid", (int)p->pid, "ppid", (int)p->ppid, "uid", (json_int_t)p->uid,
	    "start", (json_int_t)p->start, "age", (json_int_t)p->age, "rss",
	    (json_int_t)p->rss, "state", state, "argv", argv_of(p), "stdin",
	    stdio_of(p, 0), "stdout", stdio_of(p, 1), "verdict",
	    cp_listed_verdict(p), "reason", cp_why_word((enum cp_why)p->why),
	    "about", p->who != 0 ? json_integer(p->who) : json_null(),
	    "outcome", reap ? cp_listed_outcome(p->outcome) : NULL);
}

int
cp_listed_json(const struct cp_shown *s)
{
	struct cp_sum sum = cp_listed_sum(s->list);
	json_t *list = json_array(), *all;
	int result = -1;

	for (size_t i = 0; i < s->list->n; i++)
		if (json_array_append_new(list,
			process(&s->list->at[i], s->reap)) == -1)
			break;
	all = json_pack("{s:s, s:i, s:b, s:o, s:{s:I, s:I, s:I, s:I}}",
	    "schema", SCHEMA, "version", VERSION, "complete", s->list->complete,
	    "processes", list, "summary", "orphans", (json_int_t)sum.orphans,
	    "doubtful", (json_int_t)sum.doubtful, "orphans_left",
	    (json_int_t)sum.left, "orphans_rss", (json_int_t)sum.rss);
	if (all != NULL &&
	    json_array_size(json_object_get(all, "processes")) == s->list->n)
		result = json_dumpf(all, stdout, JSON_INDENT(2));
	if (result == 0)
		putchar('\n');
	else
		warnx("scan: no JSON could be made");
	json_decref(all);
	return result;
}
