/* SPDX-License-Identifier: MIT */
/*
 * A stdio server as the field has too many of: it answers each line on its
 * stdin that carries an "id" with one line on its stdout (the result is its
 * PID), and it stays when stdin ends and whatever SIGTERM, SIGINT or SIGHUP
 * say.  It does nothing else, at no cost.
 *
 *	server [DIR]
 *
 * Of all with the same DIR one serves, and the others answer with an error: so
 * do servers that want a port or a profile for themselves.
 */
#include <sys/file.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool refuses;

/* The lock lasts as long as we do. */
static bool
is_taken(const char *dir)
{
	int fd;

	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		err(1, "%s", dir);
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return false;
	if (errno != EWOULDBLOCK)
		err(1, "%s", dir);
	close(fd);
	return true;
}

static void
answer(const char *line)
{
	const char *id = strstr(line, "\"id\":");
	long number;

	if (id == NULL)
		return; /* a notification */
	number = strtol(id + strlen("\"id\":"), NULL, 10);
	if (refuses)
		printf("{\"jsonrpc\":\"2.0\",\"id\":%ld,\"error\":"
		       "{\"code\":-32000,\"message\":\"taken\"}}\n",
		    number);
	else
		printf("{\"jsonrpc\":\"2.0\",\"id\":%ld,\"result\":"
		       "{\"pid\":%ld}}\n",
		    number, (long)getpid());
	if (fflush(stdout) == EOF)
		warn("stdout");
}

int
main(int argc, char *argv[])
{
	static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGPIPE };
	char line[4096];

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		if (signal(ignored[i], SIG_IGN) == SIG_ERR)
			err(1, "signal");
	if (argc > 1)
		refuses = is_taken(argv[1]);
	while (fgets(line, sizeof(line), stdin) != NULL)
		answer(line);
	for (;;)
		pause();
}
