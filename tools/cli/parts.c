/* SPDX-License-Identifier: MIT */
/* See parts.h. */
#include <sys/random.h>

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"

void
cp_part_path(const char *name, char *out, size_t size)
{
	char self[PATH_MAX], *slash;

	out[0] = '\0';
	if (realpath("/proc/self/exe", self) == NULL ||
	    (slash = strrchr(self, '/')) == NULL)
		return;
	slash[1] = '\0';
	if (strlcpy(out, self, size) >= size ||
	    strlcat(out, name, size) >= size)
		out[0] = '\0';
}

int
cp_guard_name(pid_t host, char out[CP_NAME_MAX + 1])
{
	uint64_t seed;

	if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		return -1;
	(void)snprintf(out, CP_NAME_MAX + 1, "childproof/%d/%016llx", (int)host,
	    (unsigned long long)seed);
	return 0;
}
