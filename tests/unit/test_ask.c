/* SPDX-License-Identifier: MIT */
/* Keys of commands, and questions to a guard, which is a thread of the test. */
#include <criterion/criterion.h>

#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../shim/ask.h"
#include "../../shim/common/key.h"
#include "../../shim/config.h"
#include "../../shim/owner.h"

#define NO_PID 0x3fffffff

#define ARGV(...) ((char *const *)(const char *const[]){ __VA_ARGS__, NULL })

static char name[32];

/* As the constructor and the claim do it. */
static void
begin(const char *options)
{
	snprintf(name, sizeof(name), "childproof/ask/%d", (int)getpid());
	cr_assert_eq(setenv("CHILDPROOF_GUARD", name, 1), 0);
	cr_assert_eq(setenv("CHILDPROOF_OPTIONS", options, 1), 0);
	cp_config_read();
	cp_config_complete();
	cr_assert(cp_owner_claim(false));
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What the guard has heard, and what it says, if anything. */
static struct talk {
	int sock;
	struct cp_msg heard, said[2];
	size_t n;
	bool stranger; /* another socket says it */
} talk;

static void *
answer(void *arg)
{
	struct sockaddr_un to;
	socklen_t len = sizeof(to);
	int from = talk.sock;

	(void)arg;
	if (recvfrom(talk.sock, &talk.heard, sizeof(talk.heard), 0, &to,
		&len) != sizeof(talk.heard))
		return NULL;
	if (talk.stranger)
		from = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	for (size_t i = 0; i < talk.n; i++)
		(void)sendto(from, &talk.said[i], sizeof(talk.said[i]), 0, &to,
		    len);
	return &talk;
}

static struct cp_msg
saying(uint16_t type, uint32_t count)
{
	return (struct cp_msg){ .magic = CP_WIRE_MAGIC,
		.type = type,
		.count = count };
}

/* Asks with *MSG while a guard that knows TALK is there. */
static int
asked(const struct cp_msg *msg)
{
	struct sockaddr_un sun;
	socklen_t len = cp_wire_address(name, &sun);
	pthread_t guard;
	void *done;
	int rc;

	talk.sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(talk.sock, (struct sockaddr *)&sun, len), 0);
	cr_assert_eq(pthread_create(&guard, NULL, answer, NULL), 0);
	errno = ENOTTY;
	rc = cp_ask(msg);
	cr_assert_eq(errno, ENOTTY, "errno was changed");
	cr_assert_eq(pthread_join(guard, &done), 0);
	cr_assert_not_null(done, "nothing was asked");
	close(talk.sock);
	return rc;
}

static const struct cp_msg question = { .type = CP_MSG_ASK, .key = 7 };
static const struct cp_msg ward = { .type = CP_MSG_WARD, .key = 7 };

Test(ask, nothing_is_counted_without_an_option)
{
	begin("term=1s");
	cr_assert_not(cp_ask_wanted());
	cr_assert_eq(cp_ask_key(ARGV("a"), 0), 0);
}

Test(ask, keep_and_limit_count)
{
	begin("keep=2:idle=1h");
	cr_assert(cp_ask_wanted());
	cr_assert_neq(cp_ask_key(ARGV("a"), 0), 0);
}

Test(ask, key_is_that_of_cmdline_and_cwd)
{
	uint64_t key = CP_KEY_EMPTY;
	struct stat st;

	begin("limit=1");
	cr_assert_eq(stat(".", &st), 0);
	key = cp_key_add(key, "npx\0-y\0\0server", sizeof("npx\0-y\0\0server"));
	cr_assert_eq(cp_ask_key(ARGV("npx", "-y", "", "server"), 0),
	    cp_key_end(key, st.st_dev, st.st_ino));
	cr_assert_eq(cp_ask_key(NULL, 0), 0, "an unknown command has a key");
}

Test(ask, other_arguments_or_directories_are_other_commands)
{
	uint64_t key;

	begin("limit=1");
	key = cp_ask_key(ARGV("a", "b"), 0);
	cr_assert_eq(cp_ask_key(ARGV("a", "b"), 0), key);
	cr_assert_neq(cp_ask_key(ARGV("ab"), 0), key);
	cr_assert_neq(cp_ask_key(ARGV("a", "b", ""), 0), key);
	cr_assert_eq(cp_ask_key(ARGV("a", "b"), getpid()), key);
	cr_assert_eq(cp_ask_key(ARGV("a", "b"), NO_PID), key,
	    "a child that is gone was most likely here");
	cr_assert_eq(chdir("/proc"), 0);
	cr_assert_neq(cp_ask_key(ARGV("a", "b"), 0), key);
}

Test(ask, the_answer_is_what_the_guard_says)
{
	begin("limit=1");
	talk.n = 1;
	talk.said[0] = saying(CP_MSG_ANSWER, 0);
	cr_assert_eq(asked(&question), 0);
	cr_assert_eq(talk.heard.flags & CP_WARD_ASK, 0);
	talk.said[0].count = EAGAIN;
	cr_assert_eq(asked(&ward), EAGAIN);
	cr_assert_eq(talk.heard.key, 7);
	cr_assert_neq(talk.heard.flags & CP_WARD_ASK, 0);
}

Test(ask, another_message_is_no_answer)
{
	begin("limit=1");
	talk.n = 2;
	talk.said[0] = saying(CP_MSG_GONE, 0);
	talk.said[1] = saying(CP_MSG_ANSWER, EAGAIN);
	cr_assert_eq(asked(&question), EAGAIN);
}

/* Half a second for the first, and no time for those right after it. */
Test(ask, silence_is_consent)
{
	int64_t began;

	begin("limit=1:journal=none");
	began = now_ms();
	cr_assert_eq(asked(&ward), -1);
	cr_assert_geq(now_ms() - began, 490);
	began = now_ms();
	cr_assert_eq(cp_ask(&ward), -1);
	cr_assert_lt(now_ms() - began, 400);
}

Test(ask, a_stranger_is_not_heard)
{
	begin("limit=1:journal=none");
	talk.n = 1;
	talk.stranger = true;
	talk.said[0] = saying(CP_MSG_ANSWER, EAGAIN);
	cr_assert_eq(asked(&question), -1);
}

Test(ask, nobody_waits_for_a_guard_that_is_not_there)
{
	int64_t began = now_ms();

	begin("limit=1");
	cr_assert_eq(cp_ask(&ward), -1);
	cr_assert_lt(now_ms() - began, 400);
}

Test(ask, an_unknown_command_is_not_asked_for)
{
	struct cp_msg unknown = { .type = CP_MSG_WARD };

	begin("limit=1");
	cr_assert_eq(cp_ask(&unknown), -1);
}
