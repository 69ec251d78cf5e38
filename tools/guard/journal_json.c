/* SPDX-License-Identifier: MIT */
/* See journal.h: an entry as a line of a file.  Context: guard. */
#include <jansson.h>
#include <string.h>
#include <time.h>

#include "journal.h"
#include "json_text.h"

static json_t *
list_of(const char *args, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n;) {
		size_t len = strnlen(args + i, n - i);

		json_array_append_new(list, cp_json_text(args + i, len));
		i += len + 1;
	}
	return list;
}

static json_t *
argv_of(const struct cp_entry *e, pid_t pid)
{
	char args[sizeof(e->whom->args)];

	return e->whom != NULL ?
	    list_of(e->whom->args, e->whom->args_len) :
	    list_of(args, cp_journal_args(pid, args, sizeof(args)));
}

static const char *
kind_name(const struct cp_ward *w)
{
	static const char *const kinds[] = {
		[CP_KIND_NONE] = "none",
		[CP_KIND_PIPE] = "pipe",
		[CP_KIND_UNIX] = "socket",
		[CP_KIND_PTY] = "pty",
		[CP_KIND_PTMX] = "pty",
	};
	int in = w->channel[0].kind, out = w->channel[1].kind;

	return kinds[in != CP_KIND_NONE ? in : out];
}

static json_t *
channel_of(const struct cp_ward *w)
{
	const char *shape = w->duplex	       ? "duplex" :
	    w->channel[0].kind != CP_KIND_NONE ? "reader" :
						 "writer";

	return json_sprintf("%s %s", shape, kind_name(w));
}

/* In seconds. */
static double
age_of(const struct cp_ward *w)
{
	struct timespec up;
	uint64_t ms;

	clock_gettime(CLOCK_MONOTONIC, &up);
	ms = (uint64_t)up.tv_sec * 1000 + (uint64_t)up.tv_nsec / 1000000;
	return (double)(ms - w->born_ms) / 1000;
}

static json_t *
child_of(const struct cp_entry *e)
{
	pid_t pid = e->pid != 0 ? e->pid : e->ward->pid;
	uint64_t start = e->pid != 0 ? e->start : e->ward->start;
	size_t len;
	const char *name = cp_journal_name(e, &len);
	json_t *j = json_pack("{s:i, s:I, s:o, s:o}", "pid", (int)pid, "start",
	    (json_int_t)start, "name", cp_json_text(name, len), "argv",
	    argv_of(e, pid));

	json_object_set_new(j, "ward", json_integer(e->ward->pid));
	json_object_set_new(j, "ward_start",
	    json_integer((json_int_t)e->ward->start));
	json_object_set_new(j, "age", json_real(age_of(e->ward)));
	json_object_set_new(j, "channel", channel_of(e->ward));
	return j;
}

static json_t *
numbers_of(const struct cp_number *n)
{
	json_t *j = json_object();

	for (; n->name != NULL; n++) {
		bool whole = n->value == (double)(json_int_t)n->value;

		json_object_set_new(j, n->name,
		    whole ? json_integer((json_int_t)n->value) :
			    json_real(n->value));
	}
	return j;
}

static json_t *
host_of(const struct cp_host *h)
{
	return json_pack("{s:i, s:I, s:o}", "pid", (int)h->pid, "start",
	    (json_int_t)h->start, "comm",
	    cp_json_text(h->comm, strnlen(h->comm, sizeof(h->comm))));
}

char *
cp_journal_json(const struct cp_entry *e)
{
	struct timespec now;
	json_t *j = json_object();
	char *line;

	clock_gettime(CLOCK_REALTIME, &now);
	json_object_set_new(j, "time",
	    json_real((double)now.tv_sec + (double)now.tv_nsec / 1e9));
	json_object_set_new(j, "event", json_string(e->event));
	if (e->host != NULL)
		json_object_set_new(j, "host", host_of(e->host));
	if (e->ward != NULL)
		json_object_set_new(j, "child", child_of(e));
	else if (e->name != NULL)
		json_object_set_new(j, "child",
		    json_pack("{s:o}", "name",
			cp_json_text(e->name, strlen(e->name))));
	if (e->reason != NULL)
		json_object_set_new(j, "reason", json_string(e->reason));
	if (e->step != NULL)
		json_object_set_new(j, "step", json_string(e->step));
	if (e->sig != 0)
		json_object_set_new(j, "signal", json_integer(e->sig));
	if (e->error != 0)
		json_object_set_new(j, "error",
		    json_string(strerror(e->error)));
	if (e->numbers != NULL)
		json_object_set_new(j, "numbers", numbers_of(e->numbers));
	line = json_dumps(j, JSON_COMPACT | JSON_REAL_PRECISION(13));
	json_decref(j);
	return line;
}
