/* SPDX-License-Identifier: MIT */
/*
 * The guard's address, and what two builds of one version must agree on: the
 * size of a message.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "../../shim/common/wire.h"

#define PATH_AT offsetof(struct sockaddr_un, sun_path)

Test(wire, address_is_abstract_and_without_a_trailing_nul)
{
	struct sockaddr_un sun;

	memset(&sun, 'x', sizeof(sun));
	cr_assert_eq(cp_wire_address("childproof/7/ab", &sun),
	    PATH_AT + 1 + strlen("childproof/7/ab"));
	cr_assert_eq(sun.sun_family, AF_UNIX);
	cr_assert_eq(sun.sun_path[0], '\0');
	cr_assert_arr_eq(sun.sun_path + 1, "childproof/7/ab",
	    sizeof("childproof/7/ab"));
}

Test(wire, no_address_for_no_name)
{
	struct sockaddr_un sun = { .sun_family = AF_INET };

	/* A bind to it would choose a name of the kernel's. */
	cr_assert_eq(cp_wire_address("", &sun), 0);
	cr_assert_eq(sun.sun_family, AF_INET);
}

Test(wire, longest_name_and_one_more)
{
	struct sockaddr_un sun;
	char name[CP_NAME_MAX + 2];

	memset(name, 'n', sizeof(name));
	name[CP_NAME_MAX] = '\0';
	cr_assert_eq(cp_wire_address(name, &sun), PATH_AT + 1 + CP_NAME_MAX);
	name[CP_NAME_MAX] = 'n';
	name[CP_NAME_MAX + 1] = '\0';
	cr_assert_eq(cp_wire_address(name, &sun), 0);
}

Test(wire, two_names_are_two_sockets)
{
	struct sockaddr_un sun;
	char name[32];
	socklen_t len;
	int a = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int b = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	/* The names of a network namespace are everyone's. */
	snprintf(name, sizeof(name), "childproof/test/%d", (int)getpid());
	len = cp_wire_address(name, &sun);
	cr_assert_eq(bind(a, (struct sockaddr *)&sun, len), 0);
	cr_assert_eq(bind(b, (struct sockaddr *)&sun, len), -1);
	strcat(name, "2");
	len = cp_wire_address(name, &sun);
	cr_assert_eq(bind(b, (struct sockaddr *)&sun, len), 0);
}

Test(wire, messages_have_no_hole)
{
	cr_assert_eq(sizeof(struct cp_channel), 24);
	cr_assert_eq(sizeof(struct cp_msg),
	    offsetof(struct cp_msg, channel) + 2 * sizeof(struct cp_channel) +
		sizeof(((struct cp_msg *)NULL)->name));
	cr_assert_eq(offsetof(struct cp_msg, channel),
	    offsetof(struct cp_msg, start) + sizeof(uint64_t));
	cr_assert_eq(offsetof(struct cp_msg, image) % sizeof(uint64_t), 0);
}
