/* SPDX-License-Identifier: MIT */
/*
 * The judge of programs, with ELF files built here byte by byte, since no
 * machine has all kinds of them; scripts; and a few real files.
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include <sys/stat.h>

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../tools/cli/path.h"
#include "../../tools/cli/target.h"

/* Our own header is that of a program the shim reaches. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

#define INTERP "/lib64/ld-linux-x86-64.so.2"
#define MUSL   "/lib/ld-musl-x86_64.so.1"

/* Addresses of the built program are its file offsets plus this. */
#define BASE 0x400000u

struct program {
	char what[40];
	char interp[40];
	char note[8];	 /* name of the second note, 4 bytes count */
	char needed[32]; /* second DT_NEEDED */
	uint64_t align;	 /* of the notes */
	uint8_t flip_class;
	uint8_t flip_data;
	uint8_t flip_machine;
	enum cp_reach reach;
};

/* A file of fixed layout: whatever is wanted lies at its place. */
struct image {
	ElfW(Ehdr) eh;
	ElfW(Phdr) ph[5];
	char interp[64];
	unsigned char notes[64];
	ElfW(Dyn) dyn[5];
	char strings[96];
};

static ElfW(Phdr)
part(uint32_t type, uint64_t offset, uint64_t size)
{
	return (ElfW(Phdr)){
		.p_type = type,
		.p_offset = offset,
		.p_vaddr = BASE + offset,
		.p_filesz = size,
		.p_memsz = size,
		.p_align = 4,
	};
}

/* Two notes; the first has a descriptor, a name and a padding of odd size. */
static size_t
build_notes(const struct program *p, unsigned char *to)
{
	ElfW(Nhdr) gnu = { 3, 1, 1 }, other = { 4, 4, 4 };
	uint64_t align = p->align == 8 ? 8 : 4, at = 0;

	memcpy(to, &gnu, sizeof(gnu));
	memcpy(to + sizeof(gnu), "GN", 3);
	at = sizeof(gnu) + 4;
	at = (at + 1 + align - 1) & ~(align - 1);
	memcpy(to + at, &other, sizeof(other));
	memcpy(to + at + sizeof(other), p->note, 4);
	return at + sizeof(other) + 8;
}

static void
build(const struct program *p, struct image *im)
{
	size_t n = 0, length;

	memset(im, 0, sizeof(*im));
	im->eh = __ehdr_start;
	im->eh.e_phoff = offsetof(struct image, ph);
	im->eh.e_phentsize = sizeof(im->ph[0]);
	im->eh.e_ident[EI_CLASS] ^= p->flip_class;
	im->eh.e_ident[EI_DATA] ^= p->flip_data;
	im->eh.e_machine ^= p->flip_machine;
	im->ph[n++] = part(PT_LOAD, 0, sizeof(*im));
	if (p->interp[0] != '\0') {
		strcpy(im->interp, p->interp);
		im->ph[n++] = part(PT_INTERP, offsetof(struct image, interp),
		    strlen(p->interp) + 1);
	}
	if (p->note[0] != '\0') {
		length = build_notes(p, im->notes);
		im->ph[n] = part(PT_NOTE, offsetof(struct image, notes),
		    length);
		im->ph[n++].p_align = p->align;
	}
	strcpy(im->strings + 1, "libc.so.6");
	strcpy(im->strings + 16, p->needed);
	im->dyn[0].d_tag = DT_NEEDED;
	im->dyn[0].d_un.d_val = 1;
	im->dyn[1].d_tag = DT_NEEDED;
	im->dyn[1].d_un.d_val = 16;
	im->dyn[2].d_tag = DT_STRTAB;
	im->dyn[2].d_un.d_ptr = BASE + offsetof(struct image, strings);
	if (p->needed[0] != '\0')
		im->ph[n++] = part(PT_DYNAMIC, offsetof(struct image, dyn),
		    sizeof(im->dyn));
	im->eh.e_phnum = (uint16_t)n;
	/* Behind the end of each table lies what must not be seen. */
	im->ph[4] = part(PT_INTERP, offsetof(struct image, interp), 1);
	strcpy(im->strings + 64, "libasan.so.8");
	im->dyn[4].d_tag = DT_NEEDED;
	im->dyn[4].d_un.d_val = 64;
}

