/* SPDX-License-Identifier: MIT */
/*
 * What an object gives to whoever loads it.  Pure: every offset is checked,
 * since the file can be anything.  By section headers: the dynamic section
 * does not say how many symbols there are, and no usual tool strips them.
 * Context: any.
 */
#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <string.h>

#include "target.h"

/* Our own header, by the linker: what class and machine the loader takes. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

struct image {
	const unsigned char *base;
	size_t len;
	ElfW(Ehdr) header;
};

static bool
take(const struct image *im, uint64_t offset, void *to, size_t n)
{
	if (offset > im->len || n > im->len - offset)
		return false;
	memcpy(to, im->base + offset, n);
	return true;
}

static bool
section(const struct image *im, size_t i, ElfW(Shdr) *sh)
{
	return i < im->header.e_shnum &&
	    take(im, im->header.e_shoff + i * im->header.e_shentsize, sh,
		sizeof(*sh));
}

/* The name at OFFSET of the string table, if it ends inside the file. */
static const char *
name_at(const struct image *im, const ElfW(Shdr) *strings, uint64_t offset)
{
	uint64_t at;

	if (offset >= strings->sh_size || strings->sh_offset > im->len)
		return NULL;
	at = strings->sh_offset + offset;
	if (at >= im->len || memchr(im->base + at, '\0', im->len - at) == NULL)
		return NULL;
	return (const char *)im->base + at;
}

/* Defined here, for all, and code: what takes the place of another's. */
static bool
is_exported(const ElfW(Sym) *sym)
{
	unsigned char type = sym->st_info & 0xf, bind = sym->st_info >> 4;

	return sym->st_shndx != SHN_UNDEF &&
	    (type == STT_FUNC || type == STT_GNU_IFUNC) &&
	    (bind == STB_GLOBAL || bind == STB_WEAK) &&
	    (sym->st_other & 3) == STV_DEFAULT;
}

int
cp_target_exports(const void *elf, size_t len,
    void (*each)(void *arg, const char *name), void *arg)
{
	struct image im = { .base = elf, .len = len };
	const ElfW(Ehdr) *own = &__ehdr_start;
	ElfW(Shdr) sh, strings;
	ElfW(Sym) sym;
	const char *name;

	if (!take(&im, 0, &im.header, sizeof(im.header)) ||
	    memcmp(im.header.e_ident, own->e_ident, EI_VERSION) != 0 ||
	    im.header.e_machine != own->e_machine || im.header.e_type != ET_DYN)
		return -1;
	for (size_t i = 0; section(&im, i, &sh); i++) {
		if (sh.sh_type != SHT_DYNSYM ||
		    !section(&im, sh.sh_link, &strings))
			continue;
		for (uint64_t at = 0; at + sizeof(sym) <= sh.sh_size &&
		     take(&im, sh.sh_offset + at, &sym, sizeof(sym));
		     at += sizeof(sym)) {
			name = is_exported(&sym) ?
			    name_at(&im, &strings, sym.st_name) :
			    NULL;
			if (name != NULL)
				each(arg, name);
		}
	}
	return 0;
}
