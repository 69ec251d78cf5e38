/* SPDX-License-Identifier: MIT */
/* See shut.h. */
#define _GNU_SOURCE
#include <err.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "shut.h"

#define ENDS_MAX 256
#define LONG_MS	 10000

static struct ends {
	int group;
	int in;
	int out;
	int echoes;
} all[ENDS_MAX];
static int n_all;

void
ends_keep(int group, const struct job *job)
{
	if (n_all == ENDS_MAX)
		errx(1, "too many wards");
	all[n_all++] = (struct ends){ group, job->wire.host_in,
	    job->wire.host_out, strcmp(job->spec->mode, "echo") == 0 };
}

long
ends_shut(int group)
{
	struct timespec now;

	for (int i = 0; i < n_all; i++) {
		struct ends *e = &all[i];

		if (e->group != group)
			continue;
		if (e->in != -1)
			close(e->in);
		if (e->out != -1 && e->out != e->in)
			close(e->out);
		e->echoes = 0;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void
ends_ask(void)
{
	for (int i = 0; i < n_all; i++) {
		struct pollfd p = { .fd = all[i].out, .events = POLLIN };
		char c = 0;

		if (!all[i].echoes)
			continue;
		if (write(all[i].in, "?", 1) != 1)
			err(1, "a ward hears nothing");
		if (poll(&p, 1, LONG_MS) != 1 || read(p.fd, &c, 1) != 1 ||
		    c != '?')
			errx(1, "a ward does not answer");
	}
}
