/* SPDX-License-Identifier: MIT */
/* Memory of our own: the host's malloc is the host's. */
#ifndef CP_MAP_H
#define CP_MAP_H

#include <sys/mman.h>
#include <sys/syscall.h>

#include <stddef.h>
#include <unistd.h>

/* Linux 4.14; older headers lack it. */
#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

/* SIZE bytes of zeros, MAP_PRIVATE or MAP_SHARED; or NULL.  Context: any. */
static inline void *
cp_map(size_t size, int flags)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_ANONYMOUS | flags, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* Private, and zeros again in every fork child; or NULL.  Context: any. */
static inline void *
cp_map_wiped(size_t size)
{
	void *p = cp_map(size, MAP_PRIVATE);

	if (p != NULL && syscall(SYS_madvise, p, size, MADV_WIPEONFORK) == -1) {
		(void)syscall(SYS_munmap, p, size);
		return NULL;
	}
	return p;
}

/* P may be NULL.  Context: any. */
static inline void
cp_unmap(void *p, size_t size)
{
	if (p != NULL)
		(void)syscall(SYS_munmap, p, size);
}

#endif
