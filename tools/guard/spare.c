/* SPDX-License-Identifier: MIT */
/* See spare.h.  Matching is fnmatch(3), without any flag. */
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "spare.h"

#define CMDLINE_MAX 4096
#define GLOB_MAX    512

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

bool
cp_spare_match(const char *globs, const char *exe, const char *cmdline)
{
	char glob[GLOB_MAX], first[CMDLINE_MAX];
	size_t len = strcspn(cmdline, " ");

	if (len >= sizeof(first))
		len = sizeof(first) - 1;
	memcpy(first, cmdline, len);
	first[len] = '\0';
	while (*globs != '\0') {
		len = strcspn(globs, ",");
		if (len > 0 && len < sizeof(glob)) {
			memcpy(glob, globs, len);
			glob[len] = '\0';
			if (fnmatch(glob, base_name(exe), 0) == 0 ||
			    fnmatch(glob, base_name(first), 0) == 0 ||
			    fnmatch(glob, cmdline, 0) == 0)
				return true;
		}
		globs += len;
		globs += *globs == ',';
	}
	return false;
}

/* What the kernel adds when a program was replaced, by an upgrade say. */
static void
cut_deleted(char *exe)
{
	static const char mark[] = " (deleted)";
	size_t len = strlen(exe), cut = sizeof(mark) - 1;

	if (len > cut && strcmp(exe + len - cut, mark) == 0)
		exe[len - cut] = '\0';
}

bool
cp_spare_matches(const char *globs, pid_t pid)
{
	char path[32], exe[PATH_MAX], cmdline[CMDLINE_MAX];
	ssize_t n;
	int fd;

	if (*globs == '\0')
		return false;
	(void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	n = readlink(path, exe, sizeof(exe) - 1);
	exe[n > 0 ? n : 0] = '\0';
	cut_deleted(exe);
	(void)snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, cmdline, sizeof(cmdline) - 1);
	if (fd >= 0)
		close(fd);
	if (n < 0)
		n = 0;
	for (ssize_t i = 0; i + 1 < n; i++)
		if (cmdline[i] == '\0')
			cmdline[i] = ' ';
	cmdline[n] = '\0';
	return cp_spare_match(globs, exe, cmdline);
}
