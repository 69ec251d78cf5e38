/* SPDX-License-Identifier: MIT */
/*
 * Every way to spawn a ward that the end-to-end tests know.  One spec is one
 * argument of the host program, words joined by commas:
 *
 *	how=fork,wire=pipe,from=main,exec=execve,prog=ward,mode=stubborn,n=1,
 *	with=setsid,with=noenv …
 */
#ifndef CP_TESTS_SPAWN_H
#define CP_TESTS_SPAWN_H

#include <sys/types.h>

#define WITH_SETSID  0x01u /* the child leads a session */
#define WITH_SETPGID 0x02u /* the child leads a group */
#define WITH_NOENV   0x04u /* its environment is empty */
#define WITH_NOCLO   0x08u /* host ends without CLOEXEC, closed by hand */
#define WITH_LEAKY   0x10u /* … and not closed: the child inherits them */
#define WITH_DOUBLE  0x20u /* forked twice before exec */
#define WITH_TEXT    0x40u /* text left in a FILE * to the child, unflushed */
#define WITH_AROUND  0x80u /* posix_spawn's actions go by way of other fds */
#define WITH_REOPEN  0x100u /* … and open /dev/null over it all in the end */
#define WITH_ONEWAY  0x200u /* … or over its stdout alone */

struct spec {
	char how[16], wire[16], from[16], exec[16], prog[16], mode[16];
	unsigned with;
	int n;
};

/* The child ends of a channel, -1 to inherit the host's own stdio. */
struct wire {
	int in;
	int out;
	int host_in;  /* the host writes here, or -1 */
	int host_out; /* the host reads here, or -1 */
};

struct job {
	const struct spec *spec;
	struct wire wire;
	char **argv; /* argv[0] is the path of the program */
	char **envp;
};

/* Fills *SPEC from TEXT.  Returns 0, or -1 if there is no such word. */
int spec_parse(struct spec *spec, const char *text);

/* Makes the channel that SPEC asks for; ends the program if it can't. */
void wire_make(const struct spec *spec, struct wire *wire);

/* Gives the child ends away: what a host does when the child is there. */
void wire_handed_over(const struct wire *wire);

/*
 * The child's part, from fork to exec; never returns.  Async-signal-safe, and
 * fit for a vfork child.
 */
void child_side(const struct job *job) __attribute__((__noreturn__));

/*
 * Spawns one child as JOB says; ends the program if that fails.  Sets the host
 * ends of a wire that the way to spawn makes itself (forkpty).
 */
void job_spawn(struct job *job);

#endif
