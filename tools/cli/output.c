/* SPDX-License-Identifier: MIT */
/* See output.h. */
#include <sys/stat.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "output.h"

/* What is no regular file (a pipe, /dev/null) can't be replaced. */
static int
open_directly(struct cp_output *o, const char *name)
{
	o->f = strcmp(name, "-") == 0 ? stdout : fopen(name, "we");
	return o->f != NULL ? 0 : -1;
}

/* Where a link leads: the link is to stay one. */
static char *
target_of(const char *name)
{
	char *path = realpath(name, NULL);

	return path != NULL || errno != ENOENT ? path : strdup(name);
}

/* Mode 0600, as the journal has: arguments can hold secrets. */
static int
open_beside(struct cp_output *o, const char *name)
{
	int fd;

	o->path = target_of(name);
	if (o->path == NULL || asprintf(&o->temp, "%s.XXXXXX", o->path) == -1) {
		o->temp = NULL;
		return -1;
	}
	fd = mkstemp(o->temp);
	if (fd == -1) {
		free(o->temp);
		o->temp = NULL;
		return -1;
	}
	o->f = fdopen(fd, "w");
	if (o->f == NULL)
		(void)close(fd);
	return o->f != NULL ? 0 : -1;
}

int
cp_output_open(struct cp_output *o, const char *name)
{
	struct stat st;
	int rc, saved;

	*o = (struct cp_output){ 0 };
	if (strcmp(name, "-") == 0 ||
	    (stat(name, &st) == 0 && !S_ISREG(st.st_mode)))
		rc = open_directly(o, name);
	else
		rc = open_beside(o, name);
	if (rc != 0) {
		saved = errno;
		cp_output_abandon(o);
		errno = saved;
	}
	return rc;
}

int
cp_output_flush(struct cp_output *o)
{
	FILE *f = o->f;
	bool bad = fflush(f) != 0 || ferror(f);

	if (f != stdout) {
		o->f = NULL;
		bad |= fclose(f) != 0;
	}
	return bad ? -1 : 0;
}

int
cp_output_commit(struct cp_output *o)
{
	if (o->temp != NULL && rename(o->temp, o->path) != 0)
		return -1;
	free(o->temp);
	o->temp = NULL;
	cp_output_abandon(o);
	return 0;
}

void
cp_output_abandon(struct cp_output *o)
{
	if (o->f != NULL && o->f != stdout)
		(void)fclose(o->f);
	if (o->temp != NULL)
		(void)unlink(o->temp);
	free(o->temp);
	free(o->path);
	*o = (struct cp_output){ 0 };
}
