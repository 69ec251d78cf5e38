/* SPDX-License-Identifier: MIT */
/*
 * Does the shim reach a program?  Told from the program's own bytes and mode;
 * nothing is run.  A guess in doubt costs little: a host that is guarded by
 * census and could have been reached is guarded a second slower.
 */
#ifndef CP_TARGET_H
#define CP_TARGET_H

#include <stdbool.h>
#include <stddef.h>

enum cp_reach {
	CP_REACH_YES = 0,
	CP_REACH_STATIC,  /* no loader, hence no LD_PRELOAD */
	CP_REACH_GO,	  /* spawns by raw system calls */
	CP_REACH_MUSL,	  /* its loader takes ours for an object of musl */
	CP_REACH_FOREIGN, /* another ELF class or machine */
	CP_REACH_ASAN,	  /* refuses to start behind another library */
	CP_REACH_SETID,	  /* the loader drops LD_PRELOAD */
	CP_REACH_UNKNOWN, /* unreadable, or nothing we understand */
};

/* Judges the LEN bytes at ELF, a whole program file (not its mode). */
enum cp_reach cp_target_judge(const void *elf, size_t len);

/*
 * Finds what runs a script: reads the "#!" line that the LEN bytes at TEXT
 * begin with, into PROGRAM (SIZE bytes).  For env(1) that is the program
 * which env will look up in PATH, without its options and assignments.
 * Returns 1; 0 if TEXT is no script; -1 if its line is unusable.
 */
int cp_target_script(const char *text, size_t len, char *program, size_t size);

/* Judges the file PATH as execvp(3) would run it: scripts by interpreter. */
enum cp_reach cp_target_look(const char *path);

/*
 * The same, telling STEP (may be NULL) of each script on the way: SCRIPT is run
 * by PROGRAM, or would be if ERROR, an errno of cp_path_find, were 0.
 */
typedef void cp_target_step(void *arg, const char *script, const char *program,
    int error);
enum cp_reach cp_target_walk(const char *path, cp_target_step *step, void *arg);

/*
 * Calls EACH with the name of every function that the object of LEN bytes at
 * ELF exports.  Returns 0, or -1 if the loader would ignore it: it is none, or
 * of another machine.
 */
int cp_target_exports(const void *elf, size_t len,
    void (*each)(void *arg, const char *name), void *arg);

/* Whether LD_PRELOAD may name the shim for such a program. */
bool cp_target_preload(enum cp_reach reach);

/* For people: "statically linked (LD_PRELOAD has no effect)". */
const char *cp_target_why(enum cp_reach reach);

#endif
