/* SPDX-License-Identifier: MIT */
/* Snapshots made by hand, for the tests of what reads them. */
#ifndef CP_SNAPS_H
#define CP_SNAPS_H

#include <sys/mman.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "../../tools/guard/snapshot.h"

#define SNAP_ALL (F_SEAL_SEAL | F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK)
#define SNAP_NOW 1000000

/* One host, three wards of it, and a member of each. */
struct snap {
	struct cp_snap_head head;
	struct cp_snap_host host[1];
	struct cp_snap_ward ward[3];
	struct cp_snap_member member[3];
};

static inline struct snap
snap_good(void)
{
	struct snap s = { .head = { .magic = CP_SNAP_MAGIC,
			      .head_size = sizeof(s.head),
			      .host_size = sizeof(s.host[0]),
			      .ward_size = sizeof(s.ward[0]),
			      .member_size = sizeof(s.member[0]),
			      .n_hosts = 1,
			      .n_wards = 3,
			      .n_members = 3,
			      .guard = 1,
			      .now_ms = SNAP_NOW } };

	s.host[0].pid = 0x3fffff00;
	memcpy(s.host[0].comm, "host", sizeof("host"));
	for (uint32_t i = 0; i < 3; i++) {
		s.ward[i].pid = 0x3fffff10 + (pid_t)i;
		s.ward[i].born_ms = SNAP_NOW - 5000;
		s.ward[i].duplex = true;
		memcpy(s.ward[i].name, "ward", sizeof("ward"));
		s.member[i] = (struct cp_snap_member){ .ward = i,
			.pid = 0x3fffff20 };
	}
	return s;
}

/* A file of LEN bytes of it with these seals. */
static inline int
snap_file(const void *bytes, size_t len, int seals)
{
	int fd = memfd_create("snap", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	cr_assert_neq(fd, -1);
	cr_assert_eq(write(fd, bytes, len), (ssize_t)len);
	cr_assert_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

#endif
