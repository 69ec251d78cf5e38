/* SPDX-License-Identifier: MIT */
/* See listed.h. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../shim/common/procfs.h"
#include "listed.h"

#define CMDLINE_MAX 65536

/* Clock ticks since boot, as start times are counted. */
static uint64_t
now_ticks(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_BOOTTIME, &now) == -1)
		return 0;
	return (uint64_t)now.tv_sec * (uint64_t)sysconf(_SC_CLK_TCK);
}

static char *
copy(const char *from, size_t len)
{
	char *text = malloc(len + 1);

	if (text != NULL) {
		memcpy(text, from, len);
		text[len] = '\0';
	}
	return text;
}

static int
read_command(struct cp_listed *p, const char *comm)
{
	static char buf[CMDLINE_MAX];
	char path[CP_PATH_SIZE];
	ssize_t len = -1;

	if (cp_procfs_path(path, sizeof(path), p->pid, "/cmdline") != 0)
		len = cp_procfs_read(AT_FDCWD, path, buf, sizeof(buf));
	p->bare = len <= 0;
	p->len = p->bare ? strlen(comm) : (size_t)len;
	p->cmdline = copy(p->bare ? comm : buf, p->len);
	return p->cmdline == NULL ? -1 : 0;
}

static void
read_stdio(struct cp_listed *p, const struct cp_survey *s, uint32_t proc)
{
	for (int fd = 0; fd <= 1; fd++) {
		const struct cp_end *e = cp_orphan_end(&s->census, proc, fd);

		p->stdio[fd].side = (uint8_t)cp_orphan_side(&s->index, proc,
		    fd);
		if (e == NULL)
			continue;
		p->stdio[fd].kind = e->kind;
		p->stdio[fd].ino = e->ino;
	}
}

/* Returns 0, also if the process is gone, or -1 with ENOMEM. */
static int
gather_one(const struct cp_survey *s, const struct cp_orphan *f,
    struct cp_list *l)
{
	struct cp_listed p;
	const struct cp_proc *proc = cp_survey_proc(s, f);
	uint64_t now = now_ticks(), hz = (uint64_t)sysconf(_SC_CLK_TCK);
	char comm[sizeof(((struct cp_stat *)NULL)->comm) + 1] = "";
	struct cp_stat st;

	if (cp_procfs_stat(proc->pid, &st) == -1 || st.start != proc->start)
		return 0;
	p = (struct cp_listed){ .pid = proc->pid,
		.ppid = proc->ppid,
		.uid = proc->uid,
		.state = proc->state,
		.why = f->why,
		.who = f->who,
		.start = proc->start,
		.age = now > proc->start ? (now - proc->start) / hz : 0,
		.rss = st.rss * (uint64_t)sysconf(_SC_PAGESIZE),
		.pidfd = -1 };
	memcpy(comm, st.comm, sizeof(st.comm));
	read_stdio(&p, s, f->proc);
	if (read_command(&p, comm) == -1)
		return -1;
	l->at[l->n++] = p;
	return 0;
}

int
cp_listed_gather(const struct cp_survey *s, struct cp_list *l)
{
	*l = (struct cp_list){ .complete = s->census.complete };
	l->at = calloc(s->found.n + 1, sizeof(*l->at));
	if (l->at == NULL)
		return -1;
	for (size_t i = 0; i < s->found.n; i++)
		if (gather_one(s, &s->found.at[i], l) == -1) {
			cp_listed_free(l);
			return -1;
		}
	return 0;
}

void
cp_listed_free(struct cp_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->at[i].cmdline);
		if (l->at[i].pidfd >= 0)
			close(l->at[i].pidfd);
	}
	free(l->at);
	*l = (struct cp_list){ 0 };
}

const char *
cp_listed_verdict(const struct cp_listed *p)
{
	return cp_why_proven((enum cp_why)p->why) ? "orphan" : "doubtful";
}

const char *
cp_listed_outcome(enum cp_outcome how)
{
	static const char *const words[CP_OUTCOME_END] = {
		[CP_LEFT] = "left alone",
		[CP_ENDED_ITSELF] = "ended itself",
		[CP_NO_LONGER] = "no longer proven",
		[CP_WOULD_END] = "would end",
		[CP_ENDED_TERM] = "ended by SIGTERM",
		[CP_ENDED_KILL] = "ended by SIGKILL",
		[CP_REFUSED] = "may not be signalled",
		[CP_SURVIVED] = "survived",
	};

	return words[how];
}

struct cp_sum
cp_listed_sum(const struct cp_list *l)
{
	struct cp_sum sum = { 0 };

	for (size_t i = 0; i < l->n; i++) {
		const struct cp_listed *p = &l->at[i];

		if (!cp_why_proven((enum cp_why)p->why)) {
			sum.doubtful++;
			continue;
		}
		sum.orphans++;
		sum.rss += p->rss;
		sum.left += p->outcome == CP_LEFT ||
		    p->outcome == CP_WOULD_END || p->outcome == CP_REFUSED ||
		    p->outcome == CP_SURVIVED;
	}
	return sum;
}
