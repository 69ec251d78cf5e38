/* SPDX-License-Identifier: MIT */
/*
 * Finding the children of a host that never registered, in a synthetic
 * census; and the first look at a ward that was told of.
 */
#include <sys/stat.h>

#include <criterion/criterion.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../../shim/common/key.h"
#include "../../shim/common/procfs.h"
#include "../../tools/guard/journal.h"
#include "../../tools/guard/look.h"
#include "../../tools/guard/told.h"

/* By PID, as a census is sorted; so the index is known as well. */
enum { HOST = 100, CHILD = 200, OTHER = 300 };
enum { AT_HOST, AT_CHILD, AT_OTHER, PROCS };

enum { IN = 501, OUT = 502, HOST_SIDE = 601, CHILD_SIDE = 602, PTS = 7 };
enum { MARK = 777 };

#define BOTH	 (CP_READ | CP_WRITE)
#define ENDS_MAX 16
#define NOBODY	 0x3ffffff /* no kernel gives such a PID */

static struct cp_proc procs[PROCS];
static struct cp_end ends[ENDS_MAX];
static struct cp_truth truths[4];
static struct cp_census census;
static struct cp_host host;
static struct cp_channel channel[2];
static struct cp_options options;

static void
begin(void)
{
	static const pid_t pids[PROCS] = { HOST, CHILD, OTHER };

	for (int i = 0; i < PROCS; i++)
		procs[i] = (struct cp_proc){ .pid = pids[i],
			.ppid = i == AT_HOST ? 1 : HOST,
			.sid = 1,
			.state = 'S',
			.readable = true,
			.start = 1000 + (uint64_t)i,
			.image = 2000 + (uint64_t)i };
	census = (struct cp_census){ .procs = procs,
		.n_procs = PROCS,
		.ends = ends,
		.truths = truths,
		.complete = true };
	host = (struct cp_host){ .pid = HOST,
		.used = true,
		.start = 1000,
		.image = 2000 };
	cp_options_init(&options);
	cr_assert_eq(cp_facts_init(), 0);
	cp_journal_open("none");
}

TestSuite(look, .timeout = 30, .init = begin);

/* Ends are grouped by process: those of AT_HOST come first. */
static void
end(uint32_t at, int fd, enum cp_kind kind, unsigned int access, uint64_t ino)
{
	cr_assert_lt(census.n_ends, ENDS_MAX);
	cr_assert(census.n_ends == 0 || ends[census.n_ends - 1].proc <= at);
	ends[census.n_ends++] = (struct cp_end){ .proc = at,
		.fd = fd,
		.kind = (uint8_t)kind,
		.access = (uint8_t)access,
		.ino = ino,
		.birth = kind == CP_KIND_PTY ? MARK : 0 };
}

/* By inode. */
static void
peers(uint64_t ino, uint64_t peer)
{
	truths[census.n_truths++] = (struct cp_truth){ .kind = CP_KIND_UNIX,
		.ino = ino,
		.peer = peer == 0 ? CP_OPEN_NO : CP_OPEN_YES,
		.peer_ino = peer };
}

static bool
look(int at)
{
	memset(channel, 0xff, sizeof(channel)); /* all is written */
	return cp_look_channels(&census, &procs[at], &host, channel);
}

static void
pipes(void)
{
	end(AT_HOST, 5, CP_KIND_PIPE, CP_WRITE, IN);
	end(AT_HOST, 6, CP_KIND_PIPE, CP_READ, OUT);
	end(AT_CHILD, 0, CP_KIND_PIPE, CP_READ, IN);
	end(AT_CHILD, 1, CP_KIND_PIPE, CP_WRITE, OUT);
}

static void
is_channel(int k, enum cp_kind kind, unsigned int access, uint64_t child,
    uint64_t at_host, int fd)
{
	cr_assert_eq(channel[k].kind, kind);
	cr_assert_eq(channel[k].access, access);
	cr_assert_eq(channel[k].kept, CP_KEPT_YES);
	cr_assert_eq(channel[k].child, child);
	cr_assert_eq(channel[k].host, at_host);
	cr_assert_eq(channel[k].host_fd, fd);
}

Test(look, pipes)
{
	pipes();
	cr_assert(look(AT_CHILD));
	is_channel(0, CP_KIND_PIPE, CP_READ, IN, IN, 5);
	is_channel(1, CP_KIND_PIPE, CP_WRITE, OUT, OUT, 6);
}

Test(look, one_way)
{
	end(AT_HOST, 5, CP_KIND_PIPE, CP_WRITE, IN);
	end(AT_CHILD, 0, CP_KIND_PIPE, CP_READ, IN);
	cr_assert(look(AT_CHILD));
	is_channel(0, CP_KIND_PIPE, CP_READ, IN, IN, 5);
	cr_assert_eq(channel[1].kind, CP_KIND_NONE);
}

