/* SPDX-License-Identifier: MIT */
/* The journal's lines, whatever stands in them, and the file they go to. */
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "../../tools/guard/journal.h"

#define SOMEBODY  65534
#define LINES_MAX 32

static char dir[64], file[128];
static char text[65536];
static char *lines[LINES_MAX];
static size_t n_writes;
static struct cp_host host = { .pid = 70,
	.start = UINT64_C(1) << 53,
	.comm = "host" };
static struct cp_ward ward = { .pid = 71,
	.start = 5,
	.duplex = true,
	.name = "server" };

/* libc's, but that it counts: the journal's calls come here. */
ssize_t
write(int fd, const void *buf, size_t n)
{
	n_writes++;
	return syscall(SYS_write, fd, buf, n);
}

static char logged[512];
static size_t n_logged;

static void
keep_log(const char *format, va_list ap)
{
	n_logged++;
	(void)vsnprintf(logged, sizeof(logged), format, ap);
}

void
syslog(int priority, const char *format, ...)
{
	va_list ap;

	(void)priority;
	va_start(ap, format);
	keep_log(format, ap);
	va_end(ap);
}

/* With _FORTIFY_SOURCE. */
void __syslog_chk(int priority, int flag, const char *format, ...);

void
__syslog_chk(int priority, int flag, const char *format, ...)
{
	va_list ap;

	(void)priority;
	(void)flag;
	va_start(ap, format);
	keep_log(format, ap);
	va_end(ap);
}

static void
begin(void)
{
	strcpy(dir, "/tmp/childproof-journal.XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/journal", dir);
	ward.channel[0].kind = ward.channel[1].kind = CP_KIND_PIPE;
}

static void
end(void)
{
	static const char *const names[] = { "journal", "old", "target" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(file, sizeof(file), "%s/%s", dir, names[i]);
		(void)unlink(file);
	}
	cr_assert_eq(rmdir(dir), 0, "%s", strerror(errno));
}

TestSuite(journal, .timeout = 30, .init = begin, .fini = end);

