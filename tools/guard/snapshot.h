/* SPDX-License-Identifier: MIT */
/*
 * What a guard knows, as a file: a head, then hosts, wards and members, each
 * an array.  The guard makes it in memory and hands its descriptor over in
 * CP_MSG_FACTS, so that a slow reader costs it nothing.  In native byte order;
 * the sizes in the head must be the reader's own.  Times are those of
 * CLOCK_MONOTONIC, in ms.
 */
#ifndef CP_SNAPSHOT_H
#define CP_SNAPSHOT_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "../../shim/common/channel_id.h"
#include "../../shim/common/options.h"
#include "tally.h"

#define CP_SNAP_MAGIC 0x43505331u

struct cp_snap_head {
	uint32_t magic;
	uint32_t head_size, host_size, ward_size, member_size;
	uint32_t n_hosts, n_wards, n_members;
	pid_t guard;
	uint64_t now_ms;
	struct cp_options options;
	struct cp_tally tally;
};

struct cp_snap_host {
	pid_t pid;
	pid_t sid;
	bool dead;
	bool leaving;
	bool census;
	bool attached;
	bool leaky;
	uint64_t start;
	uint64_t image;
	uint64_t exe;
	uint64_t gone_ms;
	char comm[16];
};

/* As in struct cp_ward, see facts.h. */
struct cp_snap_ward {
	uint32_t host; /* index */
	pid_t pid;
	uid_t uid;
	uint32_t thread;
	bool dead;
	bool duplex;
	bool leader;
	bool spare;
	bool handed;
	bool retired;
	bool surplus;
	bool any;
	bool linked;
	bool swept;
	uint8_t step;
	uint8_t rule;
	uint64_t start;
	uint64_t image;
	uint64_t key;
	uint64_t born_ms;
	uint64_t next_ms;
	uint64_t shut_ms;
	uint64_t died_ms;
	uint64_t unwaited_ms;
	uint64_t idle_ms; /* since when; 0: busy, or not sampled */
	struct cp_channel channel[2];
	char name[32];
};

struct cp_snap_member {
	uint32_t ward; /* index */
	pid_t pid;
	uint64_t start;
};

/*
 * Makes one of what is known now, of a guard with these options.  Returns a
 * sealed file, or -1 with errno.  Context: guard.
 */
int cp_snapshot_take(const struct cp_options *options, uint64_t now_ms);

#endif
