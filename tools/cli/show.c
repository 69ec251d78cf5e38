/* SPDX-License-Identifier: MIT */
/* What a scan found, for people.  See listed.h.  Context: cli. */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "listed.h"
#include "table.h"

enum { PID, AGE, RSS, STATE, STDIN, STDOUT, VERDICT, WHY, COMMAND, N_COLUMNS };

static const struct cp_column columns[N_COLUMNS] = {
	[PID] = { "PID", true, false, 0 },
	[AGE] = { "AGE", true, false, 0 },
	[RSS] = { "RSS", true, false, 0 },
	[STATE] = { "S", false, false, 0 },
	[STDIN] = { "STDIN", false, false, 0 },
	[STDOUT] = { "STDOUT", false, false, 0 },
	[VERDICT] = { "VERDICT", false, false, 0 },
	[WHY] = { "WHY", false, false, 14 },
	[COMMAND] = { "COMMAND", false, false, 16 },
};

static const char *
side_text(const struct cp_listed *p, int fd)
{
	static const char *const texts[] = {
		[CP_SIDE_OTHER] = "other",
		[CP_SIDE_OPEN] = "open",
		[CP_SIDE_CLOSED] = "closed",
		[CP_SIDE_UNKNOWN] = "unknown",
	};

	return texts[p->stdio[fd].side];
}

/* The command on one line; NULL with ENOMEM. */
static char *
command_text(const struct cp_listed *p)
{
	char *joined = malloc(p->len + 3), *visible;
	size_t len = p->len;

	if (joined == NULL)
		return NULL;
	if (p->bare) {
		/* As ps(1) shows one without arguments. */
		(void)snprintf(joined, len + 3, "[%s]", p->cmdline);
		len += 2;
	} else {
		memcpy(joined, p->cmdline, len);
		while (len > 0 && joined[len - 1] == '\0')
			len--;
		for (size_t i = 0; i < len; i++)
			if (joined[i] == '\0')
				joined[i] = ' ';
	}
	visible = cp_table_visible(joined, len);
	free(joined);
	return visible;
}

/* The reason as a phrase; one about another process names that. */
static void
why_text(const struct cp_listed *p, char *out, size_t size)
{
	const char *text = cp_why_text((enum cp_why)p->why);
	const char *mark = strstr(text, "%d");

	if (mark != NULL)
		(void)snprintf(out, size, "%.*s%d%s", (int)(mark - text), text,
		    (int)p->who, mark + 2);
	else if (p->who != 0)
		(void)snprintf(out, size, "%d: %s", (int)p->who, text);
	else
		(void)snprintf(out, size, "%s", text);
}

static enum cp_colour
colour_of(const struct cp_listed *p)
{
	if (p->outcome == CP_ENDED_ITSELF || p->outcome == CP_ENDED_TERM ||
	    p->outcome == CP_ENDED_KILL)
		return CP_GREEN;
	return cp_why_proven((enum cp_why)p->why) ? CP_RED : CP_YELLOW;
}

static int
add(struct cp_table *t, const struct cp_listed *p)
{
	char pid[16], age[CP_TABLE_SHORT], rss[CP_TABLE_SHORT], why[128];
	char state[] = { p->state, '\0' }, *command = command_text(p);
	struct cp_cell cells[N_COLUMNS] = {
		[PID] = { pid, CP_PLAIN },
		[AGE] = { age, CP_PLAIN },
		[RSS] = { rss, CP_PLAIN },
		[STATE] = { state, CP_PLAIN },
		[STDIN] = { side_text(p, 0), CP_PLAIN },
		[STDOUT] = { side_text(p, 1), CP_PLAIN },
		[VERDICT] = { cp_listed_verdict(p), colour_of(p) },
		[WHY] = { why, CP_PLAIN },
		[COMMAND] = { command, CP_PLAIN },
	};
	int result;

	if (command == NULL)
		return -1;
	(void)snprintf(pid, sizeof(pid), "%d", (int)p->pid);
	cp_table_age(age, p->age);
	cp_table_size(rss, p->rss);
	why_text(p, why, sizeof(why));
	if (p->outcome != CP_LEFT)
		cells[VERDICT].text = cp_listed_outcome(p->outcome);
	result = cp_table_add(t, cells);
	free(command);
	return result;
}

static const char *
plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static void
sum_up(const struct cp_shown *s)
{
	struct cp_sum sum = cp_listed_sum(s->list);
	char rss[CP_TABLE_SHORT];

	cp_table_size(rss, sum.rss);
	if (sum.orphans == 0)
		printf("no stdio orphans");
	else
		printf("%zu orphan%s (%s)", sum.orphans, plural(sum.orphans),
		    rss);
	if (s->reap && sum.orphans > 0 && !s->dry_run)
		printf(", %zu still there", sum.left);
	if (sum.doubtful > 0)
		printf(", %zu doubtful%s", sum.doubtful,
		    s->reap ? ", left alone" : "");
	if (!s->reap && sum.orphans > 0)
		printf("; `childproof scan --reap` ends the orphan%s",
		    plural(sum.orphans));
	putchar('\n');
	if (!s->list->complete)
		warnx("scan: not all processes could be listed (run it "
		      "again)");
}

int
cp_listed_table(const struct cp_shown *s)
{
	struct cp_table *t = cp_table_new(columns, N_COLUMNS);
	int result = t == NULL ? -1 : 0;

	for (size_t i = 0; i < s->list->n && result == 0; i++)
		result = add(t, &s->list->at[i]);
	if (result == 0) {
		if (s->list->n > 0)
			cp_table_print(t, cp_table_style(stdout), stdout);
		sum_up(s);
	} else
		warn("scan");
	cp_table_free(t);
	return result;
}
