/* SPDX-License-Identifier: MIT */
/*
 * See trace.h.  A host is a "process" of the trace, a ward an asynchronous
 * slice of it: viewers put those of one name into one track, which so is a
 * lane per command, as in the page.  What the guard said is an instant of the
 * slice.  Numbers of processes are ours, since PIDs come again.
 */
#include <err.h>
#include <stdlib.h>

#include "run.h"
#include "trace.h"

static json_int_t
micros(double seconds)
{
	return (json_int_t)(seconds * 1e6 + 0.5);
}

static json_int_t
process_of(const struct cp_teller *h)
{
	return h != NULL ? (json_int_t)h->index + 1 : 0;
}

static void
put(FILE *to, const char *separator, json_t *j)
{
	if (j == NULL)
		errx(CP_EXIT_FAILED,
		    "report: out of memory (is the journal "
		    "that long? give a part of it)");
	fputs(separator, to);
	(void)json_dumpf(j, to, JSON_COMPACT);
	json_decref(j);
}

static void
put_host(const struct cp_teller *h, FILE *to)
{
	const char *comm = json_string_value(h->comm);

	put(to, ",\n",
	    json_pack("{s:s, s:s, s:I, s:{s:o}}", "ph", "M", "name",
		"process_name", "pid", process_of(h), "args", "name",
		json_sprintf("%s[%lld]", comm != NULL ? comm : "?",
		    (long long)h->id.pid)));
}

/* One phase of the slice: b(egin), n(ow), e(nd). */
static json_t *
phase(const struct cp_life *life, size_t i, const char *ph, double time)
{
	return json_pack("{s:s, s:s, s:o, s:I, s:I, s:I}", "ph", ph, "cat",
	    "ward", "id", json_sprintf("%zu", i), "pid", process_of(life->host),
	    "tid", (json_int_t)life->id.pid, "ts", micros(time));
}

static void
put_event(const struct cp_life *life, size_t i, const json_t *event, FILE *to)
{
	double time = json_number_value(json_object_get(event, "t"));
	json_t *j = phase(life, i, "n", time < life->last ? time : life->last);

	json_object_set(j, "name", json_object_get(event, "e"));
	json_object_set_new(j, "args",
	    json_pack("{s:O*, s:O*, s:O*, s:O*}", "step",
		json_object_get(event, "s"), "reason",
		json_object_get(event, "r"), "error",
		json_object_get(event, "x"), "process",
		json_object_get(event, "p")));
	put(to, ",\n", j);
}

static void
put_life(const struct cp_life *life, size_t i, double end, FILE *to)
{
	char *command = cp_life_command(life);
	json_t *j = phase(life, i, "b", life->born);

	json_object_set_new(j, "name", json_string(command));
	json_object_set_new(j, "args",
	    json_pack("{s:I, s:I, s:O*, s:s}", "pid", (json_int_t)life->id.pid,
		"start", (json_int_t)life->id.start, "channel", life->channel,
		"fate", cp_fate_text(life->fate)));
	put(to, ",\n", j);
	for (size_t k = 0; k < json_array_size(life->events); k++)
		put_event(life, i, json_array_get(life->events, k), to);
	j = phase(life, i, "e", end);
	json_object_set_new(j, "name", json_string(command));
	put(to, ",\n", j);
	free(command);
}

struct change {
	double time;
	int by;
};

static int
by_time(const void *a, const void *b)
{
	const struct change *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return x->by - y->by;
}

/* How many are alive, as a counter. */
static void
put_counts(const struct cp_lifelines *l, FILE *to)
{
	struct change *all = calloc(2 * l->n_lives + 1, sizeof(*all));
	json_int_t alive = 0;
	size_t n = 0;

	if (all == NULL)
		err(CP_EXIT_FAILED, "report");
	for (size_t i = 0; i < l->n_lives; i++) {
		const struct cp_life *life = l->lives[i];

		all[n++] = (struct change){ life->born, 1 };
		if (life->fate != CP_FATE_LIVE)
			all[n++] = (struct change){ life->last, -1 };
	}
	qsort(all, n, sizeof(*all), by_time);
	for (size_t i = 0; i < n; i++) {
		alive += all[i].by;
		put(to, ",\n",
		    json_pack("{s:s, s:s, s:i, s:I, s:{s:I}}", "ph", "C",
			"name", "alive", "pid", 0, "ts", micros(all[i].time),
			"args", "children", alive));
	}
	free(all);
}

void
cp_trace_write(const struct cp_lifelines *l, FILE *to)
{
	fputs("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n", to);
	put(to, "",
	    json_pack("{s:s, s:s, s:i, s:{s:s}}", "ph", "M", "name",
		"process_name", "pid", 0, "args", "name", "childproof"));
	for (const struct cp_teller *h = l->hosts; h != NULL; h = h->hh.next)
		put_host(h, to);
	put_counts(l, to);
	for (size_t i = 0; i < l->n_lives; i++) {
		const struct cp_life *life = l->lives[i];

		put_life(life, i,
		    life->fate == CP_FATE_LIVE ? l->to : life->last, to);
	}
	fputs("\n]}\n", to);
}
