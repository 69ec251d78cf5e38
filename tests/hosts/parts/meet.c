/* SPDX-License-Identifier: MIT */
/*
 * The caller's half of the meeting point, see meet.h.  Owns nothing between
 * two calls.  May be called anywhere after main has begun.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "meet.h"

static int
dial(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(sun.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

static int
hear(int fd, char *answer, size_t len)
{
	size_t got = 0;
	ssize_t n;
	char c;

	for (;;) {
		n = read(fd, &c, 1);
		if (n == 0)
			errno = ECONNRESET;
		if (n <= 0)
			return -1;
		if (c == '\n')
			break;
		if (got + 1 < len)
			answer[got++] = c;
	}
	answer[got] = '\0';
	return 0;
}

int
meet(const char *path, const char *line, char *answer, size_t len)
{
	int fd, rv = -1, error;

	fd = dial(path);
	if (fd == -1)
		return -1;
	if (send(fd, line, strlen(line), MSG_NOSIGNAL) != -1 &&
	    send(fd, "\n", 1, MSG_NOSIGNAL) != -1)
		rv = hear(fd, answer, len);
	error = errno;
	close(fd);
	errno = error;
	return rv;
}
