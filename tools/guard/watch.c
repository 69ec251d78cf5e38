/* SPDX-License-Identifier: MIT */
/* See watch.h.  Context: guard. */
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "../../shim/common/procfs.h"
#include "process.h"
#include "watch.h"

#define BATCH 128
/* A census by a crew, and sixteen messages, need so many descriptors. */
#define SPARE 48

/* <linux/pidfd.h> of Linux 6.13 on, its first version; PID is always told. */
struct info {
	uint64_t mask;
	uint64_t cgroup;
	uint32_t pid;
	uint32_t tgid;
	uint32_t ppid;
	uint32_t ids[8];
	int32_t exit_code;
};
#define GET_INFO _IOWR(0xFF, 11, struct info)
_Static_assert(sizeof(struct info) == 64, "PIDFD_INFO_SIZE_VER0");

static int epfd = -1;
static int timer = -1;
static uint64_t timer_at;
static rlim_t host_top = RLIM_INFINITY; /* what stays open is below */
static rlim_t ward_top = RLIM_INFINITY;

/* Without a host's end nobody's is proven: hosts have some for themselves. */
static void
share_out(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) != 0 || rl.rlim_cur == RLIM_INFINITY)
		return;
	host_top = rl.rlim_cur;
	host_top -= rl.rlim_cur / 2 < SPARE ? rl.rlim_cur / 2 : SPARE;
	ward_top = host_top - rl.rlim_cur / 8;
}

int
cp_watch_init(void)
{
	epfd = epoll_create1(EPOLL_CLOEXEC);
	timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	timer_at = 0;
	share_out();
	if (epfd < 0 || timer < 0)
		return -1;
	return cp_watch_add(timer, CP_TAG_TIMER, 0, 0);
}

int
cp_watch_add(int fd, enum cp_tag tag, uint32_t index, uint32_t serial)
{
	struct epoll_event ev = {
		.events = EPOLLIN,
		.data.u64 = (uint64_t)tag << 56 | (uint64_t)index << 32 |
		    serial,
	};

	/* A dead process stays readable: say it once. */
	if (tag == CP_TAG_HOST || tag == CP_TAG_WARD || tag == CP_TAG_NEWBORN)
		ev.events |= EPOLLONESHOT;
	if (epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev) == 0)
		return 0;
	return errno == EEXIST ? epoll_ctl(epfd, EPOLL_CTL_MOD, fd, &ev) : -1;
}

int
cp_watch_wait(struct cp_event *events, int max, int ms)
{
	struct epoll_event ev[BATCH];
	int n = epoll_wait(epfd, ev, max < BATCH ? max : BATCH, ms);

	if (n < 0)
		return errno == EINTR ? 0 : -1;
	for (int i = 0; i < n; i++) {
		uint64_t u = ev[i].data.u64;

		events[i].tag = (enum cp_tag)(u >> 56);
		events[i].index = (uint32_t)(u >> 32) & 0xffffff;
		events[i].serial = (uint32_t)u;
		if (events[i].tag == CP_TAG_TIMER) {
			uint64_t times;

			(void)!read(timer, &times, sizeof(times));
			timer_at = 0;
		}
	}
	return n;
}

void
cp_watch_timer(uint64_t at_ms)
{
	struct itimerspec its = { 0 };

	/* One that goes off early is cheaper than to set it back and forth. */
	if (at_ms == timer_at || (timer_at != 0 && timer_at < at_ms))
		return;
	timer_at = at_ms;
	its.it_value.tv_sec = (time_t)(at_ms / 1000);
	its.it_value.tv_nsec = (long)(at_ms % 1000) * 1000000;
	(void)timerfd_settime(timer, TFD_TIMER_ABSTIME, &its, NULL);
}

uint64_t
cp_watch_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Where no pidfd can be had, that is seen all the same. */
static bool
is_over(pid_t pid, uint64_t start)
{
	struct cp_stat st;

	if (cp_procfs_stat(pid, &st) != 0)
		return errno == ENOENT || errno == ESRCH;
	return st.start != start || cp_process_is_over(&st);
}

int
cp_watch_pidfd(pid_t pid, uint64_t start)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0), error = errno;
	struct cp_stat st;

	if (fd < 0) {
		errno = is_over(pid, start) ? ESRCH : error;
		return -1;
	}
	/* The pidfd is held: whoever has this PID now is whom it names. */
	if (cp_procfs_stat(pid, &st) == 0 && st.start == start)
		return fd;
	close(fd);
	errno = ESRCH;
	return -1;
}

bool
cp_watch_may_keep(int fd, enum cp_tag tag)
{
	return (rlim_t)fd < (tag == CP_TAG_HOST ? host_top : ward_top);
}

int
cp_watch_keep(int pidfd, enum cp_tag tag, uint32_t index, uint32_t serial)
{
	bool ended;

	if (pidfd < 0)
		return -1;
	if (cp_watch_may_keep(pidfd, tag)) {
		(void)cp_watch_add(pidfd, tag, index, serial);
		return pidfd;
	}
	ended = cp_watch_ended(pidfd);
	close(pidfd);
	errno = ended ? ESRCH : EMFILE;
	return -1;
}

pid_t
cp_watch_parent(int pidfd, pid_t pid)
{
	struct info info = { 0 };
	struct cp_stat st;

	/* A look into /proc makes inodes, which its end has to take away. */
	if (ioctl(pidfd, GET_INFO, &info) == 0)
		return (pid_t)info.ppid;
	return cp_procfs_stat(pid, &st) == 0 ? st.ppid : 0;
}

bool
cp_watch_ended(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, 0) > 0 && (p.revents & POLLIN) != 0;
}
