/* SPDX-License-Identifier: MIT */
/*
 * The doctor's look at the journal: would the guard be able to write it?
 * Nothing is written, or made, to find out.  Owns nothing.  Context: cli.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "../../shim/common/options.h"
#include "doctor.h"
#include "finding.h"

/* syslog(3) tries a datagram socket and then a stream. */
static bool
syslog_listens(void)
{
	static const int types[] = { SOCK_DGRAM, SOCK_STREAM };
	static const struct sockaddr_un log = { AF_UNIX, _PATH_LOG };
	bool heard = false;

	for (size_t i = 0; i < 2 && !heard; i++) {
		int fd = socket(AF_UNIX, types[i] | SOCK_CLOEXEC, 0);

		if (fd < 0)
			continue;
		heard = connect(fd, (const struct sockaddr *)&log,
			    sizeof(log)) == 0;
		(void)close(fd);
	}
	return heard;
}

/* As the guard opens it, but nothing is made. */
static struct cp_finding
judge_journal_file(const char *path)
{
	int fd = open(path,
	    O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW |
		O_NONBLOCK);
	char copy[CP_TEXT_MAX + 1];
	bool theirs;
	struct stat st;

	if (fd >= 0) {
		theirs = fstat(fd, &st) != 0 ||
		    (st.st_uid != geteuid() && !S_ISCHR(st.st_mode));
		(void)close(fd);
		if (theirs)
			return cp_finding(CP_WARN,
			    "another user's, so not used (set journal=)");
		return cp_finding(CP_OK, "can be written");
	}
	strlcpy(copy, path, sizeof(copy));
	if (errno == ENOENT && access(dirname(copy), W_OK | X_OK) == 0)
		return cp_finding(CP_OK, "can be made");
	return cp_finding(CP_WARN, "%s (set journal=)", strerror(errno));
}

void
cp_doctor_journal(const char *where)
{
	struct cp_finding f;
	char what[CP_TEXT_MAX + 16];

	if (strcmp(where, "none") == 0)
		f = cp_finding(CP_OK, "nothing is written");
	else if (strcmp(where, "syslog") != 0)
		f = judge_journal_file(where);
	else if (syslog_listens())
		f = cp_finding(CP_OK, "%s listens", _PATH_LOG);
	else
		f = cp_finding(CP_WARN,
		    "nobody listens at %s (set journal=/PATH)", _PATH_LOG);
	(void)snprintf(what, sizeof(what), "journal %s", where);
	cp_finding_print(what, f);
}
