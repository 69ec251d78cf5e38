/* SPDX-License-Identifier: MIT */
/*
 * What a host spawns to spawn for it, as the JVM does with its jspawnhelper:
 * it gets the channels anywhere but on its stdio, waits for a word, puts them
 * where they belong, and becomes the program.
 *
 *	helper WORD IN OUT PROGRAM [ARG…]
 *
 * WORD, IN and OUT are descriptors.
 */
#include <err.h>
#include <stdlib.h>
#include <unistd.h>

int
main(int argc, char *argv[])
{
	char word;

	if (argc < 5)
		errx(2, "usage: helper WORD IN OUT PROGRAM [ARG...]");
	if (read(atoi(argv[1]), &word, 1) != 1)
		err(1, "no word");
	if (dup2(atoi(argv[2]), 0) == -1 || dup2(atoi(argv[3]), 1) == -1)
		err(1, "dup2");
	closefrom(3);
	execv(argv[4], argv + 4);
	err(1, "%s", argv[4]);
}
