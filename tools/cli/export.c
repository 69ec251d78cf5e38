/* SPDX-License-Identifier: MIT */
/*
 * The values of CHILDPROOF_OPTIONS and LD_PRELOAD for the host.  Owns nothing.
 * Context: cli.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export.h"

/* Separators of LD_PRELOAD, ld.so(8). */
#define CP_PRELOAD_SEPARATORS " :"

/* Text that grows; its memory comes from open_memstream(3). */
struct list {
	FILE *f;
	const char *separator;
};

static void
item(struct list *l)
{
	fputs(l->separator, l->f);
	l->separator = ":";
}

static void
put_duration(struct list *l, const char *key, uint32_t ms, uint32_t initial)
{
	if (ms == initial)
		return;
	item(l);
	if (ms % 1000 == 0)
		fprintf(l->f, "%s=%us", key, ms / 1000);
	else
		fprintf(l->f, "%s=%ums", key, ms);
}

static void
put_count(struct list *l, const char *key, uint32_t n)
{
	if (n == 0)
		return;
	item(l);
	fprintf(l->f, "%s=%u", key, n);
}

static void
put_word(struct list *l, const char *key, const char *word, const char *initial)
{
	if (strcmp(word, initial) == 0)
		return;
	item(l);
	fprintf(l->f, "%s=", key);
	if (strpbrk(word, ":'\"") == NULL) {
		fputs(word, l->f);
		return;
	}
	fputc('\'', l->f);
	for (; *word != '\0'; word++) {
		if (*word == '\'')
			fputs("'\"'\"'", l->f);
		else
			fputc(*word, l->f);
	}
	fputc('\'', l->f);
}

static void
put_switch(struct list *l, const char *key, bool on, bool initial)
{
	put_word(l, key, on ? "yes" : "no", initial ? "yes" : "no");
}

char *
cp_export_options(const struct cp_options *o)
{
	static const char *const pdeathsig[] = { "auto", "always", "off" };
	struct list l = { NULL, "" };
	struct cp_options d;
	char *text = NULL;
	size_t len;

	l.f = open_memstream(&text, &len);
	if (l.f == NULL)
		return NULL;
	cp_options_init(&d);
	put_duration(&l, "grace", o->grace_ms, d.grace_ms);
	put_duration(&l, "exit-grace", o->exit_grace_ms, d.exit_grace_ms);
	put_duration(&l, "term", o->term_ms, d.term_ms);
	put_count(&l, "keep", o->keep);
	put_duration(&l, "idle", o->idle_ms, d.idle_ms);
	put_count(&l, "limit", o->limit);
	put_word(&l, "spare", o->spare, d.spare);
	put_word(&l, "children",
	    o->children == CP_CHILDREN_ALL ? "all" : "stdio", "stdio");
	put_word(&l, "pdeathsig", pdeathsig[o->pdeathsig], pdeathsig[0]);
	put_switch(&l, "inherit", o->inherit, d.inherit);
	put_switch(&l, "inject", o->inject, d.inject);
	put_switch(&l, "dry-run", o->dry_run, d.dry_run);
	put_word(&l, "journal", o->journal, d.journal);
	put_switch(&l, "verbose", o->verbose, d.verbose);
	if (fclose(l.f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* Compares the base name of the entry (LEN bytes) with what NAME begins. */
static bool
base_starts(const char *entry, size_t len, const char *name)
{
	const char *slash = memrchr(entry, '/', len);

	if (slash != NULL) {
		len -= (size_t)(slash + 1 - entry);
		entry = slash + 1;
	}
	return len >= strlen(name) && memcmp(entry, name, strlen(name)) == 0;
}

static bool
is_asan(const char *entry, size_t len)
{
	return base_starts(entry, len, "libasan.") ||
	    base_starts(entry, len, "libclang_rt.asan");
}

/* Puts those entries of OLD that are (or are not) a sanitizer's. */
static void
put_entries(struct list *l, const char *old, bool asan)
{
	size_t len;

	for (; *old != '\0'; old += len) {
		old += strspn(old, CP_PRELOAD_SEPARATORS);
		len = strcspn(old, CP_PRELOAD_SEPARATORS);
		if (len == 0 || is_asan(old, len) != asan ||
		    base_starts(old, len, "libchildproof.so"))
			continue;
		item(l);
		fwrite(old, 1, len, l->f);
	}
}

char *
cp_export_preload(const char *shim, const char *old)
{
	struct list l = { NULL, "" };
	char *text = NULL;
	size_t len;

	l.f = open_memstream(&text, &len);
	if (l.f == NULL)
		return NULL;
	if (old != NULL)
		put_entries(&l, old, true);
	if (shim != NULL) {
		item(&l);
		fputs(shim, l.f);
	}
	if (old != NULL)
		put_entries(&l, old, false);
	if (fclose(l.f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