Test(look, nothing_held)
{
	cr_assert_not(look(AT_CHILD));
	cr_assert_eq(channel[0].kind, CP_KIND_NONE);
	cr_assert_eq(channel[1].kind, CP_KIND_NONE);
}

/* A fork copy has all that the host has: wait until it has exec'd. */
Test(look, copy_of_the_host_is_no_child_yet)
{
	pipes();
	procs[AT_CHILD].image = procs[AT_HOST].image;
	cr_assert_not(look(AT_CHILD));
	procs[AT_CHILD].image = 0; /* in the middle of its exec, or its exit */
	cr_assert_not(look(AT_CHILD));
	procs[AT_CHILD].image = 2001;
	cr_assert(look(AT_CHILD));
}

Test(look, child_of_somebody_else)
{
	pipes();
	procs[AT_CHILD].ppid = OTHER;
	cr_assert_not(look(AT_CHILD));
	procs[AT_CHILD].ppid = 1;
	cr_assert_not(look(AT_CHILD));
	procs[AT_CHILD].ppid = HOST;
	cr_assert(look(AT_CHILD));
}

Test(look, host_of_another_time)
{
	pipes();
	host.start--;
	cr_assert_not(look(AT_CHILD));
	host.start++;
	host.pid = 101; /* gone */
	cr_assert_not(look(AT_CHILD));
	host.pid = HOST;
	cr_assert(look(AT_CHILD));
}

Test(look, zombie)
{
	pipes();
	procs[AT_CHILD].state = 'Z';
	cr_assert_not(look(AT_CHILD));
	procs[AT_CHILD].state = 'S';
	cr_assert(look(AT_CHILD));
}

/* Inherited: the host has the same end, and somebody else the opposite. */
Test(look, end_that_the_host_has_too)
{
	end(AT_HOST, 0, CP_KIND_PIPE, CP_READ, IN);
	end(AT_CHILD, 0, CP_KIND_PIPE, CP_READ, IN);
	end(AT_OTHER, 9, CP_KIND_PIPE, CP_WRITE, IN);
	cr_assert_not(look(AT_CHILD));
	ends[0].access = CP_WRITE;
	cr_assert(look(AT_CHILD));
}

/* Two children, one fed by the other. */
Test(look, opposite_end_is_not_the_host_s)
{
	end(AT_CHILD, 1, CP_KIND_PIPE, CP_WRITE, IN);
	end(AT_OTHER, 0, CP_KIND_PIPE, CP_READ, IN);
	cr_assert_not(look(AT_CHILD));
	cr_assert_not(look(AT_OTHER));
}

/* A pipe at a high number is no stdio, nor is stderr. */
Test(look, other_descriptors)
{
	end(AT_HOST, 5, CP_KIND_PIPE, CP_WRITE, IN);
	end(AT_HOST, 6, CP_KIND_PIPE, CP_READ, OUT);
	end(AT_CHILD, 2, CP_KIND_PIPE, CP_WRITE, OUT);
	end(AT_CHILD, 3, CP_KIND_PIPE, CP_READ, IN);
	cr_assert_not(look(AT_CHILD));
	ends[2].fd = 1;
	cr_assert(look(AT_CHILD));
	cr_assert_eq(channel[0].kind, CP_KIND_NONE);
	is_channel(1, CP_KIND_PIPE, CP_WRITE, OUT, OUT, 6);
}

Test(look, each_child_for_itself)
{
	end(AT_HOST, 5, CP_KIND_PIPE, CP_WRITE, IN);
	end(AT_HOST, 6, CP_KIND_PIPE, CP_READ, OUT);
	end(AT_CHILD, 0, CP_KIND_PIPE, CP_READ, IN);
	end(AT_OTHER, 1, CP_KIND_PIPE, CP_WRITE, OUT);
	cr_assert(look(AT_CHILD));
	cr_assert_eq(channel[1].kind, CP_KIND_NONE);
	cr_assert(look(AT_OTHER));
	cr_assert_eq(channel[0].kind, CP_KIND_NONE);
	is_channel(1, CP_KIND_PIPE, CP_WRITE, OUT, OUT, 6);
}

static void
socket_on_both(void)
{
	end(AT_HOST, 5, CP_KIND_UNIX, BOTH, HOST_SIDE);
	end(AT_CHILD, 0, CP_KIND_UNIX, BOTH, CHILD_SIDE);
	end(AT_CHILD, 1, CP_KIND_UNIX, BOTH, CHILD_SIDE);
}

