/* SPDX-License-Identifier: MIT */
/* Finding the other parts.  Owns nothing.  Context: cli. */
#include <sys/random.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parts.h"

static void
beside(const char *dir, const char *name, char path[PATH_MAX])
{
	if (strlcpy(path, dir, PATH_MAX) >= PATH_MAX ||
	    strlcat(path, name, PATH_MAX) >= PATH_MAX)
		path[0] = '\0';
}

void
cp_parts_find(struct cp_parts *p)
{
	char self[PATH_MAX], *slash;

	p->shim[0] = p->guard[0] = '\0';
	if (realpath("/proc/self/exe", self) == NULL ||
	    (slash = strrchr(self, '/')) == NULL)
		return;
	slash[1] = '\0';
	beside(self, "childproof-guard", p->guard);
	beside(self, "libchildproof.so", p->shim);
}

const char *
cp_parts_shim_problem(const struct cp_parts *p)
{
	if (access(p->shim, R_OK) != 0)
		return "libchildproof.so is missing (install it again)";
	/* The loader splits at the first two and expands $ORIGIN. */
	if (strpbrk(p->shim, " :$") != NULL)
		return "libchildproof.so has a space, colon or $ in its path "
		       "(install it elsewhere)";
	return NULL;
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
