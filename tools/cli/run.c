/* SPDX-License-Identifier: MIT */
/*
 * The launcher: finds the parts, puts the shim into the environment, has a
 * guard running, and execs the command, which so keeps our PID.  Only the
 * command's own absence stops it: with parts missing the host runs all the
 * same, and stderr, which is the host's, hears of it only under `verbose`.
 * Context: cli, single-threaded.
 */
#include <sys/time.h>

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../shim/common/start.h"
#include "../../shim/common/wire.h"
#include "export.h"
#include "parts.h"
#include "path.h"
#include "run.h"
#include "say.h"
#include "target.h"

#define CP_ENV_PRELOAD "LD_PRELOAD"

struct run {
	const struct cp_options *options;
	const char *command;
	const char *census; /* why a census is needed, or NULL */
	bool preload;	    /* the shim goes into the environment */
	struct cp_parts parts;
	char name[CP_NAME_MAX + 1]; /* the guard's socket */
};

static void __attribute__((format(printf, 2, 3)))
note(const struct run *r, const char *format, ...)
{
	char *text;
	va_list ap;

	if (!r->options->verbose)
		return;
	va_start(ap, format);
	if (vasprintf(&text, format, ap) == -1)
		text = NULL;
	va_end(ap);
	cp_say("%s", text != NULL ? text : "out of memory");
	free(text);
}

/* Decides between the shim and the census, or both. */
static void
choose_means(struct run *r, const char *path)
{
	enum cp_reach reach = cp_target_look(path);
	const char *problem;

	r->preload = cp_target_preload(reach);
	if (reach != CP_REACH_YES)
		r->census = cp_target_why(reach);
	problem = cp_parts_shim_problem(&r->parts);
	if (problem != NULL) {
		r->preload = false;
		r->census = problem;
	}
}

/* Connects a socket to guard NAME, or returns -1 with errno. */
static int
guard_connect(const char *name)
{
	struct sockaddr_un sun;
	struct timeval limit = { .tv_sec = 1 };
	socklen_t len = cp_wire_address(name, &sun);
	int fd, saved;

	if (len == 0) {
		errno = EINVAL;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&sun, len) == 0)
		return fd;
	saved = errno;
	(void)close(fd);
	errno = saved;
	return -1;
}

/* Takes over the guard of an outer childproof, if it answers. */
static bool
guard_inherit(struct run *r)
{
	const char *outer = getenv(CP_ENV_GUARD);
	int fd;

	if (outer == NULL || (fd = guard_connect(outer)) < 0)
		return false;
	(void)close(fd);
	/* It fits, or it could not have been connected to. */
	strlcpy(r->name, outer, sizeof(r->name));
	note(r, "guard: that of an outer childproof is used, with its options");
	return true;
}

/* Sets KEY to VALUE, or removes it if that is empty; frees VALUE. */
static int
put_env(const char *key, char *value)
{
	int rc;

	if (value == NULL)
		return -1;
	rc = value[0] != '\0' ? setenv(key, value, 1) : unsetenv(key);
	free(value);
	return rc;
}

static int
set_environment(const struct run *r)
{
	if (setenv(CP_ENV_GUARD, r->name, 1) != 0 ||
	    put_env(CP_ENV_OPTIONS, cp_export_options(r->options)) != 0)
		return -1;
	return put_env(CP_ENV_PRELOAD,
	    cp_export_preload(r->preload ? r->parts.shim : NULL,
		getenv(CP_ENV_PRELOAD)));
}

static void
guard_start(const struct run *r)
{
	/*
	 * The name stays in the environment either way: the shim tries it
	 * once more at its first ward, and journals what went wrong.
	 */
	if (cp_guard_start(r->name, r->parts.guard, environ) != 0 &&
	    errno != EADDRINUSE)
		note(r, "guard: not started: %s: %s (install it again)",
		    r->parts.guard, strerror(errno));
}

/* Asks the guard to watch us: the kernel attests who we are. */
static void
ask_census(const struct run *r)
{
	struct cp_msg msg = {
		.magic = CP_WIRE_MAGIC,
		.type = CP_MSG_CENSUS_HOST,
	};
	int fd = guard_connect(r->name);

	if (fd < 0 || send(fd, &msg, sizeof(msg), MSG_NOSIGNAL) < 0)
		note(r, "%s: not guarded: no guard answers: %s", r->command,
		    strerror(errno));
	else
		note(r, "%s: guarded by census: %s", r->command, r->census);
	if (fd >= 0)
		(void)close(fd);
}

int
cp_run(const struct cp_options *o, char *const argv[])
{
	struct run r = { .options = o, .command = argv[0] };
	char path[PATH_MAX];
	bool inherited;
	int error = cp_path_find(argv[0], path, sizeof(path));

	if (error != 0)
		return cp_path_cannot(argv[0], error);
	cp_parts_find(&r.parts);
	choose_means(&r, path);
	inherited = guard_inherit(&r);
	if ((!inherited && cp_guard_name(getpid(), r.name) != 0) ||
	    set_environment(&r) != 0) {
		cp_say("%s: not started: %s", argv[0], strerror(errno));
		return CP_EXIT_FAILED;
	}
	if (!inherited)
		guard_start(&r);
	if (r.census != NULL)
		ask_census(&r);
	else
		note(&r, "%s: guarded by the shim", argv[0]);
	/* What was judged is what runs; execvp, for text without "#!". */
	execvp(path, argv);
	return cp_path_cannot(argv[0], errno);
}
