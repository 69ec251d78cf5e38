/* SPDX-License-Identifier: MIT */
/* See traits.h.  One walk over a process's descriptors, and two small files. */
#include <sys/xattr.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../shim/common/procfs.h"
#include "../../shim/common/raw.h"
#include "../../shim/common/wire.h"
#include "../guard/spare.h"
#include "traits.h"

#define MAX_FDS	    65536 /* as the census */
#define STATUS_SIZE 8192
#define ENVIRON_MAX (2u << 20) /* no more is looked at than execve(2) takes */

int
cp_wishes_add(struct cp_wishes *w, uint8_t kind, uint64_t ino)
{
	size_t size = w->size == 0 ? 64 : 2 * w->size;
	struct cp_interest *p;

	if (w->n == w->size) {
		p = reallocarray(w->at, size, sizeof(*p));
		if (p == NULL)
			return -1;
		w->at = p;
		w->size = size;
	}
	w->at[w->n++] = (struct cp_interest){ .kind = kind, .ino = ino };
	return 0;
}

/*
 * The link of every socket reads the same; its protocol's name does not.  The
 * kernel's own interface to routes and the like serves nobody.
 */
static uint32_t
socket_flags(pid_t pid, const char *fd, uint64_t ino,
    const struct cp_sockets *sockets)
{
	char path[CP_PATH_SIZE], name[32] = "";

	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%s", (int)pid, fd);
	if (getxattr(path, "system.sockprotoname", name, sizeof(name) - 1) ==
	    -1)
		return errno == ENOENT ? 0 : CP_TRAIT_UNKNOWN;
	if (strncmp(name, "UNIX", 4) == 0)
		return cp_sockets_connected(sockets, ino) ? 0 :
							    CP_TRAIT_LISTENS;
	return strcmp(name, "NETLINK") == 0 ? 0 : CP_TRAIT_NETWORK;
}

/* Terminals that are no pty: tty, ttyS0, tty1, console, hvc0. */
static bool
is_console(const char *text)
{
	return strncmp(text, "/dev/tty", 8) == 0 ||
	    strncmp(text, "/dev/console", 12) == 0 ||
	    strncmp(text, "/dev/hvc", 8) == 0;
}

/* Returns 0, or -1 with errno. */
static int
read_link(struct cp_trait *t, int fddir, const char *fd,
    const struct cp_sockets *sockets, struct cp_wishes *w)
{
	struct cp_end_id id;
	char text[64];
	ssize_t len;

	len = readlinkat(fddir, fd, text, sizeof(text) - 1);
	if (len == -1)
		return errno == ENOENT ? 0 : -1;
	text[len] = '\0';
	cp_procfs_parse_link(text, (size_t)len, &id);
	switch (id.kind) {
	case CP_KIND_PIPE:
		return cp_wishes_add(w, id.kind, id.ino);
	case CP_KIND_UNIX:
		t->flags |= socket_flags(t->pid, fd, id.ino, sockets);
		return cp_wishes_add(w, id.kind, id.ino);
	case CP_KIND_PTY:
		if (!id.deleted)
			t->flags |= CP_TRAIT_TERMINAL;
		return 0;
	case CP_KIND_PTMX:
		t->flags |= CP_TRAIT_TERMINAL;
		return 0;
	}
	if (is_console(text))
		t->flags |= CP_TRAIT_TERMINAL;
	return 0;
}

static int
read_descriptors(struct cp_trait *t, const struct cp_sockets *sockets,
    struct cp_wishes *w)
{
	uint64_t buf[1024];
	char path[CP_PATH_SIZE];
	struct cp_dir dir;
	const char *name;
	int fddir, i, result = 0;

	if (cp_procfs_path(path, sizeof(path), t->pid, "/fd") == 0)
		return -1;
	fddir = cp_raw_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
	if (fddir == -1)
		return -1;
	cp_procfs_dir(&dir, fddir, buf, sizeof(buf));
	for (i = 0; i < MAX_FDS && result == 0; i++) {
		if (cp_procfs_next(&dir, &name) == -1) {
			result = errno == 0 ? 0 : -1;
			break;
		}
		result = read_link(t, fddir, name, sockets, w);
	}
	cp_raw_close(fddir);
	return i == MAX_FDS ? -1 : result;
}