ParameterizedTestParameters(target, judge)
{
	static struct program rows[] = {
		{ "dynamic", INTERP, "GNU", "libm.so.6", 4, 0, 0, 0,
		    CP_REACH_YES },
		{ "static", "", "GNU", "", 4, 0, 0, 0, CP_REACH_STATIC },
		{ "static-pie", "", "", "libm.so.6", 4, 0, 0, 0,
		    CP_REACH_STATIC },
		{ "Go, static", "", "Go", "", 4, 0, 0, 0, CP_REACH_GO },
		{ "Go with cgo", INTERP, "Go", "libm.so.6", 4, 0, 0, 0,
		    CP_REACH_GO },
		{ "Go note behind one aligned to 8", "", "Go", "", 8, 0, 0, 0,
		    CP_REACH_GO },
		{ "a note that begins like Go's", INTERP, "Gox", "", 4, 0, 0, 0,
		    CP_REACH_YES },
		{ "musl", MUSL, "", "", 4, 0, 0, 0, CP_REACH_MUSL },
		{ "musl at another place", "/opt/m/ld-musl-x86_64.so.1", "", "",
		    4, 0, 0, 0, CP_REACH_MUSL },
		{ "musl and Go", MUSL, "Go", "", 4, 0, 0, 0, CP_REACH_MUSL },
		{ "ASan of gcc", INTERP, "", "libasan.so.8", 4, 0, 0, 0,
		    CP_REACH_ASAN },
		{ "ASan of clang", INTERP, "", "libclang_rt.asan-x86_64.so", 4,
		    0, 0, 0, CP_REACH_ASAN },
		{ "a library named alike", INTERP, "", "libasano.so", 4, 0, 0,
		    0, CP_REACH_YES },
		{ "another class", INTERP, "", "", 4, 3, 0, 0,
		    CP_REACH_FOREIGN },
		{ "another byte order", INTERP, "", "", 4, 0, 3, 0,
		    CP_REACH_FOREIGN },
		{ "another machine", INTERP, "", "", 4, 0, 0, 1,
		    CP_REACH_FOREIGN },
		{ "another class, static", "", "", "", 4, 3, 0, 0,
		    CP_REACH_FOREIGN },
	};

	return cr_make_param_array(struct program, rows,
	    sizeof(rows) / sizeof(rows[0]));
}

ParameterizedTest(struct program *row, target, judge)
{
	struct image im;

	build(row, &im);
	cr_assert_eq(cp_target_judge(&im, sizeof(im)), row->reach, "%s: %s",
	    row->what, cp_target_why(cp_target_judge(&im, sizeof(im))));
}

/* A program built without an id; only where it may lie does it count. */
Test(target, judge_go_info)
{
	static const struct program program = { "", INTERP, "", "", 4, 0, 0, 0,
		CP_REACH_YES };
	struct image im;

	build(&program, &im);
	memcpy(im.strings + 32, "\xff Go buildinf:", 14);
	cr_assert_eq(cp_target_judge(&im, sizeof(im)), CP_REACH_YES);
	im.ph[0].p_flags = PF_R | PF_W;
	cr_assert_eq(cp_target_judge(&im, sizeof(im)), CP_REACH_GO);
	im.ph[0].p_filesz = offsetof(struct image, strings) + 32 + 13;
	cr_assert_eq(cp_target_judge(&im, sizeof(im)), CP_REACH_YES);
}

