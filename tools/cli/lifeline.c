/* SPDX-License-Identifier: MIT */
/* See lifeline.h.  The lines are what tools/guard/journal.c writes. */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "lifeline.h"
#include "run.h"

/* What SIGKILL does not end is signalled for ever: nobody reads all that. */
#define EVENTS_MAX 100
/* Year 5138; a double still tells milliseconds, and JavaScript has dates. */
#define TIME_MAX 1e11

/* Strings in a line are the line's own. */
struct line {
	double time;
	const char *event, *reason, *step, *error;
	json_t *host, *child;
};

static void *
must(void *p)
{
	if (p == NULL)
		errx(CP_EXIT_FAILED,
		    "report: out of memory (is the journal "
		    "that long? give a part of it)");
	return p;
}

void
cp_lifelines_init(struct cp_lifelines *l)
{
	*l = (struct cp_lifelines){ .from = 1, .to = 0 };
	l->notes = must(json_array());
}

void
cp_lifelines_free(struct cp_lifelines *l)
{
	struct cp_teller *h = l->hosts, *next;

	HASH_CLEAR(hh, l->by_id);
	HASH_CLEAR(hh, l->hosts);
	for (size_t i = 0; i < l->n_lives; i++) {
		json_decref(l->lives[i]->name);
		json_decref(l->lives[i]->argv);
		json_decref(l->lives[i]->channel);
		json_decref(l->lives[i]->events);
		free(l->lives[i]);
	}
	free(l->lives);
	for (; h != NULL; h = next) {
		next = h->hh.next;
		json_decref(h->comm);
		free(h);
	}
	json_decref(l->notes);
}

/* What EVENT makes of a life whose fate was FATE. */
static enum cp_fate
fate_after(const struct line *x, enum cp_fate fate)
{
	const char *step = x->step != NULL ? x->step : "";

	if (strcmp(x->event, "end") == 0)
		return CP_FATE_SELF;
	if (strcmp(x->event, "ended") == 0)
		return strcmp(step, "KILL") == 0 ? CP_FATE_KILL :
		    strcmp(step, "TERM") == 0	 ? CP_FATE_TERM :
						   CP_FATE_EOF;
	if (strcmp(x->event, "spared") == 0)
		return CP_FATE_SPARED;
	if (strcmp(x->event, "gave-up") == 0)
		return CP_FATE_GAVE_UP;
	if (strcmp(x->event, "dry-run") == 0)
		return CP_FATE_DRY_RUN;
	/* A guard watches it again. */
	if (strcmp(x->event, "ward") == 0 || strcmp(x->event, "verdict") == 0 ||
	    strcmp(x->event, "signal") == 0)
		return CP_FATE_LIVE;
	return fate;
}

static bool
is_dead(const struct cp_life *life)
{
	return life->fate >= CP_FATE_SELF && life->fate <= CP_FATE_KILL;
}

static json_t *
event_of(const struct line *x, int64_t pid)
{
	json_t *j = must(json_pack("{s:f, s:s, s:s*, s:s*, s:s*}", "t", x->time,
	    "e", x->event, "s", x->step, "r", x->reason, "x", x->error));

	if (pid != 0)
		json_object_set_new(j, "p", json_integer(pid));
	return j;
}

/* A non-negative integer of OBJECT, or -1. */
static int64_t
number(const json_t *object, const char *key)
{
	const json_t *j = json_object_get(object, key);

	return json_is_integer(j) && json_integer_value(j) >= 0 ?
	    (int64_t)json_integer_value(j) :
	    -1;
}

static struct cp_teller *
host_of(struct cp_lifelines *l, const struct line *x)
{
	struct cp_id id = { number(x->host, "pid"), number(x->host, "start") };
	json_t *comm = json_object_get(x->host, "comm");
	struct cp_teller *h;

	if (id.pid < 0 || id.start < 0)
		return NULL;
	/* It loses sight of the members when they are read as bytes. */
	/* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult) */
	HASH_FIND(hh, l->hosts, &id, sizeof(id), h);
	if (h == NULL) {
		h = must(calloc(1, sizeof(*h)));
		h->id = id;
		h->index = HASH_COUNT(l->hosts);
		HASH_ADD(hh, l->hosts, id, sizeof(h->id), h);
	}
	if (json_is_string(comm)) { /* it may have become another program */
		json_decref(h->comm);
		h->comm = json_incref(comm);
	}
	return h;
}

