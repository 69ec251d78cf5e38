/* SPDX-License-Identifier: MIT */
/*
 * childproof scan: the stdio orphans of hosts that were never guarded.  All
 * judging is in orphan.c.  Context: cli.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <string.h>

#include "cull.h"
#include "main.h"
#include "run.h"
#include "say.h"
#include "usage.h"

#define CP_SCAN_FOUND 1 /* exit status: orphans are there */

enum { JSON, REAP, DRY_RUN, EXIT_GRACE, TERM, SPARE };

static const struct cp_flag flags[] = {
	[JSON] = { "json", 0, NULL, "print one JSON object" },
	[REAP] = { "reap", 0, NULL, "end the orphans, and nobody else" },
	[DRY_RUN] = { "dry-run", 0, NULL,
	    "with --reap: look twice, but send no signal" },
	[EXIT_GRACE] = { "exit-grace", 0, "DURATION",
	    "with --reap: the time to end by themselves [2s]" },
	[TERM] = { "term", 0, "DURATION",
	    "with --reap: from SIGTERM to SIGKILL [3s]" },
	[SPARE] = { "spare", 0, "GLOBS",
	    "never end what matches, by name or full command" },
	{ 0 },
};

struct scan {
	bool json;
	bool reap;
	struct cp_options options;
};

/* One option of the launcher's table that is ours too. */
static void
set(struct cp_options *o, const char *key, const char *value)
{
	int i = 0;

	while (strcmp(cp_option_table[i].key, key) != 0)
		i++;
	cp_usage_set(&cp_command_scan, o, i, value);
}

static void
options(struct scan *s, int argc, char *argv[])
{
	const struct cp_command *c = &cp_command_scan;
	int row;

	cp_options_init(&s->options);
	cp_usage_environment(&s->options);
	while ((row = cp_usage_next(c, argc, argv)) != -1) {
		switch (row) {
		case JSON:
			s->json = true;
			break;
		case REAP:
			s->reap = true;
			break;
		case DRY_RUN:
			s->options.dry_run = true;
			break;
		default:
			set(&s->options, flags[row].name, optarg);
		}
	}
	if (optind < argc)
		cp_usage_die(c,
		    "%s: no operand is taken (it looks at all "
		    "processes)",
		    cp_say_name(argv[optind]));
}

static _Noreturn void
die(int error)
{
	if (error == EXDEV)
		errx(CP_EXIT_FAILED,
		    "scan: /proc is of another PID namespace (mount that of "
		    "this one: unshare --mount-proc)");
	errc(CP_EXIT_FAILED, error, "scan: /proc");
}

static int
scan(int argc, char *argv[])
{
	struct scan s = { 0 };
	struct cp_shown shown = { 0 };
	struct cp_survey survey;
	struct cp_list list;
	struct cp_sum sum;
	int status;

	(void)setlocale(LC_CTYPE, "");
	options(&s, argc, argv);
	if (cp_survey_take(s.options.spare, &survey) == -1 ||
	    cp_listed_gather(&survey, &list) == -1)
		die(errno);
	cp_survey_free(&survey);
	if (s.reap && cp_cull(&list, &s.options) == -1)
		die(errno);
	shown = (struct cp_shown){ &list, s.reap, s.options.dry_run };
	status = s.json ? cp_listed_json(&shown) : cp_listed_table(&shown);
	sum = cp_listed_sum(&list);
	cp_listed_free(&list);
	if (status == 0)
		status = cp_usage_finish();
	if (status != 0)
		return CP_EXIT_FAILED;
	return sum.left > 0 ? CP_SCAN_FOUND : 0;
}

const struct cp_command cp_command_scan = {
	.name = "scan",
	.about = "find stdio orphans of hosts without a guard",
	.flags = flags,
	.run = scan,
};
