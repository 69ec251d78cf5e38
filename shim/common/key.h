/* SPDX-License-Identifier: MIT */
/*
 * "The same command in the same directory" as one number: FNV-1a over the
 * arguments, each with its NUL, as /proc/PID/cmdline shows them, then over the
 * working directory's device and inode.  Never 0.  Context: any.
 */
#ifndef CP_KEY_H
#define CP_KEY_H

#include <stddef.h>
#include <stdint.h>

#define CP_KEY_EMPTY UINT64_C(0xcbf29ce484222325)

/* KEY with LEN more bytes of the arguments. */
uint64_t cp_key_add(uint64_t key, const void *bytes, size_t len);

/* The finished key. */
uint64_t cp_key_end(uint64_t key, uint64_t dev, uint64_t ino);

#endif
