/* SPDX-License-Identifier: MIT */
/*
 * A host for the benchmarks.  Does what its arguments say, then what the lines
 * of its stdin say; answers each with one line.
 *
 *	spawner [COMMAND…]
 *
 *	WAY N PROGRAM [ARG…]	spawns PROGRAM N times by WAY (children.h), one
 *			after the other, each to its reaping: nanoseconds a child
 *	threads T N PROGRAM [ARG…]	by vfork from T threads at once, N each
 *	live T N MODE FIFO	N wards from each of T threads, to stay; they say
 *			that they are up, and all hold FIFO open until they die
 *	abandon		closes the host ends of those: CLOCK_MONOTONIC in ns
 *	reap		closes them, and waits for all
 *	pong N IN OUT	N times IN bytes to a ward, OUT bytes back: ns a time
 *	fds N		opens N descriptors
 *	heap N		touches N MiB
 *	quit		_exit: nothing of an exit is in what a tracer counts
 */
#include <sys/mman.h>
#include <sys/resource.h>

#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "children.h"

#define WORDS_MAX 8
#define BLOCK_MAX (1 << 20)

static char stub[PATH_MAX]; /* the ward program, beside this one */
static struct child *wards;
static int n_wards;

/* What one of several threads does: N children, kept or reaped. */
struct share {
	pthread_t thread;
	int n;
	char *const *argv;
	struct child *kept; /* NULL: reap each */
};

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int
number(const char *text)
{
	int n = atoi(text);

	if (n <= 0)
		errx(2, "bad number %s", text);
	return n;
}

static int64_t
spawn_in_turn(const char *way, int n, char *const argv[])
{
	int64_t began = now_ns();
	struct child c;

	for (int i = 0; i < n; i++) {
		child_spawn(&c, way, argv);
		child_read(&c);
		child_end(&c);
	}
	return (now_ns() - began) / n;
}

static void *
do_share(void *arg)
{
	struct share *s = arg;
	struct child c;

	for (int i = 0; i < s->n; i++) {
		child_spawn(s->kept == NULL ? &c : &s->kept[i], "vfork",
		    s->argv);
		if (s->kept != NULL)
			continue;
		child_read(&c);
		child_end(&c);
	}
	return NULL;
}

/* T threads, N children each; into KEPT if they are to stay. */
static int64_t
spawn_at_once(int t, int n, char *const argv[], struct child *kept)
{
	struct share *shares = calloc((size_t)t, sizeof(*shares));
	int64_t began = now_ns();

	if (shares == NULL)
		err(1, NULL);
	for (int i = 0; i < t; i++) {
		shares[i] = (struct share){ .n = n,
			.argv = argv,
			.kept = kept == NULL ? NULL : kept + i * n };
		if (pthread_create(&shares[i].thread, NULL, do_share,
			&shares[i]) != 0)
			errx(1, "pthread_create");
	}
	for (int i = 0; i < t; i++)
		pthread_join(shares[i].thread, NULL);
	free(shares);
	return (now_ns() - began) / t / n;
}

/* Each ward writes one byte when it is what it is to be. */
static void
live(int t, int n, char *mode, const char *fifo)
{
	char *argv[] = { stub, mode, NULL }, byte;
	int fd = open(fifo, O_WRONLY);

	if (fd == -1)
		err(1, "%s", fifo);
	wards = reallocarray(wards, (size_t)(n_wards + t * n), sizeof(*wards));
	if (wards == NULL)
		err(1, NULL);
	if (t == 1) /* the main thread, where a host has its wards from */
		do_share(&(struct share){ .n = n,
		    .argv = argv,
		    .kept = wards + n_wards });
	else
		spawn_at_once(t, n, argv, wards + n_wards);
	close(fd);
	for (int i = n_wards; i < n_wards + t * n; i++)
		if (read(wards[i].out, &byte, 1) != 1)
			errx(1, "ward %d did not come up", i);
	n_wards += t * n;
}

static void
let_go(int reap)
{
	for (int i = 0; i < n_wards; i++)
		if (reap) {
			child_end(&wards[i]);
		} else {
			close(wards[i].in);
			close(wards[i].out);
		}
	n_wards = 0;
}