static const char *
in_dir(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

/* Reads NAME into `lines`; returns how many. */
static size_t
read_lines(const char *name)
{
	int fd = open(in_dir(name), O_RDONLY);
	size_t n = 0;
	ssize_t len;

	cr_assert_geq(fd, 0);
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	cr_assert_geq(len, 0);
	text[len] = '\0';
	cr_assert(len == 0 || text[len - 1] == '\n');
	for (char *p = strtok(text, "\n"); p != NULL; p = strtok(NULL, "\n")) {
		cr_assert_lt(n, LINES_MAX);
		lines[n++] = p;
	}
	return n;
}

static json_t *
parse(const char *line)
{
	json_error_t error;
	json_t *j = json_loads(line, JSON_REJECT_DUPLICATES, &error);

	cr_assert_not_null(j, "%s: %s", error.text, line);
	cr_assert(json_is_object(j));
	return j;
}

/* Writes E, alone, and returns what is read back. */
static json_t *
written(const struct cp_entry *e)
{
	cp_journal_open(file);
	cp_journal(e);
	cr_assert_eq(read_lines("journal"), 1);
	return parse(lines[0]);
}

static const char *
string(json_t *j, const char *outer, const char *key)
{
	j = outer == NULL ? j : json_object_get(j, outer);
	return json_string_value(json_object_get(j, key));
}

static json_int_t
integer(json_t *j, const char *outer, const char *key)
{
	j = outer == NULL ? j : json_object_get(j, outer);
	cr_assert(json_is_integer(json_object_get(j, key)), "%s", key);
	return json_integer_value(json_object_get(j, key));
}

Test(journal, line)
{
	json_t *j = written(&(struct cp_entry){ .event = "signal",
	    .reason = "the host is dead",
	    .step = "TERM",
	    .sig = SIGTERM,
	    .host = &host,
	    .ward = &ward,
	    .pid = 72,
	    .start = 6,
	    .error = EPERM });

	cr_assert_str_eq(string(j, NULL, "event"), "signal");
	cr_assert_str_eq(string(j, NULL, "reason"), "the host is dead");
	cr_assert_str_eq(string(j, NULL, "step"), "TERM");
	cr_assert_str_eq(string(j, NULL, "error"), strerror(EPERM));
	cr_assert_eq(integer(j, NULL, "signal"), SIGTERM);
	cr_assert_eq(integer(j, "host", "pid"), 70);
	cr_assert_eq(integer(j, "host", "start"), INT64_C(1) << 53);
	cr_assert_eq(integer(j, "child", "pid"), 72);
	cr_assert_eq(integer(j, "child", "start"), 6);
	cr_assert_eq(integer(j, "child", "ward"), 71);
	cr_assert_eq(integer(j, "child", "ward_start"), 5);
	cr_assert_str_eq(string(j, "child", "name"), "server");
	cr_assert_str_eq(string(j, "child", "channel"), "duplex pipe");
	cr_assert_gt(json_real_value(json_object_get(j, "time")), 1.6e9);
	json_decref(j);
}

Test(journal, numbers)
{
	static const struct cp_number numbers[] = {
		{ "live", 3 },
		{ "idle", 1.5 },
		{ NULL, 0 },
	};
	json_t *j = written(&(struct cp_entry){ .event = "brake",
	    .host = &host,
	    .name = "ser\nver",
	    .numbers = numbers });

	cr_assert_eq(integer(j, "numbers", "live"), 3);
	cr_assert_eq(json_real_value(
			 json_object_get(json_object_get(j, "numbers"),
			     "idle")),
	    1.5);
	cr_assert_eq(json_object_size(json_object_get(j, "numbers")), 2);
	cr_assert_str_eq(string(j, "child", "name"), "ser\nver");
	json_decref(j);
}

Test(journal, what_is_not_known_is_not_there)
{
	json_t *j = written(&(struct cp_entry){ .event = "hurry" });

	cr_assert_eq(json_object_size(j), 2); /* time and event */
	json_decref(j);
}

Test(journal, one_write_a_line)
{
	cp_journal_open(file);
	n_writes = 0;
	for (size_t i = 1; i <= 3; i++) {
		cp_journal(&(struct cp_entry){ .event = "ward",
		    .host = &host,
		    .ward = &ward });
		cr_assert_eq(n_writes, i);
	}
	cr_assert_eq(read_lines("journal"), 3);
	for (int i = 0; i < 3; i++)
		json_decref(parse(lines[i]));
}

/* Names are the host's to choose. */
Test(journal, names_are_only_names)
{
	static const char *const names[] = {
		"a\nb\r\t\x1b[31m", "\"},{\"", "\xff\xfe", "\xc3", "\\", "",
		"\xed\xa0\x80", /* half a surrogate pair */
	};

	cp_journal_open(file);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		memset(ward.name, 0, sizeof(ward.name));
		memcpy(ward.name, names[i], strlen(names[i]));
		memset(host.comm, 0, sizeof(host.comm));
		memcpy(host.comm, names[i], strlen(names[i]));
		cp_journal(&(struct cp_entry){ .event = "ward",
		    .host = &host,
		    .ward = &ward });
	}
	cr_assert_eq(read_lines("journal"), sizeof(names) / sizeof(names[0]));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		json_t *j = parse(lines[i]);

		cr_assert_eq(json_object_size(j), 4, "%zu", i);
		if (i < 2) /* valid: as it is */
			cr_assert_str_eq(string(j, "child", "name"), names[i]);
		for (const char *p = lines[i]; *p != '\0'; p++)
			cr_assert_geq((unsigned char)*p, ' ', "%zu", i);
		json_decref(j);
	}
}

Test(journal, names_that_fill_their_room)
{
	json_t *j;

	memset(ward.name, 'n', sizeof(ward.name));
	memset(host.comm, 'c', sizeof(host.comm));
	j = written(&(
	    struct cp_entry){ .event = "ward", .host = &host, .ward = &ward });
	cr_assert_eq(strlen(string(j, "child", "name")), sizeof(ward.name));
	cr_assert_eq(strlen(string(j, "host", "comm")), sizeof(host.comm));
	json_decref(j);
}

