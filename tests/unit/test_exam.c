/* SPDX-License-Identifier: MIT */
/*
 * The doctor's judgement, with values that this machine does not have.
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../tools/cli/exam.h"

/* Text that stands for a file that can't be read. */
#define NONE "-"

enum what { WATCHES, INSTANCES, QUEUE, YAMA, PROC, PROC_ROOT };

struct row {
	enum what what;
	char text[200];
	enum cp_level level;
	char says[40];
};

static struct cp_finding
examine(const struct row *r)
{
	const char *text = strcmp(r->text, NONE) != 0 ? r->text : NULL;

	switch (r->what) {
	case WATCHES:
		return cp_exam_watches(text);
	case INSTANCES:
		return cp_exam_instances(text);
	case QUEUE:
		return cp_exam_queue(text);
	case YAMA:
		return cp_exam_yama(text);
	case PROC:
		return cp_exam_proc(text, false);
	case PROC_ROOT:
		break;
	}
	return cp_exam_proc(text, true);
}

#define ROOT_MOUNT "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
#define MOUNT(how)                                                             \
	ROOT_MOUNT "22 1 0:20 / /proc rw,nosuid shared:5 - proc proc " how "\n"

ParameterizedTestParameters(exam, values)
{
	static struct row rows[] = {
		{ WATCHES, "65536\n", CP_OK, "32768 duplex" },
		{ WATCHES, "2048", CP_OK, "1024 duplex" },
		{ WATCHES, "2047\n", CP_WARN, "1023 duplex" },
		{ WATCHES, "0\n", CP_WARN, "0 duplex" },
		{ WATCHES, NONE, CP_OK, "can't be read" },
		{ WATCHES, "", CP_OK, "can't be read" },
		{ WATCHES, "-1\n", CP_OK, "can't be read" },
		{ WATCHES, "12 apples\n", CP_OK, "can't be read" },
		{ WATCHES, "99999999999999999999999\n", CP_OK, "can't be" },
		{ INSTANCES, "128\n", CP_OK, "128" },
		{ INSTANCES, "2\n", CP_WARN, "max_user_instances=" },
		{ QUEUE, "10\n", CP_OK, "10" },
		{ QUEUE, "512\n", CP_OK, "512" },
		{ QUEUE, "1\n", CP_WARN, "max_dgram_qlen=10" },
		{ YAMA, "0\n", CP_OK, "0;" },
		{ YAMA, "3\n", CP_OK, "does not limit" },
		{ YAMA, NONE, CP_OK, "not here" },
		{ PROC, MOUNT("rw"), CP_OK, "nothing hidden" },
		{ PROC, MOUNT("rw,hidepid=0"), CP_OK, "nothing hidden" },
		{ PROC, MOUNT("rw,hidepid=off"), CP_OK, "nothing hidden" },
		{ PROC, MOUNT("rw,hidepid=2"), CP_OK, "hidepid=2: only" },
		{ PROC, MOUNT("rw,hidepid=invisible,gid=4"), CP_OK,
		    "hidepid=invisible: only" },
		{ PROC, MOUNT("rw,hidepid=ptraceable"), CP_WARN,
		    "hidepid=ptraceable" },
		{ PROC, MOUNT("rw,hidepid=4"), CP_WARN, "hidepid=4" },
		{ PROC_ROOT, MOUNT("rw,hidepid=4"), CP_OK, "root" },
		{ PROC, ROOT_MOUNT, CP_FAIL, "mount -t proc" },
		{ PROC, NONE, CP_FAIL, "mount -t proc" },
		{ PROC, "", CP_FAIL, "mount -t proc" },
		{ PROC, "nonsense\n\n - \n", CP_FAIL, "mount -t proc" },
		/* What was mounted last is what is seen. */
		{ PROC, MOUNT("rw") "9 1 0:9 / /proc rw - tmpfs none rw",
		    CP_FAIL, "mount -t proc" },
		{ PROC, MOUNT("rw,hidepid=2") "9 1 0:9 / /proc rw - proc p rw",
		    CP_OK, "nothing hidden" },
		{ PROC, MOUNT("rw") "9 1 0:9 / /proc/sys ro - tmpfs none rw",
		    CP_OK, "nothing hidden" },
	};

	return cr_make_param_array(struct row, rows,
	    sizeof(rows) / sizeof(rows[0]));
}

ParameterizedTest(struct row *row, exam, values)
{
	struct cp_finding f = examine(row);

	cr_assert_eq(f.level, row->level, "%s: %d %s", row->text, f.level,
	    f.text);
	cr_assert_not_null(strstr(f.text, row->says), "%s: %s", row->text,
	    f.text);
}