/* A file cut off anywhere: any verdict, but no byte read behind its end. */
Test(target, judge_cut_off)
{
	static const struct program program = { "", INTERP, "Go",
		"libasan.so.8", 4, 0, 0, 0, CP_REACH_ASAN };
	struct image im;
	unsigned char *copy;

	build(&program, &im);
	cr_assert_eq(cp_target_judge(&im, sizeof(im)), CP_REACH_ASAN);
	for (size_t n = 0; n < sizeof(im); n++) {
		/* An allocation of exactly N bytes, for AddressSanitizer. */
		copy = malloc(n);
		cr_assert(n == 0 || copy != NULL);
		if (n > 0)
			memcpy(copy, &im, n);
		if (n < sizeof(im.eh))
			cr_assert_eq(cp_target_judge(copy, n), CP_REACH_UNKNOWN,
			    "%zu", n);
		else
			(void)cp_target_judge(copy, n);
		free(copy);
	}
}

/* Every byte of the headers set to its extremes: it ends, and in bounds. */
Test(target, judge_garbage)
{
	static const struct program program = { "", INTERP, "Go",
		"libasan.so.8", 4, 0, 0, 0, CP_REACH_ASAN };
	static const unsigned char values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
	struct image im;
	unsigned char *copy = malloc(sizeof(im));

	cr_assert_not_null(copy);
	build(&program, &im);
	for (size_t i = 0; i < offsetof(struct image, strings); i++) {
		for (size_t v = 0; v < sizeof(values); v++) {
			memcpy(copy, &im, sizeof(im));
			copy[i] = values[v];
			cr_assert_leq(cp_target_judge(copy, sizeof(im)),
			    CP_REACH_UNKNOWN);
		}
		memcpy(copy, &im, sizeof(im));
		memset(copy + i, 0xff, sizeof(im) - i < 8 ? sizeof(im) - i : 8);
		cr_assert_leq(cp_target_judge(copy, sizeof(im)),
		    CP_REACH_UNKNOWN);
	}
	free(copy);
}

Test(target, judge_no_elf)
{
	cr_assert_eq(cp_target_judge("", 0), CP_REACH_UNKNOWN);
	cr_assert_eq(cp_target_judge("#!/bin/sh\n", 10), CP_REACH_UNKNOWN);
	cr_assert_eq(cp_target_judge("\177ELF", 4), CP_REACH_UNKNOWN);
}

struct script {
	char text[80];
	int found;
	char program[40];
};

ParameterizedTestParameters(target, script)
{
	static struct script rows[] = {
		{ "", 0, "" },
		{ "#", 0, "" },
		{ "echo x\n", 0, "" },
		{ "\177ELF", 0, "" },
		{ "#!", -1, "" },
		{ "#!\n/bin/sh", -1, "" },
		{ "#!  \n", -1, "" },
		{ "#!/bin/sh", 1, "/bin/sh" },
		{ "#!/bin/sh\n", 1, "/bin/sh" },
		{ "#! \t/bin/sh -e\n", 1, "/bin/sh" },
		{ "#!/usr/bin/env python3\n", 1, "python3" },
		{ "#!/usr/bin/env\tpython3", 1, "python3" },
		{ "#!/bin/env -S node --x\n", 1, "node" },
		{ "#!/bin/env -Snode --x\n", 1, "node" },
		{ "#!/bin/env -S  node\n", 1, "node" },
		{ "#!/bin/env -vS node\n", 1, "node" },
		{ "#!/bin/env --split-string=node x\n", 1, "node" },
		{ "#!/bin/env -S -i A=1 B= node x\n", 1, "node" },
		{ "#!/bin/env -S -u PATH -C / node\n", 1, "node" },
		{ "#!/bin/env -S ./x=y z\n", 1, "z" },
		{ "#!/bin/env\n", -1, "" },
		{ "#!/bin/env -S\n", -1, "" },
		{ "#!/bin/env -S -u\n", -1, "" },
		{ "#!/bin/env -S A=1\n", -1, "" },
		{ "#!env node\n", 1, "node" },
		{ "#!/bin/envy node\n", 1, "/bin/envy" },
		{ "#!/x/python3 env\n", 1, "/x/python3" },
	};

	return cr_make_param_array(struct script, rows,
	    sizeof(rows) / sizeof(rows[0]));
}