Test(look, socket_by_its_peer)
{
	socket_on_both();
	peers(HOST_SIDE, CHILD_SIDE);
	peers(CHILD_SIDE, HOST_SIDE);
	cr_assert(look(AT_CHILD));
	for (int k = 0; k < 2; k++)
		is_channel(k, CP_KIND_UNIX, BOTH, CHILD_SIDE, HOST_SIDE, 5);
}

/* Numbers next to each other prove nothing. */
Test(look, socket_without_a_known_peer)
{
	socket_on_both();
	cr_assert_not(look(AT_CHILD));
	peers(HOST_SIDE, CHILD_SIDE);
	peers(CHILD_SIDE, 0);
	cr_assert_not(look(AT_CHILD));
	truths[1].peer_ino = HOST_SIDE + 1000; /* somebody else's */
	cr_assert_not(look(AT_CHILD));
}

/* The host's own end, passed on as it is. */
Test(look, socket_of_the_host_itself)
{
	end(AT_HOST, 5, CP_KIND_UNIX, BOTH, HOST_SIDE);
	end(AT_CHILD, 0, CP_KIND_UNIX, BOTH, HOST_SIDE);
	peers(HOST_SIDE, CHILD_SIDE);
	cr_assert_not(look(AT_CHILD));
}

Test(look, terminal)
{
	end(AT_HOST, 9, CP_KIND_PTMX, BOTH, PTS);
	end(AT_CHILD, 0, CP_KIND_PTY, BOTH, PTS);
	end(AT_CHILD, 1, CP_KIND_PTY, BOTH, PTS);
	cr_assert(look(AT_CHILD));
	for (int k = 0; k < 2; k++)
		is_channel(k, CP_KIND_PTY, BOTH, PTS, MARK, 9);
}

/* Both sit at the same terminal: the user's. */
Test(look, terminal_of_somebody_else)
{
	end(AT_HOST, 0, CP_KIND_PTY, BOTH, PTS);
	end(AT_CHILD, 0, CP_KIND_PTY, BOTH, PTS);
	end(AT_OTHER, 9, CP_KIND_PTMX, BOTH, PTS);
	cr_assert_not(look(AT_CHILD));
}

Test(look, other_terminal_of_the_host)
{
	end(AT_HOST, 9, CP_KIND_PTMX, BOTH, PTS + 1);
	end(AT_CHILD, 0, CP_KIND_PTY, BOTH, PTS);
	cr_assert_not(look(AT_CHILD));
}

/* A host may pass a master on; it is nobody's stdin from a host. */
Test(look, master_on_stdin)
{
	end(AT_HOST, 9, CP_KIND_PTY, BOTH, PTS);
	end(AT_CHILD, 0, CP_KIND_PTMX, BOTH, PTS);
	cr_assert_not(look(AT_CHILD));
}

/* --- The first look ------------------------------------------------------ */

static struct cp_ward *
told(pid_t host_pid, bool duplex, enum cp_kept kept, int host_fd)
{
	struct cp_host *h = cp_facts_host(host_pid, 7);
	struct cp_stat st;
	struct cp_ward *w;

	cr_assert_eq(cp_procfs_stat(getpid(), &st), 0);
	w = cp_facts_ward(h, getpid(), st.start, 9);
	cr_assert_not_null(w);
	for (int k = 0; k < (duplex ? 2 : 1); k++)
		w->channel[k] = (struct cp_channel){ .kind = CP_KIND_PIPE,
			.access = k == 0 ? CP_READ : CP_WRITE,
			.kept = (uint8_t)kept,
			.host_fd = host_fd,
			.child = UINT64_MAX - (uint64_t)k,
			.host = UINT64_MAX - (uint64_t)k };
	w->duplex = duplex;
	return w;
}

/* Nobody has such pipes, so the host hasn't either. */
Test(look, channel_that_the_host_did_not_keep)
{
	struct cp_ward *w = told(getppid(), true, CP_KEPT_MAYBE, 5);

	cr_assert_not(w->host->dead);
	cr_assert_not(cp_look_at(w, &options, 0));
	cr_assert_eq(cp_facts_wards(), 0);
}

Test(look, channel_that_was_seen)
{
	struct cp_ward *w = told(getppid(), true, CP_KEPT_YES, 5);

	cr_assert_not(cp_look_at(w, &options, 0)); /* no need of a census */
	cr_assert_eq(cp_facts_wards(), 1);
	cr_assert(w->looked && w->announced && w->duplex);
}

