/* SPDX-License-Identifier: MIT */
/*
 * A stdio server as the field has too many of: it answers each line on its
 * stdin that carries an "id" with one line on its stdout (the result is its
 * PID), and it stays when stdin ends and whatever SIGTERM, SIGINT or SIGHUP
 * say.  Used by the demo's gateways; it does nothing else, at no cost.
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
answer(const char *line)
{
	const char *id = strstr(line, "\"id\":");

	if (id == NULL)
		return; /* a notification */
	printf("{\"jsonrpc\":\"2.0\",\"id\":%ld,\"result\":{\"pid\":%ld}}\n",
	    strtol(id + strlen("\"id\":"), NULL, 10), (long)getpid());
	if (fflush(stdout) == EOF)
		warn("stdout");
}

int
main(void)
{
	static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGPIPE };
	char line[4096];

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		if (signal(ignored[i], SIG_IGN) == SIG_ERR)
			err(1, "signal");
	while (fgets(line, sizeof(line), stdin) != NULL)
		answer(line);
	for (;;)
		pause();
}
