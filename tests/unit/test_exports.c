/* SPDX-License-Identifier: MIT */
/*
 * Which functions an object exports: one built here byte by byte, whole, cut
 * off and spoilt.
 */
#include <criterion/criterion.h>

#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/cli/target.h"

/* Our own header is that of an object the loader takes. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

#define SYMBOLS 7

struct object {
	ElfW(Ehdr) eh;
	ElfW(Shdr) sh[3];
	ElfW(Sym) sym[SYMBOLS];
	char strings[64];
};

static ElfW(Sym)
symbol(uint32_t name, unsigned char info, unsigned char other, uint16_t section)
{
	return (ElfW(Sym)){ .st_name = name,
		.st_info = info,
		.st_other = other,
		.st_shndx = section };
}

#define INFO(bind, type) (unsigned char)(((bind) << 4) | (type))

static void
build(struct object *o)
{
	static const char strings[] = "\0fork\0pipe\0data\0need\0hide\0mine";

	memset(o, 0, sizeof(*o));
	o->eh = __ehdr_start;
	o->eh.e_type = ET_DYN;
	o->eh.e_shoff = offsetof(struct object, sh);
	o->eh.e_shentsize = sizeof(o->sh[0]);
	o->eh.e_shnum = 3;
	o->sh[1].sh_type = SHT_DYNSYM;
	o->sh[1].sh_offset = offsetof(struct object, sym);
	o->sh[1].sh_size = sizeof(o->sym);
	o->sh[1].sh_link = 2;
	o->sh[2].sh_type = SHT_STRTAB;
	o->sh[2].sh_offset = offsetof(struct object, strings);
	o->sh[2].sh_size = sizeof(o->strings);
	o->sym[1] = symbol(1, INFO(STB_GLOBAL, STT_FUNC), 0, 1);
	o->sym[2] = symbol(6, INFO(STB_WEAK, STT_GNU_IFUNC), 0, 1);
	o->sym[3] = symbol(11, INFO(STB_GLOBAL, STT_OBJECT), 0, 1);
	o->sym[4] = symbol(16, INFO(STB_GLOBAL, STT_FUNC), 0, SHN_UNDEF);
	o->sym[5] = symbol(21, INFO(STB_GLOBAL, STT_FUNC), STV_HIDDEN, 1);
	o->sym[6] = symbol(26, INFO(STB_LOCAL, STT_FUNC), 0, 1);
	memcpy(o->strings, strings, sizeof(strings));
}

static void
note(void *arg, const char *name)
{
	char *all = arg;

	/* Every byte of it is read: AddressSanitizer looks on. */
	if (strlen(all) + strlen(name) + 2 < 256)
		strcat(strcat(all, name), " ");
}

Test(exports, what_takes_the_place_of_others)
{
	struct object o;
	char all[256] = "";

	build(&o);
	cr_assert_eq(cp_target_exports(&o, sizeof(o), note, all), 0);
	cr_assert_str_eq(all, "fork pipe ");
}

Test(exports, no_object)
{
	struct object o;
	char all[256] = "";

	cr_assert_eq(cp_target_exports("", 0, note, all), -1);
	cr_assert_eq(cp_target_exports("#!/bin/sh\n", 10, note, all), -1);
	build(&o);
	o.eh.e_type = ET_EXEC;
	cr_assert_eq(cp_target_exports(&o, sizeof(o), note, all), -1);
	build(&o);
	o.eh.e_machine ^= 1;
	cr_assert_eq(cp_target_exports(&o, sizeof(o), note, all), -1);
	build(&o);
	o.eh.e_ident[EI_CLASS] ^= 3;
	cr_assert_eq(cp_target_exports(&o, sizeof(o), note, all), -1);
	cr_assert_str_eq(all, "");
}

Test(exports, cut_off)
{
	struct object o;
	char all[256];
	void *copy;

	build(&o);
	for (size_t n = 1; n < sizeof(o); n++) {
		/* An allocation of exactly N bytes, for AddressSanitizer. */
		copy = malloc(n);
		cr_assert_not_null(copy);
		memcpy(copy, &o, n);
		all[0] = '\0';
		(void)cp_target_exports(copy, n, note, all);
		if (n <= offsetof(struct object, strings))
			cr_assert_str_eq(all, "", "%zu: %s", n, all);
		free(copy);
	}
}

/* Every byte set to its extremes: it ends, and in bounds. */
Test(exports, garbage)
{
	static const unsigned char values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
	struct object o;
	unsigned char *copy = malloc(sizeof(o));
	char all[256];

	cr_assert_not_null(copy);
	build(&o);
	for (size_t i = 0; i < sizeof(o); i++) {
		for (size_t v = 0; v < sizeof(values); v++) {
			memcpy(copy, &o, sizeof(o));
			copy[i] = values[v];
			all[0] = '\0';
			(void)cp_target_exports(copy, sizeof(o), note, all);
		}
		memcpy(copy, &o, sizeof(o));
		memset(copy + i, 0xff, sizeof(o) - i < 8 ? sizeof(o) - i : 8);
		all[0] = '\0';
		(void)cp_target_exports(copy, sizeof(o), note, all);
	}
	free(copy);
}