/* cat with FIRST for its own name, once it has been exec'd; it waits. */
static pid_t
run(const char *first, int gate[2])
{
	char *argv[] = { (char *)(uintptr_t)first, (char[]){ "-" }, NULL };
	int done[2];
	pid_t pid;
	char c;

	cr_assert(pipe2(gate, O_CLOEXEC) == 0 && pipe2(done, O_CLOEXEC) == 0);
	pid = fork();
	if (pid == 0) {
		(void)dup2(gate[0], 0);
		(void)dup2(done[1], 1);
		(void)execv("/bin/cat", argv);
		_exit(127);
	}
	close(done[1]);
	/* Its exec closes files before it has arguments to be read. */
	cr_assert_eq(write(gate[1], "", 1), 1);
	cr_assert_eq(read(done[0], &c, 1), 1);
	close(done[0]);
	return pid;
}

/* The arguments of such a process as they were read back. */
static json_t *
arguments(const char *first)
{
	int gate[2], status;
	pid_t pid = run(first, gate);
	json_t *j, *list;

	j = written(&(struct cp_entry){ .event = "ward",
	    .host = &host,
	    .ward = &ward,
	    .pid = pid });
	close(gate[1]);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
	list = json_object_get(json_object_get(j, "child"), "argv");
	cr_assert(json_is_array(list));
	json_incref(list);
	json_decref(j);
	return list;
}

static const char *
argument(json_t *list, size_t i)
{
	return json_string_value(json_array_get(list, i));
}

/* What is told of a process that has ended since it was looked up. */
static json_t *
told_late(struct cp_ward *w, bool child)
{
	struct cp_whom whom;
	int gate[2];
	pid_t pid = run("a victim", gate);

	if (child)
		w->pid = pid;
	cp_journal_open(file);
	cp_journal_whom(&whom, w, pid);
	close(gate[1]);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
	return written(&(struct cp_entry){ .event = "signal",
	    .host = &host,
	    .ward = w,
	    .pid = pid,
	    .whom = &whom });
}

Test(journal, who_has_ended_since)
{
	json_t *j = told_late(&ward, false), *list;

	list = json_object_get(json_object_get(j, "child"), "argv");
	cr_assert_str_eq(argument(list, 0), "a victim");
	cr_assert_eq(json_array_size(list), 2);
	cr_assert_str_eq(string(j, "child", "name"), "cat", "its own");
	json_decref(j);
}

Test(journal, the_child_has_the_name_that_it_was_started_by)
{
	struct cp_ward w = ward;
	json_t *j = told_late(&w, true);

	cr_assert_str_eq(string(j, "child", "name"), "server");
	json_decref(j);
}

Test(journal, arguments_as_they_are)
{
	static const char odd[] = "a b\n\x1b]0;x\a\"\\ \xc3\xa9";
	json_t *list = arguments(odd);

	cr_assert_eq(json_array_size(list), 2);
	cr_assert_str_eq(argument(list, 0), odd);
	cr_assert_str_eq(argument(list, 1), "-");
	json_decref(list);
}

Test(journal, arguments_that_are_no_text)
{
	json_t *list = arguments("\xff\n\x80z");

	cr_assert_eq(json_array_size(list), 2);
	cr_assert_not_null(strchr(argument(list, 0), 'z'));
	for (const char *p = argument(list, 0); *p != '\0'; p++)
		cr_assert(*p >= ' ' && *p <= '~', "%x", *p);
	json_decref(list);
}

/* Cut in the middle of a character. */
Test(journal, arguments_without_an_end)
{
	char many[6001];
	json_t *list;

	for (size_t i = 0; i < sizeof(many) - 1; i++)
		many[i] = i % 2 == 0 ? '\xc3' : '\xa9';
	many[sizeof(many) - 1] = '\0';
	list = arguments(many);
	cr_assert_eq(json_array_size(list), 1);
	cr_assert_gt(strlen(argument(list, 0)), 4000);
	json_decref(list);
}