static void
transfer(ssize_t (*how)(int, void *, size_t), int fd, char *buf, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = how(fd, buf + done, len - done);
		if (n <= 0)
			err(1, "the ward of a pong");
		done += (size_t)n;
	}
}

static ssize_t
write_some(int fd, void *buf, size_t len)
{
	return write(fd, buf, len);
}

static int64_t
pong(int n, char *in, char *out)
{
	static char pong[] = "pong", buf[BLOCK_MAX];
	char *argv[] = { stub, pong, in, out, NULL };
	size_t len = (size_t)number(in), back = (size_t)number(out);
	struct child c;
	int64_t began;

	if (len > BLOCK_MAX || back > BLOCK_MAX)
		errx(2, "blocks of at most %d", BLOCK_MAX);
	child_spawn(&c, "vfork", argv);
	transfer(read, c.out, buf, 1);
	began = now_ns();
	for (int i = 0; i < n; i++) {
		transfer(write_some, c.in, buf, len);
		transfer(read, c.out, buf, back);
	}
	began = now_ns() - began;
	child_end(&c);
	return began / n;
}

static void
open_fds(int n)
{
	for (int i = 0; i < n; i++)
		if (open("/dev/null", O_RDONLY | O_CLOEXEC) == -1)
			err(1, "/dev/null");
}

static void
grow(int mib)
{
	size_t size = (size_t)mib << 20;
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		err(1, "%d MiB", mib);
	/* As a host's heap is: in small pages, each with its own entry. */
	(void)madvise(p, size, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < size; i += 4096)
		p[i] = 1;
}

/* Returns what is to be answered. */
static int64_t
obey(char *w[], int n)
{
	w[n] = NULL;
	if (n >= 3 && child_way(w[0]))
		return spawn_in_turn(w[0], number(w[1]), w + 2);
	if (n >= 4 && strcmp(w[0], "threads") == 0)
		return spawn_at_once(number(w[1]), number(w[2]), w + 3, NULL);
	if (n == 4 && strcmp(w[0], "pong") == 0)
		return pong(number(w[1]), w[2], w[3]);
	if (n == 5 && strcmp(w[0], "live") == 0)
		live(number(w[1]), number(w[2]), w[3], w[4]);
	else if (n == 1 && strcmp(w[0], "abandon") == 0)
		let_go(0);
	else if (n == 1 && strcmp(w[0], "reap") == 0)
		let_go(1);
	else if (n == 2 && strcmp(w[0], "fds") == 0)
		open_fds(number(w[1]));
	else if (n == 2 && strcmp(w[0], "heap") == 0)
		grow(number(w[1]));
	else if (n == 1 && strcmp(w[0], "quit") == 0)
		_exit(0);
	else
		errx(2, "bad command %s", n > 0 ? w[0] : "");
	return now_ns();
}

static void
obey_line(char *line)
{
	char *words[WORDS_MAX + 1], *word;
	int n = 0;

	while (n < WORDS_MAX && (word = strsep(&line, " \n")) != NULL)
		if (*word != '\0')
			words[n++] = word;
	dprintf(1, "%lld\n", (long long)obey(words, n));
}

static void
find_stub(void)
{
	ssize_t n = readlink("/proc/self/exe", stub, sizeof(stub) - 6);

	if (n == -1)
		err(1, "/proc/self/exe");
	stub[n] = '\0';
	strcpy(strrchr(stub, '/') + 1, "stub");
}

int
main(int argc, char *argv[])
{
	struct rlimit many;
	char line[512];

	/* Wards cost two descriptors each. */
	if (getrlimit(RLIMIT_NOFILE, &many) == -1)
		err(1, "RLIMIT_NOFILE");
	many.rlim_cur = many.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &many) == -1)
		err(1, "RLIMIT_NOFILE");
	find_stub();
	for (int i = 1; i < argc; i++)
		obey_line(argv[i]);
	while (fgets(line, sizeof(line), stdin) != NULL)
		obey_line(line);
	return 0;
}
