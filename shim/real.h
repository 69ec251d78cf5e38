/* SPDX-License-Identifier: MIT */
/* The real functions behind the wrapped names. */
#ifndef CP_REAL_H
#define CP_REAL_H

#include <sys/types.h>

#include <features.h>
#include <pty.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>

/* Exporting a name that the libc lacks would break those who look for it. */
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 39)
#define CP_PIDFD_SPAWN 1
#else
#define CP_PIDFD_SPAWN 0
#endif

#define CP_EXPORT __attribute__((visibility("default")))

#define X(type, name, params, none, when) CP_HOOK_##name,
enum cp_hook {
#include "hooks.def"
	CP_HOOKS
};
#undef X

#define X(type, name, params, none, when) typedef type cp_type_##name params;
#include "hooks.def"
#undef X

/*
 * What the next object after ours calls by this name; never NULL: a function
 * that nobody has fails as its family does, with ENOSYS.  Works before the
 * constructor.  Context: any for the EARLY ones in a host, else host.
 */
#define cp_real(name) ((cp_type_##name *)cp_real_find(CP_HOOK_##name))
void *cp_real_find(enum cp_hook hook);

/* Looks up the EARLY ones.  Context: host. */
void cp_real_init(void);

#endif
