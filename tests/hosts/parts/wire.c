/* SPDX-License-Identifier: MIT */
/*
 * The spec of a spawn as text, and the channels it asks for.  Ends the program
 * on any failure: a scenario that could not be set up proves nothing.
 */
#define _GNU_SOURCE
#include <sys/socket.h>

#include <err.h>
#include <fcntl.h>
#include <pty.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spawn.h"

static const struct {
	const char *name;
	unsigned bit;
} with_words[] = {
	{ "setsid", WITH_SETSID },
	{ "setpgid", WITH_SETPGID },
	{ "noenv", WITH_NOENV },
	{ "noclo", WITH_NOCLO },
	{ "leaky", WITH_NOCLO | WITH_LEAKY },
	{ "double", WITH_DOUBLE },
	{ "text", WITH_TEXT },
	{ "around", WITH_AROUND },
	{ "reopen", WITH_REOPEN },
	{ "oneway", WITH_ONEWAY },
};

static int
spec_with(struct spec *spec, const char *word)
{
	for (size_t i = 0; i < sizeof(with_words) / sizeof(with_words[0]); i++)
		if (strcmp(word, with_words[i].name) == 0) {
			spec->with |= with_words[i].bit;
			return 0;
		}
	return -1;
}

static int
spec_word(struct spec *spec, const char *key, const char *value)
{
	const struct {
		const char *key;
		char *to;
	} words[] = {
		{ "how", spec->how },
		{ "wire", spec->wire },
		{ "from", spec->from },
		{ "exec", spec->exec },
		{ "prog", spec->prog },
		{ "mode", spec->mode },
	};

	if (strcmp(key, "with") == 0)
		return spec_with(spec, value);
	if (strcmp(key, "n") == 0) {
		spec->n = atoi(value);
		return spec->n > 0 ? 0 : -1;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(key, words[i].key) == 0 &&
		    strlen(value) < sizeof(spec->how)) {
			strcpy(words[i].to, value);
			return 0;
		}
	return -1;
}

int
spec_parse(struct spec *spec, const char *text)
{
	static const struct spec initial = { .how = "fork", .wire = "pipe",
	    .from = "main", .exec = "execve", .prog = "ward",
	    .mode = "stubborn", .n = 1 };
	char copy[512], *rest = copy, *word, *value;

	if (strlen(text) >= sizeof(copy))
		return -1;
	strcpy(copy, text);
	*spec = initial;
	while ((word = strsep(&rest, ",")) != NULL) {
		value = strchr(word, '=');
		if (value == NULL)
			return -1;
		*value++ = '\0';
		if (spec_word(spec, word, value) == -1)
			return -1;
	}
	return 0;
}

static void
cloexec(int fd)
{
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) == -1)
		err(1, "FD_CLOEXEC");
}

/* pipe(2) and pipe2(2) are two entry points: noclo takes the older one. */
static void
make_pipe(bool keep, int *reader, int *writer)
{
	int fds[2];

	if ((keep ? pipe(fds) : pipe2(fds, O_CLOEXEC)) == -1)
		err(1, "pipe");
	*reader = fds[0];
	*writer = fds[1];
}

static void
make_pair(bool keep, int *child, int *host)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | (keep ? 0 : SOCK_CLOEXEC), 0,
	    fds) == -1)
		err(1, "socketpair");
	*host = fds[0];
	*child = fds[1];
}

static void
make_pty(bool keep, struct wire *w)
{
	if (openpty(&w->host_in, &w->in, NULL, NULL, NULL) == -1)
		err(1, "openpty");
	w->out = w->in;
	w->host_out = w->host_in;
	if (!keep) {
		cloexec(w->host_in);
		cloexec(w->in);
	}
}

static int
open_file(const char *path)
{
	int fd;

	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd == -1)
		err(1, "%s", path);
	return fd;
}

void
wire_make(const struct spec *spec, struct wire *w)
{
	const char *kind = spec->wire;
	bool keep = (spec->with & WITH_NOCLO) != 0;

	*w = (struct wire){ -1, -1, -1, -1 };
	if (strcmp(kind, "pipe") == 0) {
		make_pipe(keep, &w->in, &w->host_in);
		make_pipe(keep, &w->host_out, &w->out);
	} else if (strcmp(kind, "reader") == 0) {
		make_pipe(keep, &w->in, &w->host_in);
	} else if (strcmp(kind, "writer") == 0) {
		make_pipe(keep, &w->host_out, &w->out);
	} else if (strcmp(kind, "socketpair") == 0) {
		make_pair(keep, &w->in, &w->host_in);
		w->out = w->in;
		w->host_out = w->host_in;
	} else if (strcmp(kind, "socketpair2") == 0) {
		make_pair(keep, &w->in, &w->host_in);
		make_pair(keep, &w->out, &w->host_out);
	} else if (strcmp(kind, "pty") == 0) {
		make_pty(keep, w);
	} else if (strcmp(kind, "null") == 0) {
		w->in = w->out = open_file("/dev/null");
	} else if (strcmp(kind, "file") == 0) {
		w->in = open_file("/dev/null");
		w->out = open_file("daemon.log");
	} else if (strcmp(kind, "inherit") != 0 && strcmp(kind, "own") != 0) {
		errx(2, "no wire %s", kind);
	}
}

void
wire_handed_over(const struct wire *w)
{
	if (w->in != -1)
		close(w->in);
	if (w->out != -1 && w->out != w->in)
		close(w->out);
}