ParameterizedTest(struct script *row, target, script)
{
	char program[40] = "";
	/* Exactly as long as the text, for AddressSanitizer. */
	size_t len = strlen(row->text);
	char *text = malloc(len + (len == 0));

	cr_assert_not_null(text);
	memcpy(text, row->text, len);
	cr_assert_eq(cp_target_script(text, len, program, sizeof(program)),
	    row->found, "%s", row->text);
	cr_assert_str_eq(program, row->program);
	free(text);
}

Test(target, script_with_nul_or_too_long_a_name)
{
	char text[400] = "#!/bin/sh", program[PATH_MAX] = "";

	cr_assert_eq(cp_target_script(text, sizeof(text), program,
			 sizeof(program)),
	    -1);
	cr_assert_eq(cp_target_script(text, 9, program, 7), -1);
	cr_assert_str_eq(program, "");
	cr_assert_eq(cp_target_script(text, 9, program, 8), 1);
	cr_assert_str_eq(program, "/bin/sh");
	/* The kernel reads 256 bytes of the line, and so do we. */
	memset(text + 2, 'x', sizeof(text) - 2);
	cr_assert_eq(cp_target_script(text, sizeof(text), program,
			 sizeof(program)),
	    1);
	cr_assert_eq(strlen(program), 254);
}

Test(target, preload_is_kept_out_only_where_it_does_harm)
{
	cr_assert(cp_target_preload(CP_REACH_YES));
	cr_assert(cp_target_preload(CP_REACH_STATIC));
	cr_assert(cp_target_preload(CP_REACH_GO));
	cr_assert(cp_target_preload(CP_REACH_SETID));
	cr_assert(cp_target_preload(CP_REACH_UNKNOWN));
	cr_assert_not(cp_target_preload(CP_REACH_MUSL));
	cr_assert_not(cp_target_preload(CP_REACH_FOREIGN));
	cr_assert_not(cp_target_preload(CP_REACH_ASAN));
}

/* --- Files ---------------------------------------------------------------- */

static char dir[] = "/tmp/cp-target-XXXXXX";

static void
setup(void)
{
	cr_assert_not_null(mkdtemp(dir));
	cr_assert_eq(chdir(dir), 0);
	cr_assert_eq(setenv("PATH", dir, 1), 0);
}

static void
teardown(void)
{
	static const char *const names[] = { "prog", "fixed", "a", "b", "c",
		"d", "e", "f", "sub/prog" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unlink(names[i]);
	(void)rmdir("sub");
	(void)rmdir(dir);
}

static void
put_file(const char *name, const void *text, size_t len, mode_t mode)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, len), (ssize_t)len);
	cr_assert_eq(fchmod(fd, mode), 0);
	cr_assert_eq(close(fd), 0);
}

static void
put_program(const char *name, const char *interp, mode_t mode)
{
	struct program p = { .align = 4 };
	struct image im;

	strcpy(p.interp, interp);
	build(&p, &im);
	put_file(name, &im, sizeof(im), mode);
}

static void
put_script(const char *name, const char *text)
{
	put_file(name, text, strlen(text), 0755);
}

TestSuite(target_files, .init = setup, .fini = teardown);

Test(target_files, programs)
{
	put_program("prog", INTERP, 0755);
	put_program("fixed", "", 0755);
	cr_assert_eq(cp_target_look("./prog"), CP_REACH_YES);
	cr_assert_eq(cp_target_look("./fixed"), CP_REACH_STATIC);
	cr_assert_eq(cp_target_look("./none"), CP_REACH_UNKNOWN);
	cr_assert_eq(cp_target_look("."), CP_REACH_UNKNOWN);
}

Test(target_files, this_very_program)
{
	cr_assert_eq(cp_target_look("/proc/self/exe"),
#ifdef __SANITIZE_ADDRESS__
	    CP_REACH_ASAN
#else
	    CP_REACH_YES
#endif
	);
}

