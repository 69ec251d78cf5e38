/* SPDX-License-Identifier: MIT */
/*
 * Whether a ward is over: dead, and nobody left who holds its channels on.
 * Owns nothing.  Context of every function: any.
 */
#include <sys/auxv.h>
#include <sys/syscall.h>

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include "common/procfs.h"
#include "common/raw.h"
#include "ward.h"

#define NANOSECONDS 1000000000u

/*
 * The PID was the ward's at the time of the record, so it still is if whoever
 * bears it was there already: one start time is enough, and it is not read
 * before somebody asks.  A /proc of another PID namespace speaks of others.
 */
bool
cp_ward_is(const struct cp_record *r, const struct cp_stat *st)
{
	uint64_t hz = getauxval(AT_CLKTCK);

	return r->seen != 0 && hz != 0 &&
	    (cp_ward_inherited() || st->ppid == cp_raw_getpid()) &&
	    st->start <= r->seen / (NANOSECONDS / hz);
}

/* Zombies count as dead: whether the host has waited is its business. */
static bool
lives(const struct cp_record *r)
{
	struct cp_stat st;

	/* Most are gone for good, which kill(2) is quicker to say. */
	if (r->seen == 0 ||
	    (syscall(SYS_kill, r->pid, 0) == -1 && errno == ESRCH))
		return false;
	return cp_procfs_stat(r->pid, &st) == 0 && cp_ward_is(r, &st) &&
	    st.state != 'Z' && st.state != 'X';
}

/* Does somebody still hold the other end of what we hold? */
static bool
has_peer(const struct cp_channel *ch)
{
	struct pollfd p = { .fd = ch->host_fd };
	struct timespec none = { 0, 0 };
	struct cp_end_id end;

	if (ch->kind == CP_KIND_NONE || ch->host_fd < 0 ||
	    cp_procfs_own_end(ch->host_fd, &end) == -1 ||
	    !cp_procfs_is_host_end(ch, &end))
		return false;
	/* A session leader's death hangs up for those who hold the slave on. */
	if (ch->kind == CP_KIND_PTY)
		return true;
	return (syscall(SYS_ppoll, &p, 1, &none, NULL, 0) != 1 ||
	    (p.revents & (POLLERR | POLLHUP)) == 0);
}

/*
 * Whoever it forked may hold its channels on.  They are asked first: a look
 * into the /proc of one that lives is dear, to its end as well.
 */
bool
cp_ward_is_over(const struct cp_record *r)
{
	return !has_peer(&r->channel[0]) && !has_peer(&r->channel[1]) &&
	    !lives(r);
}