Test(exam, descriptors)
{
	cr_assert_eq(cp_exam_descriptors(UINT64_MAX).level, CP_OK);
	cr_assert_eq(cp_exam_descriptors(4096).level, CP_OK);
	cr_assert_eq(cp_exam_descriptors(256).level, CP_WARN);
	cr_assert_not_null(strstr(cp_exam_descriptors(10).text, " 0 children"));
}

Test(exam, self)
{
	cr_assert_eq(cp_exam_self("12", 12).level, CP_OK);
	cr_assert_eq(cp_exam_self("13", 12).level, CP_FAIL);
	cr_assert_eq(cp_exam_self("12x", 12).level, CP_FAIL);
	cr_assert_eq(cp_exam_self("", 12).level, CP_FAIL);
	cr_assert_eq(cp_exam_self(NULL, 12).level, CP_FAIL);
}

Test(exam, probe)
{
	struct cp_finding f = cp_exam_probe(0, CP_FAIL, "remedy", true);

	cr_assert_eq(f.level, CP_OK);
	cr_assert_null(strstr(f.text, "remedy"));
	f = cp_exam_probe(ENOSYS, CP_FAIL, "remedy", false);
	cr_assert_eq(f.level, CP_FAIL);
	cr_assert_not_null(strstr(f.text, "(remedy)"));
	cr_assert_null(strstr(f.text, "seccomp"));
	f = cp_exam_probe(EPERM, CP_WARN, "remedy", true);
	cr_assert_eq(f.level, CP_WARN);
	cr_assert_not_null(strstr(f.text, "seccomp"));
	f = cp_exam_probe(ETIME, CP_WARN, "remedy", true);
	cr_assert_not_null(strstr(f.text, "never came"));
	cr_assert_null(strstr(f.text, "seccomp"));
}

Test(exam, seccomp)
{
	cr_assert(cp_exam_seccomp("Name:\tx\nSeccomp:\t2\nSeccomp_filters: 1"));
	cr_assert_not(cp_exam_seccomp("Name:\tx\nSeccomp:\t0\n"));
	cr_assert_not(cp_exam_seccomp("Name:\tSeccomp:\t2\n"));
	cr_assert_not(cp_exam_seccomp("Name:\tx\nSeccomp:"));
	cr_assert_not(cp_exam_seccomp(NULL));
}

struct version {
	char file[64];
	size_t len; /* 0: all, with the NUL */
	char version[16];
};

ParameterizedTestParameters(exam, version)
{
	static struct version rows[] = {
		{ "\177ELF childproof-version=0.1.0", 0, "0.1.0" },
		{ "childproof-version=12", 0, "12" },
		{ "childproof-version=", 0, "" },
		{ "childproof-version", 0, "" },
		{ "nothing", 0, "" },
		/* Cut off before its NUL; too long. */
		{ "childproof-version=0.1.0", 24, "" },
		{ "childproof-version=0123456789abcdef", 0, "" },
	};

	return cr_make_param_array(struct version, rows,
	    sizeof(rows) / sizeof(rows[0]));
}

ParameterizedTest(struct version *row, exam, version)
{
	char got[16] = "";
	size_t len = row->len != 0 ? row->len : strlen(row->file) + 1;

	cr_assert_eq(cp_exam_version(row->file, len, got, sizeof(got)),
	    row->version[0] != '\0');
	cr_assert_str_eq(got, row->version);
}

struct list {
	char text[64];
	bool file;
	char entries[64]; /* each followed by a '|' */
};

ParameterizedTestParameters(exam, entries)
{
	static struct list rows[] = {
		{ "", false, "" },
		{ " : :", false, "" },
		{ "/a.so", false, "/a.so|" },
		{ "/a.so:/b.so  c.so:", false, "/a.so|/b.so|c.so|" },
		{ "/a#b.so", false, "/a#b.so|" },
		{ "/a.so\n/b.so\n", true, "/a.so|/b.so|" },
		{ "# none /x.so\n", true, "" },
		{ "# one\n/a.so # two /x.so\n\t/b.so:/c.so", true,
		    "/a.so|/b.so|/c.so|" },
		{ "#", true, "" },
	};

	return cr_make_param_array(struct list, rows,
	    sizeof(rows) / sizeof(rows[0]));
}

ParameterizedTest(struct list *row, exam, entries)
{
	const char *text = row->text;
	char got[64] = "";
	size_t len;

	while ((len = cp_exam_entry(&text, row->file)) > 0) {
		strncat(got, text, len);
		strcat(got, "|");
		text += len;
	}
	cr_assert_str_eq(got, row->entries);
}
