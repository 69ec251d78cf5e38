/* SPDX-License-Identifier: MIT */
/*
 * See crew.h.  Signals: a thread has the mask of its maker, and the guard's
 * leaves nothing to be delivered.
 */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>

#include "crew.h"

#define STACK_SIZE (256 * 1024)

struct share {
	cp_crew_job *job;
	void *arg;
	size_t part;
	size_t from;
	size_t to;
	pthread_t thread;
	bool started;
};

static size_t
processors(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 ?
	    (size_t)CPU_COUNT(&set) :
	    1;
}

static void *
work(void *arg)
{
	const struct share *s = arg;

	s->job(s->arg, s->part, s->from, s->to);
	return NULL;
}

static void
start(struct share *s)
{
	pthread_attr_t attr;

	if (pthread_attr_init(&attr) != 0)
		return;
	s->started = pthread_attr_setstacksize(&attr, STACK_SIZE) == 0 &&
	    pthread_create(&s->thread, &attr, work, s) == 0;
	(void)pthread_attr_destroy(&attr);
}

void
cp_crew_run(size_t n, size_t least, cp_crew_job *job, void *arg)
{
	struct share shares[CP_CREW_MAX];
	size_t parts = n / least < CP_CREW_MAX ? n / least : CP_CREW_MAX;

	if (parts > 1 && processors() < parts)
		parts = processors();
	if (parts == 0)
		parts = 1;
	for (size_t i = 0; i < parts; i++) {
		shares[i] = (struct share){ .job = job,
			.arg = arg,
			.part = i,
			.from = n * i / parts,
			.to = n * (i + 1) / parts };
		if (i > 0)
			start(&shares[i]);
	}
	for (size_t i = 0; i < parts; i++)
		if (!shares[i].started)
			(void)work(&shares[i]);
	for (size_t i = 0; i < parts; i++)
		if (shares[i].started)
			(void)pthread_join(shares[i].thread, NULL);
}
