/* SPDX-License-Identifier: MIT */
/* See slim.h. */
#include <sys/mman.h>

#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include "slim.h"

#define PARTS_MAX 32 /* three or so of each object */
/* How deep the stack has been, and what a sleep needs of it. */
#define DEPTH	(64 * 1024)
#define SHALLOW 8192

static struct {
	void *at;
	size_t len;
} parts[PARTS_MAX];
static int n_parts;
static uintptr_t page = 4096;

/*
 * What can't be written is as in the file.  Not so what was written once by
 * the dynamic linker, and made read-only then: that is in a part which can.
 */
static int
note(struct dl_phdr_info *object, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	for (int i = 0; i < object->dlpi_phnum && n_parts < PARTS_MAX; i++) {
		const ElfW(Phdr) *p = &object->dlpi_phdr[i];
		uintptr_t from = object->dlpi_addr + p->p_vaddr;
		uintptr_t to = from + p->p_filesz;

		if (p->p_type != PT_LOAD || (p->p_flags & PF_W) != 0)
			continue;
		from &= ~(page - 1);
		parts[n_parts].at = (void *)from;
		parts[n_parts++].len = to - from;
	}
	return 0;
}

void
cp_slim_init(void)
{
	n_parts = 0;
	page = (uintptr_t)sysconf(_SC_PAGESIZE);
	(void)dl_iterate_phdr(note, NULL);
}

void
cp_slim(void)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);

	here = (here - SHALLOW) & ~(page - 1);
	(void)madvise((void *)(here - DEPTH), DEPTH, MADV_DONTNEED);
	for (int i = 0; i < n_parts; i++)
		(void)madvise(parts[i].at, parts[i].len, MADV_DONTNEED);
}
