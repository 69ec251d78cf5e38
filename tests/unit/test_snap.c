/* SPDX-License-Identifier: MIT */
/* Snapshots that anybody may have written: refused, and never believed. */
#include <errno.h>
#include <stdlib.h>

#include "../../tools/cli/ask.h"
#include "../../tools/guard/facts.h"
#include "../../tools/guard/judge.h"
#include "snaps.h"

TestSuite(snap, .timeout = 60);

static int
mapped(const void *bytes, size_t len, int seals)
{
	struct cp_facts f = { 0 };
	int fd = snap_file(bytes, len, seals), rc;

	errno = 0;
	rc = cp_facts_map(fd, &f) == 0 ? 0 : errno;
	close(fd);
	cr_assert_eq(f.map != NULL, rc == 0);
	cp_facts_free(&f);
	return rc;
}

static int
whole(const struct snap *s)
{
	return mapped(s, sizeof(*s), SNAP_ALL);
}

Test(snap, good)
{
	struct snap s = snap_good();
	struct cp_facts f = { 0 };
	int fd = snap_file(&s, sizeof(s), SNAP_ALL);

	cr_assert_eq(cp_facts_map(fd, &f), 0);
	close(fd); /* the map stays */
	cr_assert_eq(f.head->n_wards, 3);
	cr_assert_str_eq(f.hosts[0].comm, "host");
	cr_assert_eq(f.wards[2].pid, s.ward[2].pid);
	cr_assert_eq(f.members[2].ward, 2);
	cp_facts_free(&f);
	cr_assert_null(f.map);
}

Test(snap, one_that_can_still_change)
{
	struct snap s = snap_good();

	cr_assert_eq(mapped(&s, sizeof(s), 0), EPROTO);
	cr_assert_eq(mapped(&s, sizeof(s), F_SEAL_SHRINK), EPROTO);
	cr_assert_eq(mapped(&s, sizeof(s), F_SEAL_WRITE), EPROTO);
	cr_assert_eq(mapped(&s, sizeof(s), F_SEAL_WRITE | F_SEAL_SHRINK), 0);
}

Test(snap, no_file_of_ours)
{
	struct cp_facts f = { 0 };
	int pipes[2], plain = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	cr_assert_eq(pipe(pipes), 0);
	cr_assert_neq(cp_facts_map(plain, &f), 0);
	cr_assert_eq(errno, EPROTO);
	cr_assert_neq(cp_facts_map(pipes[0], &f), 0);
	cr_assert_eq(errno, EPROTO);
	cr_assert_neq(cp_facts_map(-1, &f), 0);
	cr_assert_null(f.map);
}

Test(snap, any_other_length)
{
	struct snap s = snap_good();
	char longer[sizeof(s) + 1] = { 0 };

	memcpy(longer, &s, sizeof(s));
	for (size_t len = 0; len < sizeof(s); len++)
		cr_assert_eq(mapped(&s, len, SNAP_ALL), EPROTO, "%zu", len);
	cr_assert_eq(mapped(longer, sizeof(longer), SNAP_ALL), EPROTO);
}

/* Each of these numbers is one too few, one too many, or much too many. */
Test(snap, wrong_sizes_and_counts)
{
	struct snap good = snap_good();
	uint32_t *at = &good.head.magic;
	static const uint32_t by[] = { 1, UINT32_MAX, 0x80000000u, 0x10000u };

	for (int i = 0; i < 8; i++) /* magic to n_members */
		for (size_t k = 0; k < sizeof(by) / sizeof(by[0]); k++) {
			at[i] += by[k];
			cr_assert_eq(whole(&good), EPROTO, "%d, %zu", i, k);
			at[i] -= by[k];
		}
	cr_assert_eq(whole(&good), 0);
}

/* It has the size that it says, but nobody has so many. */
Test(snap, too_many)
{
	struct cp_snap_head head = snap_good().head;
	size_t size;
	char *big;

	head.n_hosts = CP_HOSTS_MAX + 1;
	head.n_wards = head.n_members = 0;
	size = sizeof(head) + head.n_hosts * sizeof(struct cp_snap_host);
	big = calloc(1, size);
	cr_assert_not_null(big);
	memcpy(big, &head, sizeof(head));
	cr_assert_eq(mapped(big, size, SNAP_ALL), EPROTO);
	free(big);
}

Test(snap, indices_out_of_range)
{
	struct snap s = snap_good();

	s.ward[1].host = 1;
	cr_assert_eq(whole(&s), EPROTO);
	s.ward[1].host = UINT32_MAX;
	cr_assert_eq(whole(&s), EPROTO);
	s.ward[1].host = 0;
	s.member[2].ward = 3;
	cr_assert_eq(whole(&s), EPROTO);
	s.member[2].ward = UINT32_MAX;
	cr_assert_eq(whole(&s), EPROTO);
}

/* What is used to index a table of names. */
Test(snap, kinds_steps_and_rules)
{
	struct snap s;

	for (int k = 0; k < 2; k++) {
		s = snap_good();
		s.ward[0].channel[k].kind = CP_KIND_PTY;
		cr_assert_eq(whole(&s), 0);
		s.ward[0].channel[k].kind = CP_KIND_PTMX;
		cr_assert_eq(whole(&s), EPROTO);
		s.ward[0].channel[k].kind = 255;
		cr_assert_eq(whole(&s), EPROTO);
	}
	s = snap_good();
	s.ward[0].step = CP_STEP_KILL + 1;
	cr_assert_eq(whole(&s), EPROTO);
	s = snap_good();
	s.ward[0].rule = CP_RULES;
	cr_assert_eq(whole(&s), EPROTO);
}

Test(snap, names_without_an_end)
{
	struct snap s = snap_good();

	memset(s.host[0].comm, 'x', sizeof(s.host[0].comm));
	cr_assert_eq(whole(&s), EPROTO);
	s = snap_good();
	memset(s.ward[2].name, 'x', sizeof(s.ward[2].name));
	cr_assert_eq(whole(&s), EPROTO);
}

/* kill(2) and others mean groups by these. */
Test(snap, no_process_has_that_number)
{
	struct snap s = snap_good();

	s.host[0].pid = -1;
	cr_assert_eq(whole(&s), EPROTO);
	s = snap_good();
	s.ward[0].pid = 0;
	cr_assert_eq(whole(&s), EPROTO);
	s = snap_good();
	s.member[0].pid = -7;
	cr_assert_eq(whole(&s), EPROTO);
}
