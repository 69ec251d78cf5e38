/* SPDX-License-Identifier: MIT */
/* The channel table: what was made here, which end is which, what leaks. */
#include <criterion/criterion.h>

#include <sys/socket.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <pthread.h>
#include <pty.h>
#include <unistd.h>

#include "../../shim/channel.h"
#include "../../shim/common/wire.h"
#include "../../shim/owner.h"
#include "../../shim/ring.h"
#include "../../shim/shed.h"

static struct cp_shared old, new;
static struct cp_shared *own = &old;

struct cp_shared *
cp_owner_shared(void)
{
	return own;
}

static struct cp_end_id
end_of(int fd)
{
	struct cp_end_id end;

	cr_assert_eq(cp_procfs_own_end(fd, &end), 0);
	cr_assert_neq(end.kind, CP_KIND_NONE);
	return end;
}

static struct cp_channel
child_of(int fd)
{
	struct cp_end_id end = end_of(fd);

	return (struct cp_channel){ .kind = end.kind,
		.access = end.access,
		.child = end.ino };
}

static bool
has_cloexec(int fd)
{
	int flags = fcntl(fd, F_GETFD);

	cr_assert_neq(flags, -1);
	return flags & FD_CLOEXEC;
}

Test(channel, pipe_ends)
{
	struct cp_end_id end[2];
	struct cp_made made;
	int fd[2];

	cr_assert_not(cp_channel_any());
	cr_assert_eq(pipe(fd), 0);
	cp_made_keep(CP_KIND_PIPE, fd, false);
	cr_assert(cp_channel_any());
	for (int k = 0; k < 2; k++) {
		end[k] = end_of(fd[k]);
		cr_assert_eq(cp_channel_find(&end[k], &made), k);
		cr_assert_eq(made.fd[k], fd[k]);
	}
	for (int k = 0; k < 2; k++) {
		cr_assert(cp_made_opposite(&made, k, &end[1 - k]));
		cr_assert_not(cp_made_opposite(&made, k, &end[k]));
	}
}

