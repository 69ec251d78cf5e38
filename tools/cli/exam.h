/* SPDX-License-Identifier: MIT */
/*
 * The doctor's judgement of what was read.  Pure: text in, finding out.  A
 * text that is NULL could not be read.
 */
#ifndef CP_EXAM_H
#define CP_EXAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "finding.h"

/* fs.inotify.max_user_watches: a duplex child needs two. */
struct cp_finding cp_exam_watches(const char *text);

/* fs.inotify.max_user_instances: a guard needs one. */
struct cp_finding cp_exam_instances(const char *text);

/* net.unix.max_dgram_qlen: registrations that wait for the guard. */
struct cp_finding cp_exam_queue(const char *text);

/* kernel.yama.ptrace_scope */
struct cp_finding cp_exam_yama(const char *text);

/* The hard limit of descriptors, UINT64_MAX: none. */
struct cp_finding cp_exam_descriptors(uint64_t limit);

/* /proc/self/mountinfo: is /proc mounted, and what does it hide? */
struct cp_finding cp_exam_proc(const char *mountinfo, bool root);

/* The link /proc/self of process PID: is it the /proc of our namespace? */
struct cp_finding cp_exam_self(const char *link, int pid);

/* The outcome of a probe: an errno.  REMEDY is for when it failed. */
struct cp_finding cp_exam_probe(int error, enum cp_level level,
    const char *remedy, bool seccomp);

/* Does the "Seccomp:" line of /proc/self/status tell of a filter? */
bool cp_exam_seccomp(const char *status);

/*
 * The version that the file of LEN bytes at BASE says it is of, in VERSION
 * (SIZE bytes).  Returns whether it says so.
 */
bool cp_exam_version(const void *base, size_t len, char *version, size_t size);

/*
 * Takes the next entry of a list as ld.so(8) reads it, at *TEXT; returns its
 * length, 0 at the end.  FILE: it is /etc/ld.so.preload, with comments.
 */
size_t cp_exam_entry(const char **text, bool file);

#endif