/* A set-id bit that changes nothing (our own file) is no obstacle. */
Test(target_files, setid)
{
	struct stat st;

	put_program("prog", INTERP, 06755);
	cr_assert_eq(cp_target_look("./prog"), CP_REACH_YES);
	if (chown("prog", 1, getgid()) == -1) { /* root of a namespace, or less */
		cr_assert(errno == EPERM || errno == EINVAL);
		return;
	}
	cr_assert_eq(chmod("prog", 04755), 0);
	cr_assert_eq(stat("prog", &st), 0);
	cr_assert_eq(cp_target_look("./prog"), CP_REACH_SETID);
	cr_assert_eq(chown("prog", getuid(), 1), 0);
	cr_assert_eq(chmod("prog", 02755), 0);
	cr_assert_eq(cp_target_look("./prog"), CP_REACH_SETID);
	cr_assert_eq(chmod("prog", 02745), 0);
	cr_assert_eq(cp_target_look("./prog"), CP_REACH_YES);
}

Test(target_files, scripts)
{
	char text[64];

	put_program("fixed", "", 0755);
	put_script("a", "#!/usr/bin/env -S fixed -x\n");
	cr_assert_eq(cp_target_look("./a"), CP_REACH_STATIC);
	(void)snprintf(text, sizeof(text), "#!%s/a\n", dir);
	put_script("b", text);
	cr_assert_eq(cp_target_look("./b"), CP_REACH_STATIC);
	put_script("c", "#!/usr/bin/env nonesuch\n");
	cr_assert_eq(cp_target_look("./c"), CP_REACH_UNKNOWN);
}

Test(target_files, scripts_in_a_circle)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "#!%s/a\n", dir);
	put_script("a", text);
	cr_assert_eq(cp_target_look("./a"), CP_REACH_UNKNOWN);
}

/* Without a "#!" line it is the shell that runs it. */
Test(target_files, shell_text)
{
	enum cp_reach shell = cp_target_look("/bin/sh");

	cr_assert_neq(shell, CP_REACH_UNKNOWN);
	put_script("a", "echo\n");
	cr_assert_eq(cp_target_look("./a"), shell);
}

Test(target_files, path)
{
	char path[PATH_MAX], list[PATH_MAX], expected[PATH_MAX];

	cr_assert_eq(mkdir("sub", 0700), 0);
	put_program("sub/prog", INTERP, 0755);
	put_program("prog", INTERP, 0644);
	(void)snprintf(list, sizeof(list), "/nonesuch:%s:%s/sub", dir, dir);
	(void)snprintf(expected, sizeof(expected), "%s/sub/prog", dir);
	cr_assert_eq(setenv("PATH", list, 1), 0);
	cr_assert_eq(cp_path_find("prog", path, sizeof(path)), 0);
	cr_assert_str_eq(path, expected);
	cr_assert_eq(setenv("PATH", dir, 1), 0);
	cr_assert_eq(cp_path_find("prog", path, sizeof(path)), EACCES);
	cr_assert_eq(cp_path_find("sub", path, sizeof(path)), EACCES);
	cr_assert_eq(cp_path_find("none", path, sizeof(path)), ENOENT);
	cr_assert_eq(cp_path_find("", path, sizeof(path)), ENOENT);
	cr_assert_eq(cp_path_find("sub/prog", path, sizeof(path)), 0);
	cr_assert_str_eq(path, "sub/prog");
	cr_assert_eq(cp_path_find("sub/prog", path, 4), ENAMETOOLONG);
	cr_assert_eq(chdir("sub"), 0);
	cr_assert_eq(setenv("PATH", "/nonesuch:", 1), 0);
	cr_assert_eq(cp_path_find("prog", path, sizeof(path)), 0);
	cr_assert_str_eq(path, "prog");
	cr_assert_eq(unsetenv("PATH"), 0);
	cr_assert_eq(cp_path_find("sh", path, sizeof(path)), 0);
	cr_assert_eq(chdir(".."), 0);
}