/* Killed between fork and exec: it can't be asked, but it had made both. */
Test(look, channels_of_a_host_that_was_killed)
{
	struct cp_ward *w = told(NOBODY, true, CP_KEPT_MAYBE, 5);

	cr_assert(w->host->dead);
	(void)cp_look_at(w, &options, 0);
	cr_assert_eq(cp_facts_wards(), 1);
	cr_assert(w->duplex);
	cr_assert_eq(w->channel[0].kept, CP_KEPT_MAYBE);
}

/* Nobody knows where these are from; one may be a pipeline's. */
Test(look, unknown_channels_of_a_host_that_was_killed)
{
	(void)cp_look_at(told(NOBODY, true, CP_KEPT_MAYBE, -1), &options, 0);
	cr_assert_eq(cp_facts_wards(), 0);
	(void)cp_look_at(told(NOBODY, false, CP_KEPT_MAYBE, 5), &options, 0);
	cr_assert_eq(cp_facts_wards(), 0);
}

Test(look, dead_child_is_for_the_census)
{
	struct cp_ward *w = told(getppid(), true, CP_KEPT_MAYBE, 5);

	w->dead = true;
	cr_assert(cp_look_at(w, &options, 0));
	cr_assert_eq(cp_facts_wards(), 1);
}

/* The name counts once the child has it: a fork copy has its host's. */
Test(look, spare_after_the_exec_only)
{
	struct cp_ward *w = told(getppid(), true, CP_KEPT_YES, 5);
	struct cp_stat st;

	strcpy(options.spare, "*");
	cr_assert_eq(cp_procfs_stat(getpid(), &st), 0);
	w->image = st.image;
	(void)cp_look_at(w, &options, 0);
	cr_assert_not(w->spare);
	w->image = st.image + 16;
	(void)cp_look_at(w, &options, 0);
	cr_assert(w->spare);
	strcpy(options.spare, "nothing-like-it");
	(void)cp_look_at(w, &options, 0);
	cr_assert_not(w->spare);
}

/* Who can't be watched is looked at, soon at first; who can be is not. */
Test(look, next_one_of_a_ward_that_is_swept)
{
	struct cp_ward w = { .host = &host,
		.duplex = true,
		.born_ms = 1000,
		.swept = true };

	cr_assert_eq(cp_look_next(&w, 1000), 1000 + CP_LOOK_MS);
	cr_assert_eq(cp_look_next(&w, 1700), 1700 + 700);
	cr_assert_eq(cp_look_next(&w, 900000), 900000 + 5000);
	w.channel[0].sealed = w.channel[1].sealed = true;
	w.swept = false;
	cr_assert_eq(cp_look_next(&w, 1700), 0);
}

/* As the shim would have told it; see key.h. */
static uint64_t
own_key(void)
{
	char buf[65536];
	uint64_t key = CP_KEY_EMPTY;
	struct stat st;
	ssize_t n;
	int fd = open("/proc/self/cmdline", O_RDONLY);

	n = read(fd, buf, sizeof(buf));
	close(fd);
	cr_assert_gt(n, 0);
	for (ssize_t i = 0; i < n;) { /* one argument after the other */
		size_t len = strlen(buf + i) + 1;

		key = cp_key_add(key, buf + i, len);
		i += (ssize_t)len;
	}
	cr_assert_eq(stat(".", &st), 0);
	return cp_key_end(key, st.st_dev, st.st_ino);
}

Test(look, command_after_the_exec_only)
{
	struct cp_ward *w = told(getppid(), true, CP_KEPT_YES, 5);
	struct cp_stat st;

	options.keep = 1;
	cr_assert_eq(cp_procfs_stat(getpid(), &st), 0);
	w->image = st.image;
	(void)cp_look_at(w, &options, 0);
	cr_assert_eq(w->key, 0);
	w->image = st.image + 16;
	(void)cp_look_at(w, &options, 0);
	cr_assert_eq(w->key, own_key());
	w->key = 4711; /* was told */
	(void)cp_look_at(w, &options, 0);
	cr_assert_eq(w->key, 4711);
}

Test(look, command_that_no_option_asks_for)
{
	struct cp_ward *w = told(getppid(), true, CP_KEPT_YES, 5);

	w->image = 1;
	(void)cp_look_at(w, &options, 0);
	cr_assert_eq(w->key, 0);
}

/* children=all */
Test(look, ward_without_channels)
{
	struct cp_ward *w = told(getppid(), false, CP_KEPT_YES, 5);

	w->channel[0] = (struct cp_channel){ 0 };
	w->any = true;
	cr_assert_not(cp_look_at(w, &options, 0)); /* nothing to settle */
	cr_assert_eq(cp_facts_wards(), 1);
	w->any = false;
	cr_assert_not(cp_look_at(w, &options, 0));
	cr_assert_eq(cp_facts_wards(), 0);
}
