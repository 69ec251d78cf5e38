/* SPDX-License-Identifier: MIT */
/*
 * The command `report`: reads journals and draws the lifelines that they tell
 * of.  An output that fails leaves what was there.  Context: cli.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lifeline.h"
#include "output.h"
#include "page.h"
#include "say.h"
#include "trace.h"
#include "usage.h"

struct wanted {
	const char *page, *trace; /* files, "-" for stdout, or NULL */
};

static int cmd_report(int argc, char *argv[]);

enum { PAGE, TRACE };

static const struct cp_flag flags[] = {
	[PAGE] = { "output", 'o', "FILE", "where to write the page" },
	[TRACE] = { "trace", 't', "FILE",
	    "where to write a trace, for Perfetto or Chromium" },
	{ 0 },
};

const struct cp_command cp_command_report = {
	.name = "report",
	.about = "draw the lifelines that journals tell of",
	.operands = "JOURNAL ...",
	.flags = flags,
	.run = cmd_report,
};

/* Returns the index of the first journal. */
static int
arguments(int argc, char *argv[], struct wanted *w)
{
	const struct cp_command *c = &cp_command_report;
	int opt;

	while ((opt = cp_usage_next(c, argc, argv)) != -1)
		*(opt == PAGE ? &w->page : &w->trace) = optarg;
	if (optind == argc)
		cp_usage_die(c, "JOURNAL: missing (the file of --journal=)");
	if (w->page == NULL && w->trace == NULL)
		cp_usage_die(c, "-o: missing (say where to write the page)");
	if (w->page != NULL && w->trace != NULL &&
	    strcmp(w->page, w->trace) == 0)
		cp_usage_die(c,
		    "%s: page and trace can't both go there (give two files)",
		    w->page);
	return optind;
}

static _Noreturn void
cannot(const char *name, const char *what_to_do)
{
	cp_usage_die(&cp_command_report, "%s: %s (%s)", cp_say_name(name),
	    strerror(errno), what_to_do);
}

/* Says what was left out; a file of which nothing was used is another's. */
static void
tell_strange(const char *name, size_t strange, size_t lines)
{
	if (strange == 0)
		return;
	if (strange == lines)
		cp_usage_die(&cp_command_report,
		    "%s: no line of it is a journal's (give the file of "
		    "--journal=)",
		    name);
	cp_say("report: %s: %zu of %zu lines are no journal lines (they are "
	       "left out)",
	    name, strange, lines);
}

static void
read_journal(struct cp_lifelines *l, const char *name)
{
	bool std = strcmp(name, "-") == 0;
	FILE *f = std ? stdin : fopen(name, "re");
	size_t strange = l->strange, lines = l->lines;

	errno = f == NULL ? errno : 0;
	if (f == NULL || cp_lifelines_read(l, f) != 0)
		cannot(name, "give the file of --journal=");
	if (!std)
		(void)fclose(f);
	tell_strange(name, l->strange - strange, l->lines - lines);
}

struct outputs {
	struct cp_output page, trace;
};

static _Noreturn void
fail(struct outputs *o, const char *name)
{
	int saved = errno;

	cp_output_abandon(&o->page);
	cp_output_abandon(&o->trace);
	errno = saved;
	cannot(name, "nothing was written; give another file");
}

/* Does STEP to those outputs that are wanted; one that fails ends it all. */
static void
each(struct outputs *o, const struct wanted *w, int (*step)(struct cp_output *))
{
	if (w->page != NULL && step(&o->page) != 0)
		fail(o, w->page);
	if (w->trace != NULL && step(&o->trace) != 0)
		fail(o, w->trace);
}

static void
write_all(const struct cp_lifelines *l, const struct wanted *w,
    const char *name)
{
	struct outputs o = { 0 };

	if (w->page != NULL && cp_output_open(&o.page, w->page) != 0)
		fail(&o, w->page);
	if (w->trace != NULL && cp_output_open(&o.trace, w->trace) != 0)
		fail(&o, w->trace);
	if (w->page != NULL)
		cp_page_write(l, name, o.page.f);
	if (w->trace != NULL)
		cp_trace_write(l, o.trace.f);
	each(&o, w, cp_output_flush);
	each(&o, w, cp_output_commit);
}

static int
cmd_report(int argc, char *argv[])
{
	struct wanted wanted = { NULL, NULL };
	struct cp_lifelines lifelines;
	int first = arguments(argc, argv, &wanted);

	cp_lifelines_init(&lifelines);
	for (int i = first; i < argc; i++)
		read_journal(&lifelines, argv[i]);
	write_all(&lifelines, &wanted, argv[argc - 1]);
	cp_lifelines_free(&lifelines);
	return 0;
}
