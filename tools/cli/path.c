/* SPDX-License-Identifier: MIT */
/*
 * Finding a program the way execvp(3) does, before anything is started.  Owns
 * nothing.  Context: cli.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "path.h"
#include "run.h"
#include "say.h"

/* Returns 0 if PATH can be executed, or an errno. */
static int
check(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return errno;
	if (!S_ISREG(st.st_mode))
		return EACCES;
	if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) != 0)
		return errno;
	return 0;
}

int
cp_path_find_if(const char *name, bool (*accept)(const char *path), char *path,
    size_t size)
{
	const char *dir = getenv("PATH");
	char standard[PATH_MAX];
	int error = ENOENT, n;
	size_t len;

	if (*name == '\0')
		return ENOENT;
	if (strchr(name, '/') != NULL) {
		if (strlcpy(path, name, size) >= size)
			return ENAMETOOLONG;
		error = check(path);
		if (error == 0 && accept != NULL && !accept(path))
			return ENOENT;
		return error;
	}
	if (dir == NULL) {
		(void)confstr(_CS_PATH, standard, sizeof(standard));
		dir = standard;
	}
	for (;; dir += len + 1) {
		len = strcspn(dir, ":");
		/* An empty element is the working directory. */
		n = snprintf(path, size, "%.*s%s%s", (int)len, dir,
		    len > 0 ? "/" : "", name);
		if (n > 0 && (size_t)n < size) {
			switch (check(path)) {
			case 0:
				if (accept == NULL || accept(path))
					return 0;
				break;
			case EACCES:
				error = EACCES;
			}
		}
		if (dir[len] == '\0')
			return error;
	}
}

int
cp_path_find(const char *name, char *path, size_t size)
{
	return cp_path_find_if(name, NULL, path, size);
}

const char *
cp_path_hint(const char *name, int error)
{
	if (error == ENOENT)
		return strchr(name, '/') != NULL ?
		    " (check the name, and for a script its first line)" :
		    " (check the name and PATH)";
	if (error == EACCES)
		return " (is it an executable file?)";
	return "";
}

int
cp_path_status(int error)
{
	return error == ENOENT ? CP_EXIT_NOT_FOUND : CP_EXIT_CANNOT_RUN;
}

int
cp_path_cannot(const char *name, int error)
{
	cp_say("%s: %s%s", cp_say_name(name), strerror(error),
	    cp_path_hint(name, error));
	return cp_path_status(error);
}
