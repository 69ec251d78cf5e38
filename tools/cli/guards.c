/* SPDX-License-Identifier: MIT */
/* The guards that there are, by the names of their sockets; see ask.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"

#define PREFIX	   "@childproof/"
#define GUARDS_MAX 4096

static int
add(struct cp_guards *g, const char *name)
{
	void *more;

	for (size_t i = 0; i < g->n; i++)
		if (strcmp(g->name[i], name) == 0)
			return 0;
	if (g->n == GUARDS_MAX)
		return 0;
	more = reallocarray(g->name, g->n + 1, sizeof(*g->name));
	if (more == NULL)
		return -1;
	g->name = more;
	(void)snprintf(g->name[g->n++], sizeof(*g->name), "%s", name);
	return 0;
}

int
cp_guards_find(struct cp_guards *g)
{
	FILE *f = fopen("/proc/net/unix", "re");
	char *line = NULL, *at;
	size_t size = 0;
	int rc = 0;

	*g = (struct cp_guards){ 0 };
	if (f == NULL)
		return -1;
	while (rc == 0 && getline(&line, &size, f) > 0) {
		line[strcspn(line, "\n")] = '\0';
		at = strstr(line, " " PREFIX);
		if (at != NULL && strlen(at + 2) <= CP_NAME_MAX)
			rc = add(g, at + 2);
	}
	free(line);
	(void)fclose(f);
	if (rc != 0)
		cp_guards_free(g);
	return rc;
}

void
cp_guards_free(struct cp_guards *g)
{
	free(g->name);
	*g = (struct cp_guards){ 0 };
}
