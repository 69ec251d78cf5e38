/* SPDX-License-Identifier: MIT */
/* The texts of table.h: sizes, ages, escapes and cuts.  Context: cli. */
#define LIBBSD_OPENBSD_VIS
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vis.h>
#include <wchar.h>
#include <wctype.h>

#include "table.h"

#define CUT_MARK "..." /* in any locale */

void
cp_table_size(char out[CP_TABLE_SHORT], uint64_t bytes)
{
	static const char units[][3] = { "B", "KB", "MB", "GB", "TB", "PB",
		"EB" };
	double size = (double)bytes;
	size_t unit = 0;

	/* What would be written as 1024 is the next one's 1.0. */
	while (size >= 1023.5) {
		size /= 1024;
		unit++;
	}
	(void)snprintf(out, CP_TABLE_SHORT,
	    unit > 0 && size < 9.95 ? "%.1f %s" : "%.0f %s", size, units[unit]);
}

void
cp_table_age(char out[CP_TABLE_SHORT], uint64_t seconds)
{
	static const struct {
		unsigned int seconds;
		char letter;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	size_t i = 0;

	/* Two of a unit before it is used: 90m says more than 1h. */
	while (units[i].seconds > 1 && seconds < 2ull * units[i].seconds)
		i++;
	seconds /= units[i].seconds;
	if (seconds > 999999)
		seconds = 999999;
	(void)snprintf(out, CP_TABLE_SHORT, "%llu%c",
	    (unsigned long long)seconds, units[i].letter);
}

/*
 * The length of the character at P if a terminal shows it as it is.  What
 * only changes the direction or the look of others (U+202E) is not shown.
 */
static size_t
printable(const char *p, size_t len)
{
	mbstate_t state;
	wchar_t c;
	size_t n;

	memset(&state, 0, sizeof(state));
	n = mbrtowc(&c, p, len, &state);
	if (n == 0 || n > len || !iswprint((wint_t)c) || wcwidth(c) < 0)
		return 0;
	if (n > 1 &&
	    ((c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
		(c >= 0x2060 && c <= 0x206f) || c == 0xfeff))
		return 0;
	return n;
}

/*
 * libbsd's own strvisx() passes on bytes that are no character, which neither
 * a terminal nor JSON can take: it gets single bytes, without a locale.
 */
char *
cp_table_visible(const char *bytes, size_t len)
{
	char *text = calloc(len + 1, 4), *to = text;
	size_t n;

	for (size_t i = 0; text != NULL && i < len; i += n) {
		n = printable(bytes + i, len - i);
		if (n > 1) {
			memcpy(to, bytes + i, n);
			to += n;
			continue;
		}
		n = 1;
		to = vis(to, (unsigned char)bytes[i],
		    VIS_CSTYLE | VIS_TAB | VIS_NL | VIS_NOLOCALE,
		    i + 1 < len ? (unsigned char)bytes[i + 1] : 0);
	}
	return text;
}

/* The length of the character at P, and its width; a broken one is a byte. */
static size_t
step(const char *p, unsigned int *width)
{
	mbstate_t state;
	wchar_t c;
	size_t len;
	int w;

	memset(&state, 0, sizeof(state));
	len = mbrtowc(&c, p, strlen(p), &state);
	if (len == 0 || len == (size_t)-1 || len == (size_t)-2) {
		*width = 1;
		return 1;
	}
	w = wcwidth(c);
	*width = w < 0 ? 1 : (unsigned int)w;
	return len;
}

unsigned int
cp_table_width(const char *text)
{
	unsigned int sum = 0, width;

	for (; *text != '\0'; sum += width)
		text += step(text, &width);
	return sum;
}

/* How many bytes of TEXT fit into WIDTH columns. */
static size_t
head(const char *text, unsigned int width)
{
	const char *p = text;
	unsigned int w;
	size_t len;

	while (*p != '\0') {
		len = step(p, &w);
		if (w > width)
			break;
		width -= w;
		p += len;
	}
	return (size_t)(p - text);
}

/* Where the end of TEXT, whose width is ALL, begins that fits into WIDTH. */
static const char *
tail(const char *text, unsigned int all, unsigned int width)
{
	unsigned int w;

	while (all > width) {
		text += step(text, &w);
		all -= w;
	}
	/* What combines with a character that is gone goes with it. */
	while (*text != '\0') {
		size_t len = step(text, &w);

		if (w != 0)
			break;
		text += len;
	}
	return text;
}

char *
cp_table_cut(const char *text, unsigned int width)
{
	unsigned int all = cp_table_width(text), mark = strlen(CUT_MARK);
	unsigned int left;
	char *out;

	if (all <= width)
		return strdup(text);
	if (width <= mark)
		return strndup(text, head(text, width));
	/* A command is known by its beginning and by its last argument. */
	left = (width - mark + 1) / 2;
	if (asprintf(&out, "%.*s%s%s", (int)head(text, left), text, CUT_MARK,
		tail(text, all, width - mark - left)) == -1)
		return NULL;
	return out;
}
