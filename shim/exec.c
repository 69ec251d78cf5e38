/* SPDX-License-Identifier: MIT */
/*
 * The exec family.  Each name is a hook of its own, since the libc's inner
 * calls do not come through the others.  All run in fork and vfork children as
 * well as in hosts: no allocation, arrays on the stack only.
 */
#include <alloca.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

#include "child.h"
#include "config.h"
#include "owner.h"
#include "real.h"

enum form {
	BY_PATH,   /* execv, execl; execve, execle with envp */
	BY_SEARCH, /* execvp, execlp; execvpe with envp */
	BY_AT,	   /* execveat */
	BY_FD,	   /* fexecve */
};

struct call {
	enum form form;
	int fd;
	int flags;
	const char *path;
	char *const *argv;
	char *const *envp; /* only if `given` */
	bool given;
};

/* ENVP NULL: the form without one, which reads environ itself. */
static int
call_real(const struct call *c, char *const *envp, bool given)
{
	switch (c->form) {
	case BY_AT:
		return cp_real(
		    execveat)(c->fd, c->path, c->argv, envp, c->flags);
	case BY_FD:
		return cp_real(fexecve)(c->fd, c->argv, envp);
	case BY_SEARCH:
		return given ? cp_real(execvpe)(c->path, c->argv, envp) :
			       cp_real(execvp)(c->path, c->argv);
	default:
		return given ? cp_real(execve)(c->path, c->argv, envp) :
			       cp_real(execv)(c->path, c->argv);
	}
}

static int
run_as_child(const struct call *c, enum cp_where where, char *const *envp,
    bool given)
{
	/* A search by the libc, or a descriptor: nothing can be said before. */
	const struct cp_command cmd = { .program = c->form == BY_FD &&
			c->argv != NULL ?
		    c->argv[0] :
		    c->path,
		.argv = c->argv,
		.by_path = c->form == BY_PATH || c->form == BY_AT,
		.dir = c->form == BY_AT ? c->fd : AT_FDCWD,
		.flags = c->flags };
	struct cp_child child;
	int rc;

	rc = cp_child_prepare(&child, where, &cmd);
	if (rc != 0) {
		errno = rc;
		return -1;
	}
	rc = call_real(c, envp, given);
	cp_child_undo(&child, &cmd);
	return rc;
}

/* ENVP is environ, or what the caller gave. */
static int
run(const struct call *c)
{
	enum cp_where where = cp_where();
	char *const *envp = c->given ? c->envp : environ;
	struct cp_preload facts;
	struct cp_room room;
	char **out, *text;

	if (where == CP_UNCLAIMED)
		return call_real(c, envp, c->given);
	facts = cp_preload_facts(where != CP_OWNER);
	room = cp_preload_room(&facts, envp);
	if (room.pointers == 0)
		return run_as_child(c, where, envp, c->given);
	out = alloca(room.pointers * sizeof(*out));
	text = alloca(room.text);
	cp_preload_build(&facts, envp, out, text);
	return run_as_child(c, where, out, true);
}

CP_EXPORT int
execve(const char *path, char *const argv[], char *const envp[])
{
	return run(&(struct call){ .form = BY_PATH,
	    .path = path,
	    .argv = argv,
	    .envp = envp,
	    .given = true });
}

CP_EXPORT int
execv(const char *path, char *const argv[])
{
	return run(
	    &(struct call){ .form = BY_PATH, .path = path, .argv = argv });
}

CP_EXPORT int
execvp(const char *file, char *const argv[])
{
	return run(
	    &(struct call){ .form = BY_SEARCH, .path = file, .argv = argv });
}

CP_EXPORT int
execvpe(const char *file, char *const argv[], char *const envp[])
{
	return run(&(struct call){ .form = BY_SEARCH,
	    .path = file,
	    .argv = argv,
	    .envp = envp,
	    .given = true });
}

CP_EXPORT int
execveat(int fd, const char *path, char *const argv[], char *const envp[],
    int flags)
{
	return run(&(struct call){ .form = BY_AT,
	    .fd = fd,
	    .flags = flags,
	    .path = path,
	    .argv = argv,
	    .envp = envp,
	    .given = true });
}

CP_EXPORT int
fexecve(int fd, char *const argv[], char *const envp[])
{
	return run(&(struct call){ .form = BY_FD,
	    .fd = fd,
	    .argv = argv,
	    .envp = envp,
	    .given = true });
}

/*
 * The variadic ones.  The array is filled in the function whose arguments
 * they are: a va_list handed on is spent.
 */
static size_t
count(const char *first, va_list ap)
{
	size_t n = 1;

	while (first != NULL) {
		first = va_arg(ap, const char *);
		n++;
	}
	return n;
}

#define COLLECT(argv, ap, arg)                                                 \
	do {                                                                   \
		size_t n_;                                                     \
		va_start(ap, arg);                                             \
		n_ = count(arg, ap);                                           \
		va_end(ap);                                                    \
		argv = alloca(n_ * sizeof(*argv));                             \
		argv[0] = (char *)(uintptr_t)arg;                              \
		va_start(ap, arg);                                             \
		for (size_t i_ = 1; i_ < n_; i_++)                             \
			argv[i_] = va_arg(ap, char *);                         \
	} while (0)

CP_EXPORT int
execl(const char *path, const char *arg, ...)
{
	char **argv;
	va_list ap;

	COLLECT(argv, ap, arg);
	va_end(ap);
	return run(
	    &(struct call){ .form = BY_PATH, .path = path, .argv = argv });
}

CP_EXPORT int
execlp(const char *file, const char *arg, ...)
{
	char **argv;
	va_list ap;

	COLLECT(argv, ap, arg);
	va_end(ap);
	return run(
	    &(struct call){ .form = BY_SEARCH, .path = file, .argv = argv });
}

CP_EXPORT int
execle(const char *path, const char *arg, ...)
{
	char **argv, *const *envp;
	va_list ap;

	COLLECT(argv, ap, arg);
	envp = va_arg(ap, char *const *);
	va_end(ap);
	return run(&(struct call){ .form = BY_PATH,
	    .path = path,
	    .argv = argv,
	    .envp = envp,
	    .given = true });
}
