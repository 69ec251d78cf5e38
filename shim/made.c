/* SPDX-License-Identifier: MIT */
/*
 * A channel as it was made: what there is to be remembered of it, and which
 * open file is an end of it.  Owns nothing.
 */
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "common/raw.h"
#include "made.h"
#include "ring.h"

void
cp_made_keep(int kind, const int fd[2], bool cloexec)
{
	struct cp_made made = { .kind = (uint8_t)kind,
		.cloexec = cloexec,
		.fd = { fd[0], fd[1] } };
	mode_t type = kind == CP_KIND_PIPE ? S_IFIFO : S_IFSOCK;
	struct stat st;
	unsigned number;

	if (kind == CP_KIND_PTY) {
		if (syscall(SYS_ioctl, fd[0], TIOCGPTN, &number) == -1)
			return;
		made.ino[0] = made.ino[1] = number;
		cp_ring_add(&made);
		return;
	}
	for (int k = 0; k < 2; k++) {
		if (cp_raw_fstat(fd[k], &st) == -1 ||
		    (st.st_mode & S_IFMT) != type)
			return;
		made.ino[k] = st.st_ino;
		if (kind == CP_KIND_PIPE) {
			made.ino[1] = st.st_ino;
			cp_procfs_learn_pipe(fd[k], st.st_dev);
			break;
		}
	}
	cp_ring_add(&made);
}

int
cp_made_end_of(const struct cp_made *made, const struct cp_end_id *end)
{
	if (made->kind != end->kind)
		return -1;
	switch (made->kind) {
	case CP_KIND_PIPE:
		if (made->ino[0] != end->ino)
			return -1;
		/* /proc/self/fd/N reopened for both: no telling which. */
		return end->access == CP_READ ? 0 :
		    end->access == CP_WRITE   ? 1 :
						-1;
	case CP_KIND_UNIX:
		return made->ino[0] == end->ino ? 0 :
		    made->ino[1] == end->ino	? 1 :
						  -1;
	default:
		return made->ino[1] == end->ino ? 1 : -1;
	}
}

bool
cp_made_opposite(const struct cp_made *made, int k,
    const struct cp_end_id *host)
{
	switch (made->kind) {
	case CP_KIND_PIPE:
		return host->kind == CP_KIND_PIPE &&
		    host->ino == made->ino[1 - k] &&
		    (host->access & (k == 0 ? CP_WRITE : CP_READ)) != 0;
	case CP_KIND_UNIX:
		return host->kind == CP_KIND_UNIX &&
		    host->ino == made->ino[1 - k];
	default:
		return host->kind == CP_KIND_PTMX && k == 1 &&
		    host->ino == made->ino[0];
	}
}
