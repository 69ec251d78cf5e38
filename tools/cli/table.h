/* SPDX-License-Identifier: MIT */
/*
 * Listings for people: aligned columns that fit the terminal, colour where it
 * is wanted, sizes and ages one can read.  Widths are those of wcwidth(3), so
 * setlocale(3) comes first.  Context: cli.
 */
#ifndef CP_TABLE_H
#define CP_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum cp_colour {
	CP_PLAIN = 0,
	CP_RED,
	CP_YELLOW,
	CP_GREEN,
	CP_DIM,
};

struct cp_column {
	const char *title;
	bool right;    /* aligned to the right, as numbers are */
	bool optional; /* left out if there is still no room, the last first */
	/*
	 * May be cut in the middle if there is no room, down to this many
	 * columns of the screen; 0: never.  The widest gives way first.
	 */
	unsigned int least;
};

struct cp_cell {
	const char *text; /* printable, as by cp_table_visible */
	enum cp_colour colour;
};

struct cp_style {
	unsigned int width; /* 0: no limit */
	bool colour;
};

struct cp_table;

/*
 * The style for F: the width of the terminal (or COLUMNS) and colour if F is
 * one and neither NO_COLOR nor TERM=dumb is set, else neither.
 */
struct cp_style cp_table_style(FILE *f);

/* A table of N columns, whose array is not copied.  NULL with ENOMEM. */
struct cp_table *cp_table_new(const struct cp_column *columns, size_t n);
void cp_table_free(struct cp_table *t);

/* Adds a row of as many cells; texts are copied.  0, or -1 with ENOMEM. */
int cp_table_add(struct cp_table *t, const struct cp_cell *cells);

/* Titles and rows.  Errors are left to ferror(3). */
void cp_table_print(const struct cp_table *t, struct cp_style style, FILE *to);

/* TEXT in COLOUR, if there is to be any. */
void cp_table_say(struct cp_style style, enum cp_colour colour,
    const char *text, FILE *to);

/* How many columns of the screen TEXT takes. */
unsigned int cp_table_width(const char *text);

/*
 * TEXT in at most WIDTH columns, what is too much cut out of the middle; to
 * be freed.  NULL with ENOMEM.
 */
char *cp_table_cut(const char *text, unsigned int width);

/*
 * LEN bytes that may be anything, so that they do nothing to a terminal and
 * stay on one line, vis(3); to be freed.  NULL with ENOMEM.
 */
char *cp_table_visible(const char *bytes, size_t len);

/* "512 B", "1.5 KB", "210 MB": 1024 each.  "3s", "12m", "5h", "12d". */
#define CP_TABLE_SHORT 12
void cp_table_size(char out[CP_TABLE_SHORT], uint64_t bytes);
void cp_table_age(char out[CP_TABLE_SHORT], uint64_t seconds);

#endif
