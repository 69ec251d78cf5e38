/* SPDX-License-Identifier: MIT */
/*
 * The guard's census, timed: for each line of stdin one census of the channels
 * of process HOST, and a line with the nanoseconds that it took.
 *
 *	census HOST
 */
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../../tools/guard/census.h"

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int
main(int argc, char *argv[])
{
	struct cp_census c;
	char line[16];
	int64_t began;

	if (argc != 2)
		errx(2, "usage: census HOST");
	while (fgets(line, sizeof(line), stdin) != NULL) {
		began = now_ns();
		if (cp_census_of_host(atoi(argv[1]), &c) == -1)
			err(1, "no census of %s", argv[1]);
		printf("%lld\n", (long long)(now_ns() - began));
		fflush(stdout);
		cp_census_free(&c);
	}
	return 0;
}