static struct cp_life *
add_life(struct cp_lifelines *l, struct cp_id id)
{
	struct cp_life *life = must(calloc(1, sizeof(*life)));

	if ((l->n_lives & (l->n_lives - 1)) == 0) /* a power of two is full */
		l->lives = must(
		    reallocarray(l->lives, l->n_lives == 0 ? 1 : 2 * l->n_lives,
			sizeof(struct cp_life *)));
	l->lives[l->n_lives++] = life;
	life->id = id;
	life->events = must(json_array());
	HASH_ADD(hh, l->by_id, id, sizeof(life->id), life);
	return life;
}

/* The life that the line is of; a new one where there is none yet. */
static struct cp_life *
life_of(struct cp_lifelines *l, const struct line *x, struct cp_id id)
{
	const json_t *age = json_object_get(x->child, "age");
	double born = x->time - json_number_value(age);
	struct cp_life *life;

	HASH_FIND(hh, l->by_id, &id, sizeof(id), life);
	if (life != NULL && is_dead(life) && strcmp(x->event, "ward") == 0) {
		/* An ID of which we don't know the start, or a new boot. */
		HASH_DEL(l->by_id, life);
		life = NULL;
	}
	if (life == NULL) {
		life = add_life(l, id);
		life->born = life->last = x->time;
	}
	if (born >= 0 && born < life->born)
		life->born = born;
	return life;
}

static void
keep(json_t **field, const json_t *from, const char *key)
{
	json_t *j = json_object_get(from, key);

	if (json_is_string(j) ? json_string_length(j) == 0 :
				json_array_size(j) == 0)
		return;
	json_decref(*field);
	*field = json_incref(j);
}

static void
hear(struct cp_lifelines *l, const struct line *x, struct cp_id id)
{
	struct cp_life *life = life_of(l, x, id);
	struct cp_teller *host = host_of(l, x);
	int64_t pid = number(x->child, "pid");
	bool dead = is_dead(life);

	if (host != NULL)
		life->host = host;
	keep(&life->channel, x->child, "channel");
	if (pid == id.pid) { /* a member has another command */
		keep(&life->name, x->child, "name");
		keep(&life->argv, x->child, "argv");
	}
	if (json_array_size(life->events) < EVENTS_MAX)
		json_array_append_new(life->events,
		    event_of(x, pid != id.pid && pid > 0 ? pid : 0));
	else
		life->unkept++;
	if (life->born < l->from)
		l->from = life->born;
	if (dead) /* another guard says so too */
		return;
	life->fate = fate_after(x, life->fate);
	if (x->time > life->last)
		life->last = x->time;
}

static void
take_note(struct cp_lifelines *l, const struct line *x)
{
	const struct cp_teller *h = host_of(l, x);
	json_t *note = event_of(x, 0);

	if (h != NULL)
		json_object_set_new(note, "h",
		    json_integer((json_int_t)h->index));
	json_array_append_new(l->notes, note);
}

static const char *
string(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static bool
parse(const json_t *j, struct line *x)
{
	const json_t *time = json_object_get(j, "time");

	*x = (struct line){ .time = json_number_value(time),
		.event = string(j, "event"),
		.reason = string(j, "reason"),
		.step = string(j, "step"),
		.error = string(j, "error"),
		.host = json_object_get(j, "host"),
		.child = json_object_get(j, "child") };
	return json_is_number(time) && x->time >= 0 && x->time < TIME_MAX &&
	    x->event != NULL;
}

/* The ward's ID: the child's own, unless the line is about a member. */
static struct cp_id
ward_of(const struct line *x)
{
	struct cp_id id = { number(x->child, "ward"),
		number(x->child, "ward_start") };

	if (id.pid < 0)
		id.pid = number(x->child, "pid");
	if (id.start < 0 && id.pid == number(x->child, "pid"))
		id.start = number(x->child, "start");
	return id;
}

bool
cp_lifelines_line(struct cp_lifelines *l, const char *line, size_t len)
{
	json_t *j = json_loadb(line, len, 0, NULL);
	struct cp_id id;
	struct line x;

	l->lines++;
	if (!parse(j, &x)) {
		l->strange++;
		json_decref(j);
		return false;
	}
	if (l->from > l->to)
		l->from = l->to = x.time;
	if (x.time > l->to)
		l->to = x.time;
	if (x.time < l->from)
		l->from = x.time;
	id = ward_of(&x);
	if (id.pid > 0 && id.start >= 0) {
		hear(l, &x, id);
	} else {
		take_note(l, &x);
	}
	json_decref(j);
	return true;
}
