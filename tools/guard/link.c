/* SPDX-License-Identifier: MIT */
/* See link.h. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "../../shim/common/procfs.h"
#include "link.h"
#include "process.h"
#include "sockdiag.h"

/* In a ward that has more there may be a link. */
#define LINES_MAX 1024

/* What may be a link: the ward's end, and what the host has of it. */
struct line {
	struct cp_end_id end;
	uint64_t peer; /* inode of the opposite end, 0 unknown */
	bool across;   /* the host holds the opposite end */
	bool shared;   /* the host holds this very end */
};

struct lines {
	struct line at[LINES_MAX];
	size_t n;
	bool unknown; /* not all could be looked at */
};

/* Calls EACH for every end that the process has; -1 if that can't be seen. */
static int
walk(pid_t pid, void (*each)(struct lines *, int, const struct cp_end_id *),
    struct lines *lines)
{
	_Alignas(uint64_t) char buf[4096];
	char path[CP_PATH_SIZE];
	struct cp_end_id end;
	struct cp_dir dir;
	const char *name;
	int fddir, fd, saved;

	if (cp_procfs_path(path, sizeof(path), cp_process_shown(pid), "/fd") ==
	    0)
		return -1;
	fddir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fddir == -1)
		return -1;
	cp_procfs_dir(&dir, fddir, buf, sizeof(buf));
	while ((fd = cp_procfs_next(&dir, &name)) != -1)
		if (cp_procfs_end_at(fddir, name, &end) == 0 &&
		    (end.kind == CP_KIND_PIPE || end.kind == CP_KIND_UNIX))
			each(lines, fd, &end);
	saved = errno;
	close(fddir);
	return saved == 0 ? 0 : -1;
}

/* Siblings inherit each other's ends by accident. */
static bool
is_channel(const struct cp_end_id *end)
{
	for (const struct cp_ward *w = cp_facts_next_ward(NULL); w != NULL;
	     w = cp_facts_next_ward(w))
		for (int k = 0; k < 2; k++)
			if (w->channel[k].kind == end->kind &&
			    (w->channel[k].child == end->ino ||
				w->channel[k].host == end->ino))
				return true;
	return false;
}

static void
add(struct lines *lines, int fd, const struct cp_end_id *end)
{
	if (fd < 3 || is_channel(end))
		return;
	if (lines->n == LINES_MAX) {
		lines->unknown = true;
		return;
	}
	lines->at[lines->n++] = (struct line){ .end = *end,
		.peer = end->kind == CP_KIND_PIPE ? end->ino : 0 };
}

static void
add_of(struct lines *lines, pid_t pid, uint64_t start)
{
	struct cp_stat st;

	if (cp_procfs_stat(pid, &st) != 0 || st.start != start ||
	    cp_process_is_over(&st))
		return;
	/* What ends meanwhile has none. */
	if (walk(pid, add, lines) != 0 && cp_procfs_stat(pid, &st) == 0 &&
	    st.start == start && !cp_process_is_over(&st))
		lines->unknown = true;
}

static void
add_peer(void *arg, uint64_t ino, enum cp_open peer, uint64_t peer_ino)
{
	struct lines *lines = arg;

	for (size_t i = 0; i < lines->n; i++)
		if (lines->at[i].end.kind == CP_KIND_UNIX &&
		    lines->at[i].end.ino == ino && peer == CP_OPEN_YES)
			lines->at[i].peer = peer_ino;
}

static bool
has_sockets(const struct lines *lines)
{
	for (size_t i = 0; i < lines->n; i++)
		if (lines->at[i].end.kind == CP_KIND_UNIX)
			return true;
	return false;
}

/* END is the host's. */
static void
match(struct lines *lines, int fd, const struct cp_end_id *end)
{
	(void)fd;
	for (size_t i = 0; i < lines->n; i++) {
		struct line *l = &lines->at[i];
		bool same = end->ino == l->end.ino;

		if (end->kind != l->end.kind)
			continue;
		if (end->kind == CP_KIND_PIPE)
			same = same && (end->access & l->end.access) != 0;
		if (same)
			l->shared = true;
		else if (l->peer != 0 && end->ino == l->peer)
			l->across = true;
	}
}

bool
cp_link_found(const struct cp_ward *w)
{
	static struct lines lines; /* large, and needed by nobody else */
	const struct cp_member *m;

	lines.n = 0;
	lines.unknown = false;
	add_of(&lines, w->pid, w->start);
	SLIST_FOREACH(m, &w->members, link)
		add_of(&lines, m->pid, m->start);
	if (lines.n == 0 && !lines.unknown)
		return false;
	if (has_sockets(&lines) && cp_sockdiag_unix(add_peer, &lines) != 0)
		lines.unknown = true;
	if (lines.unknown || walk(w->host->pid, match, &lines) != 0)
		return true;
	for (size_t i = 0; i < lines.n; i++)
		if (lines.at[i].across && !lines.at[i].shared)
			return true;
	return false;
}
