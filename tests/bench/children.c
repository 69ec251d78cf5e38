/* SPDX-License-Identifier: MIT */
/* See children.h.  May be called from any thread. */
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <unistd.h>

#include "children.h"

extern char **environ;

/* The child ends; the host's are in struct child. */
struct ends {
	int in;
	int out;
};

static void
make_pipes(struct child *c, struct ends *e)
{
	int to[2], from[2];

	if (pipe2(to, O_CLOEXEC) == -1 || pipe2(from, O_CLOEXEC) == -1)
		err(1, "pipe");
	*c = (struct child){ .in = to[1], .out = from[0] };
	*e = (struct ends){ .in = to[0], .out = from[1] };
}

/* Between vfork and exec: system calls only. */
static void
become(const struct ends *e, char *const argv[])
{
	if (e != NULL && (dup2(e->in, 0) == -1 || dup2(e->out, 1) == -1))
		_exit(126);
	execve(argv[0], argv, environ);
	_exit(127);
}

static void
by_vfork(struct child *c, const struct ends *e, char *const argv[])
{
	c->pid = vfork();
	if (c->pid == 0)
		become(e, argv);
}

static void
by_fork(struct child *c, const struct ends *e, char *const argv[])
{
	c->pid = fork();
	if (c->pid == 0)
		become(e, argv);
}

static void
by_posix_spawn(struct child *c, const struct ends *e, char *const argv[])
{
	posix_spawn_file_actions_t fa;

	if (posix_spawn_file_actions_init(&fa) != 0 ||
	    posix_spawn_file_actions_adddup2(&fa, e->in, 0) != 0 ||
	    posix_spawn_file_actions_adddup2(&fa, e->out, 1) != 0)
		errx(1, "posix_spawn_file_actions");
	errno = posix_spawn(&c->pid, argv[0], &fa, NULL, argv, environ);
	if (errno != 0)
		c->pid = -1;
	posix_spawn_file_actions_destroy(&fa);
}

static const struct {
	const char *name;
	void (*spawn)(struct child *, const struct ends *, char *const[]);
	int channels;
} ways[] = {
	{ "vfork", by_vfork, 1 },
	{ "fork", by_fork, 1 },
	{ "posix_spawn", by_posix_spawn, 1 },
	{ "plain", by_vfork, 0 },
};

static int
find_way(const char *name)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (strcmp(name, ways[i].name) == 0)
			return (int)i;
	return -1;
}

int
child_way(const char *way)
{
	return find_way(way) != -1;
}

void
child_spawn(struct child *c, const char *way, char *const argv[])
{
	int i = find_way(way);
	struct ends e;

	if (i == -1)
		errx(2, "no way to spawn %s", way);
	*c = (struct child){ .in = -1, .out = -1 };
	if (ways[i].channels) {
		make_pipes(c, &e);
		ways[i].spawn(c, &e, argv);
		close(e.in);
		close(e.out);
	} else
		ways[i].spawn(c, NULL, argv);
	if (c->pid == -1)
		err(1, "%s %s", way, argv[0]);
}

void
child_read(const struct child *c)
{
	char buf[4096];

	if (c->out != -1 && read(c->out, buf, sizeof(buf)) == -1)
		err(1, "a child's output");
}

void
child_end(struct child *c)
{
	int status;

	if (c->in != -1)
		close(c->in);
	if (c->out != -1)
		close(c->out);
	if (waitpid(c->pid, &status, 0) != c->pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status) != 0)
		errx(1, "a child of ours did not end well");
}