Test(journal, nobody_has_no_arguments)
{
	ward.pid = 0x3ffffff;
	json_t *j = written(
	    &(struct cp_entry){ .event = "end", .host = &host, .ward = &ward });

	cr_assert_eq(json_array_size(
			 json_object_get(json_object_get(j, "child"), "argv")),
	    0);
	json_decref(j);
}

Test(journal, is_for_its_owner_only)
{
	struct stat st;

	(void)umask(0);
	cp_journal_open(file);
	cr_assert_eq(stat(file, &st), 0);
	cr_assert_eq(st.st_mode & 07777, 0600, "%o", (unsigned)st.st_mode);
}

Test(journal, is_added_to)
{
	for (int i = 0; i < 2; i++) {
		cp_journal_open(file);
		cp_journal_note("guard-start", NULL, 0);
	}
	cr_assert_eq(read_lines("journal"), 2);
}

Test(journal, follows_no_link)
{
	struct stat st;

	cr_assert_eq(symlink(in_dir("target"), file), 0);
	cp_journal_open(file);
	cp_journal_note("hurry", NULL, 0);
	cr_assert_eq(stat(in_dir("target"), &st), -1);
	cr_assert_eq(errno, ENOENT);
}

/* Anybody can make a file in /tmp and wait for what is written to it. */
Test(journal, is_not_written_to_a_strangers_file)
{
	int fd = open(file, O_WRONLY | O_CREAT, 0666);
	struct stat st;

	cr_assert_geq(fd, 0);
	if (fchown(fd, SOMEBODY, SOMEBODY) != 0) { /* no such user here */
		cr_assert(errno == EPERM || errno == EINVAL);
		close(fd);
		return;
	}
	close(fd);
	cp_journal_open(file);
	cp_journal_note("hurry", NULL, 0);
	cr_assert_eq(stat(file, &st), 0);
	cr_assert_eq(st.st_size, 0);
}

Test(journal, goes_on_in_a_new_file_after_rotation)
{
	cp_journal_open(file);
	cp_journal_note("hurry", "one", 0);
	cr_assert_eq(rename(file, in_dir("old")), 0);
	cp_journal_note("hurry", "two", 0);
	cp_journal_reopen();
	cp_journal_note("hurry", "three", 0);
	cr_assert_eq(read_lines("old"), 2);
	cr_assert_eq(read_lines("journal"), 1);
	cr_assert_not_null(strstr(lines[0], "three"));
}

/* What is done to a process is told, whatever becomes of the file. */
Test(journal, goes_to_syslog_where_there_can_be_no_file)
{
	const struct cp_entry sent = { .event = "signal",
		.step = "TERM",
		.sig = SIGTERM,
		.host = &host,
		.ward = &ward };

	cp_journal_open("/nonexistent/journal");
	n_writes = 0;
	cp_journal(&sent);
	cp_journal_reopen();
	cp_journal(&sent);
	cr_assert_eq(n_writes, 0);
	cr_assert_eq(n_logged, 2);
	cr_assert_str_eq(logged, "signal server[71] of host[70]: SIGTERM");
	cp_journal(&(struct cp_entry){ .event = "ward", .ward = &ward });
	cr_assert_eq(n_logged, 2, "arguments are for the file only");
	cp_journal_open("none");
	cp_journal(&sent);
	cr_assert_eq(n_writes, 0);
	cr_assert_eq(n_logged, 2);
}

Test(journal, goes_to_syslog_where_there_is_no_room)
{
	cp_journal_open("/dev/full");
	cp_journal_note("hurry", "why", 0);
	cr_assert_str_eq(logged, "hurry: why");
	cp_journal_open(file);
	cp_journal_note("hurry", "again", 0);
	cr_assert_eq(n_logged, 1);
}

/* A reader who is gone, or who never came, does not hold up the guard. */
Test(journal, waits_for_no_reader)
{
	cr_assert_eq(mkfifo(file, 0600), 0);
	cp_journal_open(file);
	n_writes = 0;
	cp_journal_note("hurry", NULL, 0);
	cr_assert_eq(n_writes, 0);
}
