/* SPDX-License-Identifier: MIT */
/* Whether a child that is about to exec is worth a message. */
#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "../../shim/ask.h"
#include "../../shim/config.h"
#include "../../shim/kept.h"
#include "../../shim/owner.h"
#include "../../shim/tell.h"

static struct cp_shared shared;
static char path[64];

struct cp_shared *
cp_owner_shared(void)
{
	return &shared;
}

uint32_t
cp_owner_thread(void)
{
	return 1;
}

uint64_t
cp_owner_image(void)
{
	return 1;
}

uint64_t
cp_ask_key(char *const argv[], pid_t pid)
{
	(void)argv, (void)pid;
	return 0;
}

const struct cp_options *
cp_options(void)
{
	static struct cp_options options;

	return &options;
}

bool
cp_kept_sure(const struct cp_channel ch[2])
{
	(void)ch;
	return true;
}

static void
begin(void)
{
	snprintf(path, sizeof(path), "/tmp/childproof-tell.%d", (int)getpid());
}

static void
end(void)
{
	unlink(path);
}

TestSuite(tell, .timeout = 60, .init = begin, .fini = end);

static void
make(mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, mode);

	cr_assert_neq(fd, -1);
	close(fd);
}

static struct cp_command
by_path(const char *program)
{
	return (struct cp_command){ .program = program,
		.by_path = true,
		.dir = AT_FDCWD };
}

static bool
is_worth(const char *program)
{
	const struct cp_command cmd = by_path(program);

	return cp_tell_worth(&cmd);
}

static void
fails(const char *program)
{
	const struct cp_command cmd = by_path(program);

	cp_tell_failed(&cmd);
}

Test(tell, what_can_be_executed)
{
	cr_assert_not(is_worth(path));
	make(0644);
	cr_assert_not(is_worth(path));
	cr_assert_eq(chmod(path, 0755), 0);
	cr_assert(is_worth(path));
}

/* A search by the libc, or a descriptor. */
Test(tell, of_no_path_nothing_can_be_said)
{
	const struct cp_command cmd = { .program = path };

	cr_assert(cp_tell_worth(&cmd));
	cp_tell_failed(&cmd);
	cr_assert(cp_tell_worth(&cmd));
}

Test(tell, path_is_asked_for_once)
{
	make(0755);
	cr_assert(is_worth(path));
	unlink(path);
	cr_assert(is_worth(path));
	fails(path);
	cr_assert_not(is_worth(path));
}

/* A host may try one directory after the other in the same place. */
Test(tell, place_of_a_path_that_failed_is_not_trusted_again)
{
	make(0755);
	cr_assert(is_worth(path));
	fails(path);
	cr_assert(is_worth(path));
	unlink(path);
	cr_assert_not(is_worth(path));
}

/* The kernel answers those with EFAULT. */
Test(tell, bad_addresses_are_not_read)
{
	const char *wild = (const char *)16;

	for (int i = 0; i < 2; i++) {
		cr_assert_not(is_worth(NULL));
		cr_assert_not(is_worth(wild));
		fails(NULL);
		fails(wild);
	}
}

Test(tell, many_paths_at_once)
{
	static char paths[200][64];

	make(0755);
	for (int i = 0; i < 200; i++) {
		memcpy(paths[i], path, sizeof(path));
		cr_assert(is_worth(paths[i]));
	}
	unlink(path);
	for (int i = 0; i < 200; i++)
		fails(paths[i]);
	for (int i = 0; i < 200; i++)
		cr_assert_not(is_worth(paths[i]));
}
