/* SPDX-License-Identifier: MIT */
/* See ends.h. */
#include <stdio.h>
#include <stdlib.h>

#include "../../shim/common/procfs.h"
#include "ends.h"
#include "procs.h"

static size_t
wish(const struct cp_channel channel[2], struct cp_interest out[4])
{
	size_t n = 0;

	for (int k = 0; k < 2; k++) {
		const struct cp_channel *ch = &channel[k];

		if (ch->kind == CP_KIND_NONE)
			continue;
		out[n++] = (struct cp_interest){ ch->kind, ch->child };
		if (ch->kind == CP_KIND_UNIX && ch->host != 0)
			out[n++] = (struct cp_interest){ ch->kind, ch->host };
	}
	return n;
}

int
cp_ends_census(struct cp_channel channel[2], struct cp_census *c)
{
	struct cp_interest set[4];
	bool more = false;

	if (cp_census_take(set, wish(channel, set), c) != 0)
		return -1;
	for (int k = 0; k < 2; k++) {
		struct cp_channel *ch = &channel[k];
		const struct cp_truth *t;

		if (ch->kind != CP_KIND_UNIX || ch->host != 0)
			continue;
		t = cp_census_truth(c, CP_KIND_UNIX, ch->child);
		ch->host = t != NULL ? t->peer_ino : 0;
		more = more || ch->host != 0;
	}
	if (!more)
		return 0;
	cp_census_free(c);
	return cp_census_take(set, wish(channel, set), c);
}

void
cp_ends_of(pid_t pid, struct cp_channel channel[2])
{
	for (int fd = 0; fd < 2; fd++) {
		struct cp_end_id e;

		channel[fd] = (struct cp_channel){ .kind = CP_KIND_NONE };
		if (cp_procfs_end(pid, fd, &e) != 0 || e.kind == CP_KIND_NONE ||
		    e.kind == CP_KIND_PTMX)
			continue;
		channel[fd] = (struct cp_channel){ .kind = e.kind,
			.access = e.access,
			.child = e.ino,
			.host = e.kind == CP_KIND_PIPE ? e.ino :
			    e.kind == CP_KIND_PTY      ? e.birth :
							 0 };
	}
}

/* Is E the end that is the child's?  The ends of a pty have kinds. */
static bool
is_child_end(const struct cp_channel *ch, const struct cp_end *e)
{
	if (ch->kind == CP_KIND_PIPE)
		return e->access == ch->access;
	return e->kind == ch->kind && e->ino == ch->child;
}

static bool
is_of(const struct cp_channel *ch, const struct cp_end *e)
{
	if (e->kind == CP_KIND_PTMX)
		return ch->kind == CP_KIND_PTY && e->ino == ch->child;
	return e->kind == ch->kind &&
	    (e->ino == ch->child ||
		(ch->kind == CP_KIND_UNIX && e->ino == ch->host));
}

static const char *
verb(const struct cp_end *e)
{
	static const char *const text[] = { "has", "reads", "writes",
		"reads and writes" };

	return text[e->access & (CP_READ | CP_WRITE)];
}

/* Who has the ends of one side; returns how many lines. */
static size_t
print_side(const struct cp_channel *ch, const struct cp_census *c, bool childs)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_ends; i++) {
		const struct cp_end *e = &c->ends[i];
		const struct cp_proc *p = &c->procs[e->proc];
		char *command;

		if (!is_of(ch, e) || is_child_end(ch, e) != childs)
			continue;
		command = cp_procs_command(p->pid, "?");
		printf("    %-6s %s on fd %d: %d %s%s\n",
		    childs ? "child" : "host", verb(e), e->fd, (int)p->pid,
		    command != NULL ? command : "?",
		    e->deleted ? " (hung up)" : "");
		free(command);
		n++;
	}
	return n;
}

static const char *
said(enum cp_open open)
{
	return open == CP_OPEN_NO ? "nobody, says the kernel" :
	    open == CP_OPEN_YES	  ? "somebody who can't be seen" :
				    "nobody that can be seen";
}

static enum cp_open
host_side(const struct cp_channel *ch, const struct cp_census *c)
{
	const struct cp_truth *t = cp_census_truth(c, (enum cp_kind)ch->kind,
	    ch->child);

	if (t == NULL)
		return CP_OPEN_UNKNOWN;
	if (ch->kind == CP_KIND_UNIX)
		return (enum cp_open)t->peer;
	return (enum cp_open)(
	    (ch->access & CP_READ) != 0 ? t->writers : t->readers);
}

static void
print_channel(const char *name, const struct cp_channel *ch,
    const struct cp_census *c)
{
	static const char *const kind[] = { "no channel", "pipe", "socket",
		"pty", "pty" };

	if (ch->kind == CP_KIND_NONE) {
		printf("  %-8s no channel to the host\n", name);
		return;
	}
	printf("  %-8s %s %llu\n", name, kind[ch->kind],
	    (unsigned long long)ch->child);
	if (print_side(ch, c, false) == 0)
		printf("    %-6s held by %s\n", "host", said(host_side(ch, c)));
	if (print_side(ch, c, true) == 0)
		printf("    %-6s held by nobody that can be seen\n", "child");
}

void
cp_ends_print(const struct cp_channel channel[2], const struct cp_census *c)
{
	const struct cp_channel *in = &channel[0], *out = &channel[1];

	print_channel("stdin", in, c);
	if (in->kind != CP_KIND_NONE && in->kind == out->kind &&
	    in->child == out->child)
		puts("  stdout   the same");
	else
		print_channel("stdout", out, c);
}
