/* SPDX-License-Identifier: MIT */
/*
 * A question to the guard, and the wait for its answer.  Asked between fork
 * and exec, in a vfork child too, whose host stands still meanwhile: system
 * calls only, and no answer is worth more than half a second.  Whatever goes
 * wrong, the child may: the guard can still end it, we can't start it again.
 */
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "clock.h"
#include "common/key.h"
#include "common/procfs.h"
#include "common/raw.h"
#include "config.h"
#include "report.h"

#define ANSWER_MS 500
#define TRIES	  1000

bool
cp_ask_wanted(void)
{
	const struct cp_options *o = cp_options();

	return o->limit != 0 || o->keep != 0;
}

uint64_t
cp_ask_key(char *const argv[], pid_t pid)
{
	uint64_t key = CP_KEY_EMPTY;
	char path[CP_PATH_SIZE] = ".";
	struct stat st;
	int saved;

	if (!cp_ask_wanted() || argv == NULL)
		return 0;
	saved = errno;
	if (pid != 0)
		(void)cp_procfs_path(path, sizeof(path), pid, "/cwd");
	/* It is gone, or not ours to know: it most likely was where we are. */
	if (fstatat(AT_FDCWD, path, &st, 0) == -1 &&
	    (pid == 0 || fstatat(AT_FDCWD, ".", &st, 0) == -1)) {
		cp_errno(saved);
		return 0;
	}
	for (; *argv != NULL; argv++)
		key = cp_key_add(key, *argv, strlen(*argv) + 1);
	return cp_key_end(key, st.st_dev, st.st_ino);
}

int
cp_ask_connect(void)
{
	struct sockaddr_un sun;
	socklen_t len = cp_wire_address(cp_guard_name(), &sun);
	const sa_family_t family = AF_UNIX; /* alone: the kernel names us */
	int fd = (int)syscall(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC,
	    0);

	if (fd != -1 &&
	    (len == 0 || syscall(SYS_bind, fd, &family, sizeof(family)) == -1 ||
		syscall(SYS_connect, fd, &sun, len) == -1)) {
		cp_raw_close(fd);
		fd = -1;
	}
	return fd;
}

bool
cp_ask_answer(int fd, enum cp_msg_type type, struct cp_msg *msg)
{
	while (syscall(SYS_recvfrom, fd, msg, sizeof(*msg), MSG_DONTWAIT, NULL,
		   NULL) == (long)sizeof(*msg))
		if (msg->magic == CP_WIRE_MAGIC && msg->type == type)
			return true;
	return false;
}

/* Its queue is short, and a spawn storm fills it. */
static bool
hand_over(int fd, const struct cp_msg *msg, int64_t end)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	for (int i = 0; i < TRIES; i++) {
		if (syscall(SYS_sendto, fd, msg, sizeof(*msg),
			MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0) != -1)
			return true;
		if (errno != EAGAIN || cp_clock_wait(&p, 1, end) <= 0)
			return false;
	}
	return false;
}

static int
wait_for_answer(int fd, int64_t end)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct cp_msg answer;

	while (cp_clock_wait(&p, 1, end) > 0) {
		if (cp_ask_answer(fd, CP_MSG_ANSWER, &answer))
			return (int)answer.count;
		if (p.revents & (POLLERR | POLLHUP))
			return -1;
	}
	cp_report_mute();
	return -1;
}

int
cp_ask(const struct cp_msg *msg)
{
	struct cp_msg whole;
	int saved, rc = -1, fd;
	int64_t end;

	/* Unknown, it can't be counted. */
	if (msg->key == 0 || cp_report_is_muted())
		return -1;
	saved = errno;
	whole = *msg;
	fd = cp_ask_connect();
	if (fd != -1) {
		whole.magic = CP_WIRE_MAGIC;
		if (whole.type == CP_MSG_WARD)
			whole.flags |= CP_WARD_ASK;
		end = cp_clock_ms() + ANSWER_MS;
		if (hand_over(fd, &whole, end))
			rc = wait_for_answer(fd, end);
		cp_raw_close(fd);
	}
	cp_errno(saved);
	return rc;
}
