/* SPDX-License-Identifier: MIT */
/*
 * What `ps --json` prints.  The schema is in childproof(1); members may be
 * added to it, and its number changes if one is taken away or means something
 * else.  Context: cli.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ps.h"

#define SCHEMA 1

static double
seconds(uint64_t ticks)
{
	return (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

static json_t *
child(const struct cp_view *v, const struct cp_seen_ward *s)
{
	json_t *j = json_pack("{s:i, s:I, s:s, s:s, s:s, s:I, s:I, s:f, s:i}",
	    "pid", (int)s->w->pid, "start", (json_int_t)s->w->start, "command",
	    s->command, "state", cp_state_name(s->state), "channel",
	    cp_view_channel(s->w), "age", (json_int_t)s->age, "rss",
	    (json_int_t)s->used.rss, "cpu", seconds(s->used.ticks), "processes",
	    (int)s->used.n);

	if (s->idle >= 0)
		json_object_set_new(j, "idle", json_integer(s->idle));
	if (s->due >= 0)
		json_object_set_new(j, "due", json_integer(s->due));
	if (s->w->thread != 0)
		json_object_set_new(j, "thread", json_integer(s->w->thread));
	if (s->guest != SIZE_MAX)
		json_object_set_new(j, "host",
		    json_integer(v->hosts[s->guest].h->pid));
	return j;
}

static json_t *
host(const struct cp_view *v, const struct cp_seen_host *h)
{
	json_t *children = json_array();

	for (size_t i = 0; i < h->n; i++)
		json_array_append_new(children,
		    child(v, &v->wards[h->first + i]));
	return json_pack("{s:i, s:I, s:i, s:s, s:s, s:b, s:b, s:I, s:I, s:f, "
			 "s:o}",
	    "pid", (int)h->h->pid, "start", (json_int_t)h->h->start, "guard",
	    (int)h->facts->head->guard, "command", h->command, "state",
	    h->h->dead	      ? "dead" :
		h->h->leaving ? "leaving" :
				"live",
	    "census", (int)h->h->census, "nested", (int)h->nested, "age",
	    (json_int_t)h->age, "rss", (json_int_t)h->used.rss, "cpu",
	    seconds(h->used.ticks), "children", children);
}

int
cp_ps_json(const struct cp_view *v, const struct cp_seen_host *only)
{
	json_t *hosts = json_array(), *all;
	int rc;

	for (size_t i = 0; i < v->n_hosts; i++)
		if (only == NULL || &v->hosts[i] == only)
			json_array_append_new(hosts, host(v, &v->hosts[i]));
	all = json_pack("{s:i, s:i, s:i, s:i, s:o}", "schema", SCHEMA, "guards",
	    (int)v->n_facts, "foreign", (int)v->foreign, "silent",
	    (int)v->silent, "hosts", hosts);
	rc = json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	json_decref(all);
	if (rc == 0)
		putchar('\n');
	else
		errno = ENOMEM;
	return rc;
}
