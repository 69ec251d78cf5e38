/* SPDX-License-Identifier: MIT */
/* See table.h.  Keeps all rows until they are printed.  Context: cli. */
#include <sys/ioctl.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "table.h"

#define GAP	  2	/* between columns */
#define WIDTH_MAX 10000 /* of a terminal that is to be believed */

struct cell {
	char *text;
	unsigned int width;
	enum cp_colour colour;
};

struct cp_table {
	const struct cp_column *columns;
	size_t n;
	struct cell *cells; /* row by row */
	size_t n_rows;
	size_t size; /* rows that fit */
};

struct cp_style
cp_table_style(FILE *f)
{
	const char *columns = getenv("COLUMNS"), *term = getenv("TERM");
	const char *no_colour = getenv("NO_COLOR"), *bad = NULL;
	struct cp_style style = { 0, false };
	struct winsize size;

	if (!isatty(fileno(f)))
		return style;
	style.colour = (no_colour == NULL || *no_colour == '\0') &&
	    term != NULL && strcmp(term, "dumb") != 0;
	style.width = 80;
	if (ioctl(fileno(f), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		style.width = size.ws_col;
	if (columns != NULL) {
		long long n = strtonum(columns, 1, WIDTH_MAX, &bad);

		if (bad == NULL)
			style.width = (unsigned int)n;
	}
	return style;
}

struct cp_table *
cp_table_new(const struct cp_column *columns, size_t n)
{
	struct cp_table *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->columns = columns;
	t->n = n;
	return t;
}

void
cp_table_free(struct cp_table *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n_rows * t->n; i++)
		free(t->cells[i].text);
	free(t->cells);
	free(t);
}

/* Room for one more row. */
static int
make_room(struct cp_table *t)
{
	size_t size = t->size == 0 ? 16 : 2 * t->size;
	struct cell *cells;

	if (t->n_rows < t->size)
		return 0;
	cells = reallocarray(t->cells, size * t->n, sizeof(*cells));
	if (cells == NULL)
		return -1;
	t->cells = cells;
	t->size = size;
	return 0;
}

int
cp_table_add(struct cp_table *t, const struct cp_cell *cells)
{
	struct cell *row;

	if (make_room(t) == -1)
		return -1;
	row = &t->cells[t->n_rows * t->n];
	for (size_t i = 0; i < t->n; i++) {
		row[i] = (struct cell){ .text = strdup(cells[i].text),
			.width = cp_table_width(cells[i].text),
			.colour = cells[i].colour };
		if (row[i].text != NULL)
			continue;
		while (i-- > 0)
			free(row[i].text);
		return -1;
	}
	t->n_rows++;
	return 0;
}

void
cp_table_say(struct cp_style style, enum cp_colour colour, const char *text,
    FILE *to)
{
	static const char codes[][4] = {
		[CP_RED] = "31",
		[CP_YELLOW] = "33",
		[CP_GREEN] = "32",
		[CP_DIM] = "2",
	};

	if (!style.colour || colour == CP_PLAIN)
		fputs(text, to);
	else
		fprintf(to, "\033[%sm%s\033[0m", codes[colour], text);
}

static unsigned int
natural_width(const struct cp_table *t, size_t column)
{
	unsigned int width = cp_table_width(t->columns[column].title);

	for (size_t r = 0; r < t->n_rows; r++) {
		unsigned int w = t->cells[r * t->n + column].width;

		width = w > width ? w : width;
	}
	return width;
}

/* The widest column that can still give way, or N if there is none. */
static size_t
widest(const struct cp_table *t, const unsigned int *widths)
{
	size_t best = t->n;

	for (size_t i = 0; i < t->n; i++) {
		unsigned int least = t->columns[i].least;

		if (least > 0 && widths[i] > least &&
		    (best == t->n || widths[i] > widths[best]))
			best = i;
	}
	return best;
}

/* By how much the columns that can give way can do so. */
static unsigned long
slack(const struct cp_table *t, const unsigned int *widths)
{
	unsigned long sum = 0;

	for (size_t i = 0; i < t->n; i++)
		if (t->columns[i].least > 0 && widths[i] > t->columns[i].least)
			sum += widths[i] - t->columns[i].least;
	return sum;
}

/* A column without a width is left out. */
static void
fit(const struct cp_table *t, unsigned int width, unsigned int *widths)
{
	unsigned long sum = t->n > 0 ? GAP * (t->n - 1) : 0;
	size_t i;

	for (i = 0; i < t->n; i++) {
		widths[i] = natural_width(t, i);
		sum += widths[i];
	}
	while (width > 0 && i-- > 0 && sum > width + slack(t, widths))
		if (t->columns[i].optional) {
			sum -= widths[i] + GAP;
			widths[i] = 0;
		}
	while (width > 0 && sum > width && (i = widest(t, widths)) < t->n) {
		widths[i]--;
		sum--;
	}
}

static void
pad(unsigned int n, FILE *to)
{
	fprintf(to, "%*s", (int)n, "");
}

/* What is printed, and how. */
struct print {
	const struct cp_table *table;
	const unsigned int *widths;
	struct cp_style style;
	FILE *to;
};

static void
put_cell(const struct print *p, size_t column, const struct cell *cell)
{
	unsigned int room = p->widths[column], width = cell->width;
	bool last = column + 1 == p->table->n;
	char *cut;

	if (room == 0 && p->table->columns[column].optional)
		return;
	cut = width > room ? cp_table_cut(cell->text, room) : NULL;
	if (cut != NULL)
		width = cp_table_width(cut);
	if (width > room)
		width = room; /* no memory to cut it */
	if (p->table->columns[column].right)
		pad(room - width, p->to);
	cp_table_say(p->style, cell->colour, cut != NULL ? cut : cell->text,
	    p->to);
	if (!p->table->columns[column].right && !last)
		pad(room - width, p->to);
	if (last)
		fputc('\n', p->to);
	else
		pad(GAP, p->to);
	free(cut);
}

void
cp_table_print(const struct cp_table *t, struct cp_style style, FILE *to)
{
	unsigned int *widths = calloc(t->n + 1, sizeof(*widths));
	struct print p = { t, widths, style, to };

	if (widths == NULL)
		return;
	fit(t, style.width, widths);
	for (size_t i = 0; i < t->n; i++) {
		struct cell title = {
			.text = (char *)(uintptr_t)t->columns[i].title,
			.width = cp_table_width(t->columns[i].title),
		};

		put_cell(&p, i, &title);
	}
	for (size_t i = 0; i < t->n_rows * t->n; i++)
		put_cell(&p, i % t->n, &t->cells[i]);
	free(widths);
}
