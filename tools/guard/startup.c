/* SPDX-License-Identifier: MIT */
/* See startup.h. */
#include <sys/resource.h>
#include <sys/stat.h>

#include <err.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../shim/common/wire.h"
#include "startup.h"

/* The host's PID is part of the socket's name: "childproof/PID/RANDOM". */
static pid_t
root_pid(const char *name)
{
	const char *p = strchr(name, '/');
	char *end;
	long pid;

	if (p == NULL)
		return 0;
	pid = strtol(p + 1, &end, 10);
	return *end == '/' && pid > 0 && pid <= INT32_MAX ? (pid_t)pid : 0;
}

static void
raise_descriptor_limit(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &rl);
	}
}

static void
read_options(struct cp_options *options)
{
	const char *text = getenv(CP_ENV_OPTIONS);
	const char *bad;
	size_t len;

	cp_options_init(options);
	if (text != NULL)
		(void)cp_options_parse(options, text, &bad, &len);
}

pid_t
cp_startup(int argc, char **argv, struct cp_options *options)
{
	pid_t root;

	setproctitle_init(argc, argv, environ);
	root = argc == 2 ? root_pid(argv[1]) : 0;
	if (root == 0)
		errx(125, "not for use by hand (childproof starts it)");
	/* Our copies of what the starter had open must not outlive it. */
	closefrom(CP_GUARD_FD + 1);
	(void)!chdir("/");
	(void)umask(077);
	read_options(options);
	raise_descriptor_limit();
	return root;
}
