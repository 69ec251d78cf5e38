/* SPDX-License-Identifier: MIT */
/*
 * The judge of ELF files: does a loader run that reads LD_PRELOAD, and do
 * spawns come through libc?  Pure: bytes in, verdict out; every offset is
 * checked, since the file can be anything.  Context: any.
 */
#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <string.h>

#include "target.h"

/* How much of a segment Go's tools search, debug/buildinfo. */
#define CP_GO_INFO_MAX 65536

/* Our own header, by the linker: what class and machine the shim is of. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

struct image {
	const unsigned char *base;
	size_t len;
	ElfW(Ehdr) header;
};

/* Copies N bytes from OFFSET; nothing in the file need be aligned. */
static bool
take(const struct image *im, uint64_t offset, void *to, size_t n)
{
	if (offset > im->len || n > im->len - offset)
		return false;
	memcpy(to, im->base + offset, n);
	return true;
}

static bool
segment(const struct image *im, size_t i, ElfW(Phdr) *ph)
{
	return i < im->header.e_phnum &&
	    take(im, im->header.e_phoff + i * im->header.e_phentsize, ph,
		sizeof(*ph));
}

/* Is there a note of the name "Go" (.note.go.buildid) in segment PH? */
static bool
has_go_note(const struct image *im, const ElfW(Phdr) *ph)
{
	uint64_t align = ph->p_align == 8 ? 8 : 4, at = 0;
	ElfW(Nhdr) note;
	char name[4];

	while (at < ph->p_filesz &&
	    take(im, ph->p_offset + at, &note, sizeof(note))) {
		if (note.n_namesz == 4 &&
		    take(im, ph->p_offset + at + sizeof(note), name, 4) &&
		    memcmp(name, "Go\0", 4) == 0)
			return true;
		at += sizeof(note) + note.n_namesz;
		at = (at + align - 1) & ~(align - 1);
		at += note.n_descsz;
		at = (at + align - 1) & ~(align - 1);
	}
	return false;
}

/*
 * Does what Go's own tools look for begin the writable segment PH?  It is
 * there even in programs that were built without an id, and so have no note.
 */
static bool
has_go_info(const struct image *im, const ElfW(Phdr) *ph)
{
	static const char magic[] = "\xff Go buildinf:";
	size_t n = ph->p_filesz < CP_GO_INFO_MAX ? ph->p_filesz :
						   CP_GO_INFO_MAX;

	if (!(ph->p_flags & PF_W) || ph->p_offset > im->len)
		return false;
	if (n > im->len - ph->p_offset)
		n = im->len - ph->p_offset;
	return memmem(im->base + ph->p_offset, n, magic, sizeof(magic) - 1) !=
	    NULL;
}

static bool
is_musl(const struct image *im, const ElfW(Phdr) *ph)
{
	char loader[256];
	size_t n = ph->p_filesz < sizeof(loader) ? ph->p_filesz :
						   sizeof(loader);

	return take(im, ph->p_offset, loader, n) &&
	    memmem(loader, n, "ld-musl", strlen("ld-musl")) != NULL;
}

/* Where the address ADDR of the running program lies in the file. */
static uint64_t
file_offset(const struct image *im, uint64_t addr)
{
	ElfW(Phdr) ph;

	for (size_t i = 0; segment(im, i, &ph); i++)
		if (ph.p_type == PT_LOAD && addr >= ph.p_vaddr &&
		    addr - ph.p_vaddr < ph.p_filesz)
			return addr - ph.p_vaddr + ph.p_offset;
	return UINT64_MAX;
}

/* Reads entry I of the dynamic section PH. */
static bool
dynamic(const struct image *im, const ElfW(Phdr) *ph, size_t i, ElfW(Dyn) *d)
{
	return i < ph->p_filesz / sizeof(*d) &&
	    take(im, ph->p_offset + i * sizeof(*d), d, sizeof(*d)) &&
	    d->d_tag != DT_NULL;
}

/* Does the program need the AddressSanitizer runtime of gcc or clang? */
static bool
needs_asan(const struct image *im, const ElfW(Phdr) *ph)
{
	uint64_t strings = UINT64_MAX;
	ElfW(Dyn) d;
	char name[sizeof("libclang_rt.asan")];

	for (size_t i = 0; dynamic(im, ph, i, &d); i++)
		if (d.d_tag == DT_STRTAB)
			strings = file_offset(im, d.d_un.d_ptr);
	if (strings >= im->len)
		return false;
	for (size_t i = 0; dynamic(im, ph, i, &d); i++) {
		if (d.d_tag != DT_NEEDED || d.d_un.d_val > im->len ||
		    !take(im, strings + d.d_un.d_val, name, sizeof(name)))
			continue;
		if (memcmp(name, "libasan.", strlen("libasan.")) == 0 ||
		    memcmp(name, "libclang_rt.asan", sizeof(name) - 1) == 0)
			return true;
	}
	return false;
}

enum cp_reach
cp_target_judge(const void *elf, size_t len)
{
	struct image im = { .base = elf, .len = len };
	const ElfW(Ehdr) *own = &__ehdr_start;
	bool go = false, loader = false, musl = false, asan = false;
	ElfW(Phdr) ph;

	/* The headers of both classes agree as far as e_machine. */
	if (!take(&im, 0, &im.header, offsetof(ElfW(Ehdr), e_version)) ||
	    memcmp(im.header.e_ident, ELFMAG, SELFMAG) != 0)
		return CP_REACH_UNKNOWN;
	if (im.header.e_ident[EI_CLASS] != own->e_ident[EI_CLASS] ||
	    im.header.e_ident[EI_DATA] != own->e_ident[EI_DATA] ||
	    im.header.e_machine != own->e_machine)
		return CP_REACH_FOREIGN;
	if (!take(&im, 0, &im.header, sizeof(im.header)) ||
	    !segment(&im, 0, &ph))
		return CP_REACH_UNKNOWN;
	for (size_t i = 0; segment(&im, i, &ph); i++) {
		if (ph.p_type == PT_INTERP) {
			loader = true;
			musl = is_musl(&im, &ph);
		} else if (ph.p_type == PT_NOTE) {
			go = go || has_go_note(&im, &ph);
		} else if (ph.p_type == PT_LOAD) {
			go = go || has_go_info(&im, &ph);
		} else if (ph.p_type == PT_DYNAMIC) {
			asan = needs_asan(&im, &ph);
		}
	}
	if (!loader)
		return go ? CP_REACH_GO : CP_REACH_STATIC;
	if (musl)
		return CP_REACH_MUSL;
	if (asan)
		return CP_REACH_ASAN;
	return go ? CP_REACH_GO : CP_REACH_YES;
}
