/* SPDX-License-Identifier: MIT */
/* Which UNIX sockets are connected, as /proc/net/unix tells it. */
#include <criterion/criterion.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <string.h>
#include <unistd.h>

#include "../../tools/cli/sockets.h"

static const char table[] =
    "Num       RefCount Protocol Flags    Type St Inode Path\n"
    "00000000aaaaaaaa: 00000003 00000000 00000000 0001 03  42\n"
    "00000000aaaaaaab: 00000002 00000000 00010000 0001 01  43 /run/bus\n"
    "00000000aaaaaaac: 00000002 00000000 00000000 0002 01  7 @childproof/1/x\n"
    "00000000aaaaaaad: 00000002 00000000 00010000 0001 03  44 @a\n"
    "nonsense\n"
    "00000000aaaaaaae: 00000003 00000000 00000000 0005 03  5 @childproof/9\n";

Test(sockets, parse)
{
	struct cp_sockets s;

	cr_assert_eq(cp_sockets_parse(&s, strdup(table)), 0);
	cr_assert_eq(s.n, 2);
	cr_assert(cp_sockets_connected(&s, 42));
	cr_assert(cp_sockets_connected(&s, 5));
	cr_assert_not(cp_sockets_connected(&s, 43), "it listens");
	cr_assert_not(cp_sockets_connected(&s, 44), "it listens");
	cr_assert_not(cp_sockets_connected(&s, 7), "it is unconnected");
	cr_assert_not(cp_sockets_connected(&s, 6), "it is not there");
	cr_assert(cp_sockets_bound(&s, "childproof/1/x"));
	cr_assert(cp_sockets_bound(&s, "childproof/9"));
	cr_assert_not(cp_sockets_bound(&s, "childproof/1"));
	cr_assert_not(cp_sockets_bound(&s, "/run/bus"), "no abstract name");
	cr_assert_not(cp_sockets_bound(&s, ""));
	cp_sockets_free(&s);
}

Test(sockets, empty)
{
	struct cp_sockets s = { 0 };

	cr_assert_not(cp_sockets_connected(&s, 1));
	cr_assert_not(cp_sockets_bound(&s, "a"));
	cr_assert_eq(cp_sockets_parse(&s, strdup("")), 0);
	cr_assert_not(cp_sockets_connected(&s, 0));
	cp_sockets_free(&s);
}

static uint64_t
inode(int fd)
{
	struct stat st;

	cr_assert_eq(fstat(fd, &st), 0);
	return st.st_ino;
}

/* What was connected stays so when its peer is gone; what waits is not. */
Test(sockets, kernel)
{
	struct sockaddr_un any = { .sun_family = AF_UNIX };
	int pair[2], listening = socket(AF_UNIX, SOCK_STREAM, 0);
	int idle = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct cp_sockets s;

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	cr_assert_eq(close(pair[1]), 0);
	cr_assert_eq(bind(listening, (struct sockaddr *)&any,
			 sizeof(any.sun_family)),
	    0);
	cr_assert_eq(listen(listening, 1), 0);
	cr_assert_eq(cp_sockets_load(&s), 0);
	cr_assert(cp_sockets_connected(&s, inode(pair[0])));
	cr_assert_not(cp_sockets_connected(&s, inode(listening)));
	cr_assert_not(cp_sockets_connected(&s, inode(idle)));
	cp_sockets_free(&s);
	close(pair[0]);
	close(listening);
	close(idle);
}
