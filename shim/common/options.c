/* SPDX-License-Identifier: MIT */
/*
 * The option table and its parser.  Pure: reads its arguments, writes *O, and
 * calls nothing but memcmp, memcpy and strlen, since the shim parses inside
 * the host (no allocation, no locale, no stdio, errno untouched).  Context of
 * every function: any.
 */
#include <stddef.h>
#include <string.h>

#include "options.h"

#define CP_DURATION_MAX_MS (24u * 60 * 60 * 1000)
#define CP_COUNT_MAX	   1000000u

enum cp_option_form {
	FORM_DURATION,
	FORM_COUNT,
	FORM_SWITCH,
	FORM_WORD,
	FORM_GLOBS,
	FORM_JOURNAL,
};

#define X(key, shape, initial, form, member, help)                             \
	{ key, shape, initial, help },
const struct cp_option cp_option_table[] = {
#include "options.def"
	{ NULL, NULL, NULL, NULL },
};
#undef X

/* Where the option of the same row goes. */
#define X(key, shape, initial, form, member, help)                             \
	{ form, offsetof(struct cp_options, member) },
static const struct {
	uint16_t form;
	uint16_t offset;
} cp_option_place[] = {
#include "options.def"
};
#undef X

static bool
same(const char *text, size_t len, const char *word)
{
	return strlen(word) == len && memcmp(text, word, len) == 0;
}

/*
 * Reads the digits at the start of TEXT, not beyond MAX + 1.  Returns how
 * many there are.
 */
static size_t
number(const char *text, size_t len, uint64_t max, uint64_t *value)
{
	size_t i;
	uint64_t n = 0;

	for (i = 0; i < len && text[i] >= '0' && text[i] <= '9'; i++) {
		n = n * 10 + (uint64_t)(text[i] - '0');
		if (n > max)
			n = max + 1;
	}
	*value = n;
	return i;
}

static const char *
set_duration(uint32_t *ms, const char *text, size_t len)
{
	/* The last is for 0, which needs none. */
	static const struct {
		char name[3];
		uint32_t ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 },
		{ "h", 3600000 }, { "", 0 } };
	uint64_t n;
	size_t digits = number(text, len, CP_DURATION_MAX_MS, &n), i = 0;

	if (digits > 0 && digits == len && n != 0)
		return "a duration without a unit (add ms, s, m or h)";
	while (units[i].ms != 0 &&
	    !same(text + digits, len - digits, units[i].name))
		i++;
	if (digits == 0 || (units[i].ms == 0 && digits < len))
		return "not a duration (try 500ms, 2s, 1m or 1h)";
	if (n * units[i].ms > CP_DURATION_MAX_MS)
		return "too long a duration (24h is the most)";
	*ms = (uint32_t)(n * units[i].ms);
	return NULL;
}

static const char *
set_count(uint32_t *count, const char *text, size_t len)
{
	uint64_t n;

	if (len == 0 || number(text, len, CP_COUNT_MAX, &n) != len ||
	    n > CP_COUNT_MAX)
		return "not a number up to 1000000 (a whole one; 0 is off)";
	*count = (uint32_t)n;
	return NULL;
}

/* Returns the place of TEXT among WORDS ("one|two"), or -1. */
static int
choose(const char *words, const char *text, size_t len)
{
	size_t n;

	for (int i = 0;; i++, words += n + 1) {
		for (n = 0; words[n] != '|' && words[n] != '\0'; n++)
			;
		if (n == len && memcmp(words, text, len) == 0)
			return i;
		if (words[n] == '\0')
			return -1;
	}
}

static const char *
set_switch(bool *on, const char *text, size_t len)
{
	int word = choose("no|0|false|off|yes|1|true|on", text, len);

	if (word < 0)
		return "neither yes nor no (write one of them)";
	*on = word >= 4;
	return NULL;
}

/* SHAPE lists the words in the order of the enum's values. */
static const char *
set_word(uint8_t *to, const char *shape, const char *text, size_t len)
{
	int word = choose(shape, text, len);

	if (word < 0)
		return "not one of its words (childproof --help lists them)";
	*to = (uint8_t)word;
	return NULL;
}

/* TO has room for CP_TEXT_MAX + 1 bytes. */
static const char *
set_text(char *to, const char *text, size_t len)
{
	if (len > CP_TEXT_MAX)
		return "too long a value (511 bytes are the most)";
	memcpy(to, text, len);
	to[len] = '\0';
	return NULL;
}