/* What follows KEY in the text of a status file, proc_pid_status(5). */
static const char *
field(const char *status, const char *key)
{
	const char *p = strstr(status, key);

	return p == NULL ? NULL : p + strlen(key);
}

static uint32_t
status_flags(pid_t pid)
{
	char path[CP_PATH_SIZE], text[STATUS_SIZE + 1];
	const char *ns, *ignored, *tracer;
	uint32_t flags = 0;
	ssize_t len = -1;

	if (cp_procfs_path(path, sizeof(path), pid, "/status") != 0)
		len = cp_procfs_read(AT_FDCWD, path, text, STATUS_SIZE);
	if (len == -1)
		return CP_TRAIT_UNKNOWN;
	text[len] = '\0';
	tracer = field(text, "\nTracerPid:\t");
	ns = field(text, "\nNSpid:\t");
	ignored = field(text, "\nSigIgn:\t");
	if (tracer == NULL || ns == NULL || ignored == NULL)
		return CP_TRAIT_UNKNOWN;
	if (*tracer != '0')
		flags |= CP_TRAIT_TRACED;
	/* A number for each namespace from ours to its own. */
	if (ns[strcspn(ns, "\t\n")] != '\n')
		flags |= CP_TRAIT_NAMESPACE;
	if (strtoull(ignored, NULL, 16) & (UINT64_C(1) << (SIGHUP - 1)))
		flags |= CP_TRAIT_NOHUP;
	return flags;
}

/* Does the environment that PID was exec'd with name a guard that lives? */
static uint32_t
environment_flags(pid_t pid, const struct cp_sockets *sockets)
{
	static const char key[] = CP_ENV_GUARD "=";
	char path[CP_PATH_SIZE], *item = NULL;
	uint32_t flags = 0;
	size_t size = 0, sum = 0;
	ssize_t len;
	FILE *f;

	if (cp_procfs_path(path, sizeof(path), pid, "/environ") == 0)
		return CP_TRAIT_UNKNOWN;
	f = fopen(path, "re");
	if (f == NULL)
		return CP_TRAIT_UNKNOWN;
	while (sum < ENVIRON_MAX &&
	    (len = getdelim(&item, &size, '\0', f)) != -1) {
		sum += (size_t)len;
		if (strncmp(item, key, strlen(key)) == 0 &&
		    cp_sockets_bound(sockets, item + strlen(key)))
			flags = CP_TRAIT_GUARDED;
	}
	if (ferror(f))
		flags |= CP_TRAIT_UNKNOWN;
	free(item);
	(void)fclose(f);
	return flags;
}

uint64_t
cp_traits_autogroup(pid_t pid)
{
	static const char before[] = "/autogroup-";
	char path[CP_PATH_SIZE], text[64];
	const char *p = text + strlen(before);
	uint64_t number;
	ssize_t len;

	if (cp_procfs_path(path, sizeof(path), pid, "/autogroup") == 0)
		return 0;
	len = cp_procfs_read(AT_FDCWD, path, text, sizeof(text));
	if (len < (ssize_t)strlen(before) ||
	    memcmp(text, before, strlen(before)) != 0 ||
	    !cp_procfs_number(&p, text + len, &number))
		return 0;
	return number;
}

int
cp_traits_read(struct cp_trait *t, const struct cp_sockets *sockets,
    const char *spare, struct cp_wishes *w)
{
	t->autogroup = cp_traits_autogroup(t->pid);
	t->flags = status_flags(t->pid) | environment_flags(t->pid, sockets);
	if (spare[0] != '\0' && cp_spare_matches(spare, t->pid))
		t->flags |= CP_TRAIT_SPARED;
	if (read_descriptors(t, sockets, w) == -1) {
		if (errno == ENOMEM)
			return -1;
		t->flags |= CP_TRAIT_UNKNOWN;
	}
	return 0;
}
