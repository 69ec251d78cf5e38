/* SPDX-License-Identifier: MIT */
/* A program or object file in memory, to be looked at. */
#ifndef CP_FILE_H
#define CP_FILE_H

#include <stdbool.h>
#include <stddef.h>

struct cp_file {
	void *base;
	size_t len;
	bool setid; /* would run with other ids, or with capabilities */
};

/* Maps the regular file PATH; one without a byte is none.  Returns 0 or -1. */
int cp_file_open(const char *path, struct cp_file *f);

void cp_file_close(struct cp_file *f);

#endif