/* An empty value is the empty list. */
static const char *
set_globs(char *to, const char *text, size_t len)
{
	for (size_t i = 0; i <= len && len > 0; i++)
		if ((i == len || text[i] == ',') &&
		    (i == 0 || text[i - 1] == ','))
			return "an empty glob can't match (take the comma out)";
	return set_text(to, text, len);
}

static const char *
set_journal(char *to, const char *text, size_t len)
{
	/* Every process of the host writes to it, from any directory. */
	if (!same(text, len, "syslog") && !same(text, len, "none") &&
	    (len == 0 || text[0] != '/'))
		return "not an absolute path (use one, or syslog, or none)";
	return set_text(to, text, len);
}

static const char *
set_row(struct cp_options *o, size_t i, const char *value, size_t len)
{
	char *to = (char *)o + cp_option_place[i].offset;

	switch (cp_option_place[i].form) {
	case FORM_DURATION:
		return set_duration((uint32_t *)(void *)to, value, len);
	case FORM_COUNT:
		return set_count((uint32_t *)(void *)to, value, len);
	case FORM_SWITCH:
		return set_switch((bool *)to, value, len);
	case FORM_WORD:
		return set_word((uint8_t *)to, cp_option_table[i].value, value,
		    len);
	case FORM_JOURNAL:
		return set_journal(to, value, len);
	default:
		return set_globs(to, value, len);
	}
}

void
cp_options_init(struct cp_options *o)
{
	const struct cp_option *row = cp_option_table;

	memset(o, 0, sizeof(*o));
	for (size_t i = 0; row[i].key != NULL; i++)
		if (row[i].initial[0] != '\0')
			(void)set_row(o, i, row[i].initial,
			    strlen(row[i].initial));
}

const char *
cp_options_set(struct cp_options *o, const char *key, size_t keylen,
    const char *value, size_t valuelen)
{
	const struct cp_option *row = cp_option_table;
	size_t i = 0;

	while (row[i].key != NULL && !same(key, keylen, row[i].key))
		i++;
	if (row[i].key == NULL)
		return "unknown option (childproof --help lists them)";
	if (value != NULL)
		return set_row(o, i, value, valuelen);
	if (cp_option_place[i].form != FORM_SWITCH)
		return "a value is missing (write key=value)";
	return set_row(o, i, "yes", 3);
}

/*
 * Sets one option from the KEY=VALUE at ITEM, with its quotes taken out as
 * the shell does: ' and " keep everything up to their like, anywhere in the
 * value.
 */
static const char *
set_item(struct cp_options *o, const char *item, size_t len)
{
	const char *equals = memchr(item, '=', len);
	char value[CP_TEXT_MAX + 1], quote = '\0';
	size_t n = 0;

	if (equals == NULL)
		return cp_options_set(o, item, len, NULL, 0);
	for (const char *p = equals + 1; p < item + len; p++) {
		if (quote == '\0' && (*p == '\'' || *p == '"'))
			quote = *p;
		else if (quote == *p)
			quote = '\0';
		else if (n < sizeof(value)) /* a byte too many is set_text's */
			value[n++] = *p;
	}
	if (quote != '\0')
		return "a quote is not closed (add it, at the end)";
	return cp_options_set(o, item, (size_t)(equals - item), value, n);
}

/* Length of the item at TEXT: up to a colon outside of quotes, or the end. */
static size_t
item_length(const char *text)
{
	size_t i;
	char quote = '\0';

	for (i = 0; text[i] != '\0'; i++) {
		if (quote != '\0')
			quote = text[i] == quote ? '\0' : quote;
		else if (text[i] == ':')
			break;
		else if (text[i] == '\'' || text[i] == '"')
			quote = text[i];
	}
	return i;
}

const char *
cp_options_parse(struct cp_options *o, const char *text, const char **bad,
    size_t *badlen)
{
	const char *error = NULL, *why;
	size_t len;

	for (;; text += len + 1) {
		len = item_length(text);
		if (len > 0 && (why = set_item(o, text, len)) != NULL &&
		    error == NULL) {
			error = why;
			*bad = text;
			*badlen = len;
		}
		if (text[len] == '\0')
			return error;
	}
}

const char *
cp_options_check(const struct cp_options *o)
{
	if (o->keep != 0 && o->idle_ms == 0)
		return "keep needs idle (add idle=DURATION)";
	return NULL;
}
