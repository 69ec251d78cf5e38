/* SPDX-License-Identifier: MIT */
/* The table that ps prints: a tree for each host.  Context: cli. */
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ps.h"
#include "table.h"

#define DEPTH_MAX 16 /* agents in agents in agents */

static const struct cp_column columns[] = {
	{ "PID", false, false, 0 },
	{ "AGE", true, false, 0 },
	{ "IDLE", true, false, 0 },
	{ "RSS", true, false, 0 },
	{ "CPU", true, true, 0 },
	{ "CHANNEL", false, true, 0 },
	{ "STATE", false, false, 0 },
	{ "COMMAND", false, false, 20 },
};
enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };

/* One row's texts, while it is made. */
struct row {
	char pid[4 * DEPTH_MAX * 4 + 16];
	char age[CP_TABLE_SHORT];
	char idle[CP_TABLE_SHORT];
	char rss[CP_TABLE_SHORT];
	char cpu[CP_TABLE_SHORT];
	const char *channel;
	const char *state;
	const char *command;
	enum cp_colour colour;
};

/* The lines of a tree, in what the terminal can show. */
struct lines {
	const char *fork, *last, *pass, *none;
};

static const struct lines *
lines(void)
{
	static const struct lines drawn = { "├─", "└─", "│ ", "  " };
	static const struct lines plain = { "|-", "`-", "| ", "  " };

	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? &drawn : &plain;
}

/* Without the directory of its program: COMMAND is the last column. */
static const char *
shorter(const char *command)
{
	size_t len = strcspn(command, " ");
	const char *slash = memrchr(command, '/', len);

	return slash != NULL && slash + 1 < command + len ? slash + 1 : command;
}

static int
put(struct cp_table *t, const struct row *r)
{
	const struct cp_cell cells[COLUMNS] = {
		{ r->pid, CP_PLAIN },
		{ r->age, CP_PLAIN },
		{ r->idle, CP_PLAIN },
		{ r->rss, CP_PLAIN },
		{ r->cpu, CP_PLAIN },
		{ r->channel, CP_PLAIN },
		{ r->state, r->colour },
		{ shorter(r->command), CP_PLAIN },
	};

	return cp_table_add(t, cells);
}

/* Of N processes; none is left of what is dead. */
static void
fill_used(struct row *r, uint64_t rss, uint64_t ticks, size_t n)
{
	uint64_t s = ticks / (uint64_t)sysconf(_SC_CLK_TCK);

	if (n == 0)
		return;
	cp_table_size(r->rss, rss);
	cp_table_age(r->cpu, s);
}

static enum cp_colour
colour_of(enum cp_state state)
{
	static const enum cp_colour colour[CP_STATES] = {
		[CP_STATE_LIVE] = CP_GREEN,
		[CP_STATE_IDLE] = CP_YELLOW,
		[CP_STATE_STALE] = CP_YELLOW,
		[CP_STATE_PEER_GONE] = CP_RED,
		[CP_STATE_CHILD_GONE] = CP_RED,
		[CP_STATE_ORPHAN] = CP_RED,
		[CP_STATE_ENDING] = CP_RED,
		[CP_STATE_UNWAITED] = CP_YELLOW,
		[CP_STATE_SPARED] = CP_DIM,
	};

	return colour[state];
}

/* How the tree goes on: what stands before the number. */
struct branch {
	char before[4 * DEPTH_MAX];
	int depth;
};

static int put_wards(struct cp_table *t, const struct cp_view *v, size_t host,
    const struct branch *b);

static int
put_ward(struct cp_table *t, const struct cp_view *v,
    const struct cp_seen_ward *s, const struct branch *b, bool last)
{
	const struct lines *l = lines();
	struct branch below = *b;
	struct row r = { .channel = cp_view_channel(s->w),
		.state = cp_state_name(s->state),
		.command = s->command,
		.colour = colour_of(s->state) };

	(void)snprintf(r.pid, sizeof(r.pid), "%s%s%d", b->before,
	    last ? l->last : l->fork, (int)s->w->pid);
	cp_table_age(r.age, s->age);
	if (s->idle < 0)
		strcpy(r.idle, "-");
	else
		cp_table_age(r.idle, (uint64_t)s->idle);
	fill_used(&r, s->used.rss, s->used.ticks, s->used.n);
	if (put(t, &r) != 0)
		return -1;
	if (s->guest == SIZE_MAX || ++below.depth >= DEPTH_MAX)
		return 0;
	(void)strncat(below.before, last ? l->none : l->pass,
	    sizeof(below.before) - strlen(below.before) - 1);
	return put_wards(t, v, s->guest, &below);
}

static int
put_wards(struct cp_table *t, const struct cp_view *v, size_t host,
    const struct branch *b)
{
	const struct cp_seen_host *h = &v->hosts[host];

	for (size_t i = 0; i < h->n; i++)
		if (put_ward(t, v, &v->wards[h->first + i], b, i + 1 == h->n) !=
		    0)
			return -1;
	return 0;
}

static int
put_host(struct cp_table *t, const struct cp_view *v, size_t i)
{
	const struct cp_seen_host *h = &v->hosts[i];
	struct row r = { .idle = "",
		.channel = h->h->census ? "by census" : "",
		.state = h->h->dead ? "dead" :
		    h->h->leaving   ? "leaving" :
				      "host",
		.command = h->command };

	(void)snprintf(r.pid, sizeof(r.pid), "%d", (int)h->h->pid);
	cp_table_age(r.age, h->age);
	fill_used(&r, h->used.rss, h->used.ticks, h->used.pid != 0);
	if (put(t, &r) != 0)
		return -1;
	return put_wards(t, v, i, &(struct branch){ 0 });
}

static void
sum_up(const struct cp_view *v, struct cp_style style)
{
	size_t by_state[CP_STATES] = { 0 }, some = 0;
	char line[256], size[CP_TABLE_SHORT];
	uint64_t rss = 0;
	int n;

	for (size_t i = 0; i < v->n_wards; i++) {
		by_state[v->wards[i].state]++;
		rss += v->wards[i].used.rss;
	}
	cp_table_size(size, rss);
	n = snprintf(line, sizeof(line), "%zu host%s, %zu child%s (%s)",
	    v->n_hosts, v->n_hosts == 1 ? "" : "s", v->n_wards,
	    v->n_wards == 1 ? "" : "ren", size);
	for (int s = 0; s < CP_STATES; s++)
		if (by_state[s] > 0)
			n += snprintf(line + n, sizeof(line) - (size_t)n,
			    "%s %zu %s", some++ == 0 ? ":" : ",", by_state[s],
			    cp_state_name((enum cp_state)s));
	cp_table_say(style, CP_DIM, line, stdout);
	putchar('\n');
}

int
cp_ps_tree(const struct cp_view *v, const struct cp_seen_host *only)
{
	struct cp_style style = cp_table_style(stdout);
	struct cp_table *t = cp_table_new(columns, COLUMNS);
	int rc = t != NULL ? 0 : -1;

	for (size_t i = 0; rc == 0 && i < v->n_hosts; i++)
		if (only != NULL ? &v->hosts[i] == only : !v->hosts[i].nested)
			rc = put_host(t, v, i);
	if (rc == 0) {
		cp_table_print(t, style, stdout);
		if (only == NULL)
			sum_up(v, style);
	}
	cp_table_free(t);
	return rc;
}