Test(channel, socketpair_ends)
{
	struct cp_end_id end[2];
	struct cp_made made;
	int fd[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	cp_made_keep(CP_KIND_UNIX, fd, false);
	for (int k = 0; k < 2; k++) {
		end[k] = end_of(fd[k]);
		cr_assert_eq(cp_channel_find(&end[k], &made), k);
		cr_assert_eq(made.ino[k], end[k].ino);
	}
	cr_assert(cp_made_opposite(&made, 0, &end[1]));
	cr_assert_not(cp_made_opposite(&made, 0, &end[0]));
}

Test(channel, terminal_ends)
{
	struct cp_end_id master, slave;
	struct cp_made made;
	int fd[2];

	cr_assert_eq(openpty(&fd[0], &fd[1], NULL, NULL, NULL), 0);
	cp_made_keep(CP_KIND_PTY, fd, false);
	master = end_of(fd[0]);
	slave = end_of(fd[1]);
	cr_assert_eq(cp_channel_find(&slave, &made), 1);
	cr_assert_eq(made.fd[0], fd[0]);
	cr_assert(cp_made_opposite(&made, 1, &master));
	cr_assert_not(cp_made_opposite(&made, 1, &slave));
}

Test(channel, strangers_are_not_found)
{
	struct cp_end_id end;
	struct cp_made made = { .kind = 77 };
	int known[2], other[2];

	cr_assert_eq(pipe(known), 0);
	cr_assert_eq(pipe(other), 0);
	cp_made_keep(CP_KIND_PIPE, known, false);
	end = end_of(other[0]);
	cr_assert_eq(cp_channel_find(&end, &made), -1);
	cr_assert_eq(made.kind, 77, "touched on failure");
	end.ino = end_of(known[0]).ino;
	end.kind = CP_KIND_UNIX;
	cr_assert_eq(cp_channel_find(&end, &made), -1);
}

Test(channel, not_a_socket_of_ours)
{
	int fd[2] = { open("/dev/null", O_RDWR), open("/dev/null", O_RDWR) };

	cp_made_keep(CP_KIND_UNIX, fd, false);
	cp_made_keep(CP_KIND_PIPE, fd, false);
	cp_made_keep(CP_KIND_PTY, fd, false);
	cr_assert_not(cp_channel_any());
}

/* An inode that comes again names the newer channel. */
Test(channel, newest_wins)
{
	struct cp_made a = { .kind = CP_KIND_PIPE,
		.fd = { 10, 11 },
		.ino = { 42, 42 } };
	struct cp_made b = a, got;
	struct cp_end_id end = { .kind = CP_KIND_PIPE,
		.access = CP_READ,
		.ino = 42 };

	b.fd[0] = 20;
	b.fd[1] = 21;
	cp_ring_add(&a);
	cp_ring_add(&b);
	cr_assert_eq(cp_channel_find(&end, &got), 0);
	cr_assert_eq(got.fd[1], 21);
}

Test(channel, oldest_is_overwritten)
{
	struct cp_made made = { .kind = CP_KIND_UNIX }, got;
	struct cp_end_id end = { .kind = CP_KIND_UNIX };

	cp_ring_add(&made);
	cp_ring_room(CP_RING_MOST); /* all there is */
	for (uint64_t i = 1; i <= CP_RING_MOST + 10; i++) {
		made.ino[0] = 2 * i;
		made.ino[1] = 2 * i + 1;
		cp_ring_add(&made);
	}
	end.ino = 2 * 10 + 1;
	cr_assert_eq(cp_channel_find(&end, &got), -1);
	end.ino = 2 * 11 + 1;
	cr_assert_eq(cp_channel_find(&end, &got), 1);
	cr_assert_eq(got.ino[0], 2 * 11);
	end.ino = 2 * (CP_RING_MOST + 10);
	cr_assert_eq(cp_channel_find(&end, &got), 0);
}

/* Every entry is where it is looked for, whatever the size. */
Test(channel, room_is_made_for_more_wards)
{
	struct cp_made made = { .kind = CP_KIND_UNIX }, got;
	struct cp_end_id end = { .kind = CP_KIND_UNIX };
	uint64_t n = 0;

	for (unsigned wards = 0; wards <= CP_RING_MOST / 3; wards++) {
		cp_ring_room(wards);
		for (int i = 0; i < 3; i++) {
			made.ino[0] = 2 * ++n;
			made.ino[1] = 2 * n + 1;
			cp_ring_add(&made);
		}
	}
	for (uint64_t i = n - CP_RING_MOST + 1; i <= n; i++) {
		end.ino = 2 * i + 1;
		cr_assert_eq(cp_channel_find(&end, &got), 1, "%d", (int)i);
		cr_assert_eq(got.ino[0], 2 * i);
	}
	end.ino = 2 * (n - CP_RING_MOST) + 1;
	cr_assert_eq(cp_channel_find(&end, &got), -1);
}

/* So that each fork has little to copy. */
Test(channel, table_is_small_without_wards)
{
	struct cp_made made = { .kind = CP_KIND_UNIX }, got;
	struct cp_end_id end = { .kind = CP_KIND_UNIX, .ino = 1 };

	made.ino[0] = 1;
	cp_ring_add(&made);
	cp_ring_room(1);
	cr_assert_eq(cp_channel_find(&end, &got), 0);
	made.ino[0] = 2;
	for (int i = 0; i < CP_RING_MOST / 8; i++)
		cp_ring_add(&made);
	cr_assert_eq(cp_channel_find(&end, &got), -1);
}

#define AT_ONCE 200 /* more than the table has at first */

/* Threads that spawn at once have no ward before the last has made its own. */
Test(channel, what_waits_for_its_ward_is_kept)
{
	struct cp_end_id first = { 0 }, last;
	struct cp_made got;
	int fd[2];

	for (int i = 0; i < AT_ONCE; i++) {
		cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
		cp_made_keep(CP_KIND_UNIX, fd, true);
		last = end_of(fd[1]);
		if (i == 0)
			first = last;
	}
	cr_assert_eq(cp_channel_find(&first, &got), 1);
	cr_assert_eq(cp_channel_find(&last, &got), 1);
}

/* A pair that the host keeps to itself, met at each turn of the ring. */
Test(channel, what_waits_for_good_makes_no_room)
{
	struct cp_made gone = { .kind = CP_KIND_UNIX, .ino = { 1, 2 } }, got;
	struct cp_end_id end = { .kind = CP_KIND_UNIX, .ino = 1 };
	int fd[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	for (int turn = 0; turn < 8; turn++) {
		cp_made_keep(CP_KIND_UNIX, fd, true);
		for (int i = 1; i < 128; i++)
			cp_ring_add(&gone);
	}
	gone.ino[0] = gone.ino[1] = 3;
	for (int i = 0; i < 128; i++)
		cp_ring_add(&gone);
	cr_assert_eq(cp_channel_find(&end, &got), -1);
}

/* What moves keeps its marks. */
Test(channel, host_end_is_shed_after_a_move)
{
	struct cp_made made = { .kind = CP_KIND_UNIX };
	struct cp_channel child;
	int fd[2];

	cp_ring_add(&made);
	for (int i = 0; i < CP_RING_MOST / 8; i++)
		cp_ring_add(&made); /* the next one is not where it was */
	cr_assert_eq(pipe(fd), 0);
	cp_made_keep(CP_KIND_PIPE, fd, false);
	child = child_of(fd[0]);
	cp_channel_warded(&child);
	cp_ring_room(CP_RING_MOST);
	cp_shed();
	cr_assert(has_cloexec(fd[1]));
	cr_assert_eq(cp_channel_unclaimed(&made, 1), 0);
}

/* A fork child that is promoted goes on with what its maker knew. */
Test(channel, copy_knows_and_sheds_the_same)
{
	struct cp_channel child;
	struct cp_end_id end;
	struct cp_made made;
	int fd[2], later[2];

	cp_ring_room(CP_RING_MOST / 8);
	cr_assert_eq(pipe(fd), 0);
	cp_made_keep(CP_KIND_PIPE, fd, false);
	child = child_of(fd[0]);
	cp_channel_warded(&child);
	cp_ring_copy(&new.ring, &old.ring);
	cr_assert_eq(pipe(later), 0);
	cp_made_keep(CP_KIND_PIPE, later, false);
	own = &new;
	end = end_of(fd[0]);
	cr_assert_eq(cp_channel_find(&end, &made), 0);
	cr_assert_eq(cp_channel_unclaimed(&made, 1), 0);
	cp_shed();
	cr_assert(has_cloexec(fd[1]));
	end = end_of(later[0]);
	cr_assert_eq(cp_channel_find(&end, &made), -1);
}

#define ADDERS 3
#define ADDED  40 /* by each: fewer than the table has at first */

static pthread_barrier_t start;

static void *
add_many(void *first)
{
	struct cp_made made = { .kind = CP_KIND_UNIX };

	pthread_barrier_wait(&start);
	for (uint64_t i = 0; i < ADDED; i++) {
		made.ino[0] = made.ino[1] = (uintptr_t)first + i;
		cp_ring_add(&made);
	}
	return NULL;
}

/* In a process of its own, whose table is new.  Is all in it? */
static bool
add_while_it_grows(void)
{
	struct cp_end_id end = { .kind = CP_KIND_UNIX };
	pthread_t thread[ADDERS];
	struct cp_made made = { .kind = CP_KIND_UNIX };

	/* So that what is added next lies elsewhere in a larger one. */
	for (int i = 0; i < CP_RING_MOST / 8; i++)
		cp_ring_add(&made);
	pthread_barrier_init(&start, NULL, ADDERS + 1);
	for (uintptr_t i = 0; i < ADDERS; i++)
		pthread_create(&thread[i], NULL, add_many,
		    (void *)((i + 1) * 1000));
	pthread_barrier_wait(&start);
	for (unsigned wards = 0; wards < CP_RING_MOST; wards++)
		cp_ring_room(wards);
	for (int i = 0; i < ADDERS; i++)
		pthread_join(thread[i], NULL);
	for (unsigned i = 0; i < ADDERS * ADDED; i++) {
		end.ino = (i / ADDED + 1) * 1000 + i % ADDED;
		if (cp_channel_find(&end, &made) != 0)
			return false;
	}
	return true;
}

Test(channel, nothing_is_lost_while_it_grows)
{
	for (int i = 0; i < 300; i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			_exit(add_while_it_grows() ? 0 : 1);
		cr_assert_eq(waitpid(pid, &status, 0), pid);
		cr_assert_eq(status, 0, "round %d", i);
	}
}

Test(channel, host_end_of_a_ward_is_shed)
{
	struct cp_channel child;
	int fd[2];

	cr_assert_eq(pipe(fd), 0);
	cp_made_keep(CP_KIND_PIPE, fd, false);
	cp_shed();
	cr_assert_not(has_cloexec(fd[1]), "nobody's ward");
	child = child_of(fd[0]);
	cp_channel_warded(&child);
	cp_shed();
	cr_assert(has_cloexec(fd[1]));
	cr_assert_not(has_cloexec(fd[0]), "the child's own end");
}

/* A ward of the pipe whose reader is FD, as its host will hear of it. */
static struct cp_ticket
leave(int fd, uint32_t flags)
{
	struct cp_record r = { .pid = 4711, .flags = flags };

	r.channel[0] = child_of(fd);
	return cp_slot_put(&own->slots, &r);
}

Test(channel, host_end_of_a_ward_is_shed_before_its_host_hears_of_it)
{
	struct cp_ticket ticket;
	int fd[2];

	cr_assert_eq(pipe(fd), 0);
	cp_made_keep(CP_KIND_PIPE, fd, false);
	ticket = leave(fd[0], 0);
	cp_shed();
	cr_assert(has_cloexec(fd[1]));
	cr_assert_not(has_cloexec(fd[0]), "the child's own end");
	cr_assert(cp_slot_take_back(&own->slots, &ticket), "it was the host's");
}

Test(channel, no_ward_nothing_shed)
{
	struct cp_ticket ticket;
	int fd[2], sealed[2];

	cr_assert_eq(pipe(fd), 0);
	cp_made_keep(CP_KIND_PIPE, fd, false);
	ticket = leave(fd[0], 0);
	cr_assert(cp_slot_take_back(&own->slots, &ticket));
	(void)leave(fd[0], CP_WARD_UNDO);
	cr_assert_eq(pipe(sealed), 0);
	cp_made_keep(CP_KIND_PIPE, sealed, true);
	(void)leave(sealed[0], 0);
	cp_shed();
	cr_assert_not(has_cloexec(fd[1]), "its exec had failed");
	cr_assert_not(has_cloexec(sealed[1]), "passed on on purpose");
}

Test(channel, what_was_cloexec_is_passed_on_purpose)
{
	struct cp_channel child;
	int fd[2];

	cr_assert_eq(pipe2(fd, O_CLOEXEC), 0);
	cp_made_keep(CP_KIND_PIPE, fd, true);
	child = child_of(fd[0]);
	cp_channel_warded(&child);
	cr_assert_eq(fcntl(fd[1], F_SETFD, 0), 0);
	cp_shed();
	cr_assert_not(has_cloexec(fd[1]));
}

Test(channel, a_number_used_again_is_let_be)
{
	struct cp_channel child;
	int fd[2], null = open("/dev/null", O_RDWR);

	cr_assert_eq(pipe(fd), 0);
	cp_made_keep(CP_KIND_PIPE, fd, false);
	child = child_of(fd[0]);
	cp_channel_warded(&child);
	cr_assert_eq(dup2(null, fd[1]), fd[1]);
	cp_shed();
	cr_assert_not(has_cloexec(fd[1]));
}

Test(channel, review_forgets_only_what_is_closed)
{
	struct cp_channel child;
	int kept[2], closed[2];

	cr_assert_eq(pipe(kept), 0);
	cr_assert_eq(pipe(closed), 0);
	cp_made_keep(CP_KIND_PIPE, kept, false);
	cp_made_keep(CP_KIND_PIPE, closed, false);
	child = child_of(kept[0]);
	cp_channel_warded(&child);
	child = child_of(closed[0]);
	cp_channel_warded(&child);
	/* The number is free, the pipe lives on elsewhere. */
	cr_assert_neq(dup(closed[1]), -1);
	cr_assert_eq(close(closed[1]), 0);
	for (int i = 0; i < 10; i++)
		cp_shed_review();
	cr_assert_neq(fcntl(closed[0], F_DUPFD, closed[1]), -1);
	cp_shed();
	cr_assert(has_cloexec(kept[1]));
	cr_assert_not(has_cloexec(closed[1]));
}

#define ROUNDS 40000

/* Both inodes and both descriptors of an entry tell the same number. */
static void *
write_many(void *arg)
{
	struct cp_made made = { .kind = CP_KIND_UNIX };

	for (int i = 1; i <= ROUNDS; i++) {
		made.fd[0] = made.fd[1] = i;
		made.ino[0] = made.ino[1] = (uint64_t)i;
		cp_ring_add(&made);
	}
	return arg;
}

Test(channel, never_half_an_entry, .timeout = 60)
{
	struct cp_end_id end = { .kind = CP_KIND_UNIX };
	struct cp_made got;
	pthread_t t[2];
	int found = 0;

	for (int i = 0; i < 2; i++)
		cr_assert_eq(pthread_create(&t[i], NULL, write_many, NULL), 0);
	for (int i = 1; i <= ROUNDS; i += 97) {
		end.ino = (uint64_t)i;
		if (cp_channel_find(&end, &got) == -1)
			continue;
		found++;
		cr_assert_eq(got.fd[0], i);
		cr_assert_eq(got.fd[1], i);
		cr_assert_eq(got.ino[1], (uint64_t)i);
	}
	for (int i = 0; i < 2; i++)
		cr_assert_eq(pthread_join(t[i], NULL), 0);
	end.ino = ROUNDS;
	cr_assert_neq(cp_channel_find(&end, &got), -1);
	cr_assert_geq(found, 0);
}
