/* SPDX-License-Identifier: MIT */
/*
 * The string functions, as far as the shim calls any: for short strings, and
 * to be found in our own object.  Each of libc's would be one more symbol to be
 * looked up at the start of every process, which then picks a variant for its
 * processor; and it lies on a page that a fork child has to fault in before its
 * exec, for one name of a few bytes.  Hidden, so no other object meets them.
 *
 * Compiled as freestanding: no compiler may make of a loop here a call to the
 * function that it is in.  Context of every function: any.
 */
#include <stdint.h>
#include <string.h>

/* Anything, anywhere: messages are copied and cleared by these. */
typedef uint64_t __attribute__((may_alias, aligned(1))) chunk;

void *
memcpy(void *restrict to, const void *restrict from, size_t n)
{
	const char *f = from;
	char *t = to;

	for (; n >= sizeof(chunk); n -= sizeof(chunk)) {
		*(chunk *)t = *(const chunk *)f;
		t += sizeof(chunk);
		f += sizeof(chunk);
	}
	while (n-- > 0)
		*t++ = *f++;
	return to;
}

void *
memmove(void *to, const void *from, size_t n)
{
	const char *f = from;
	char *t = to;

	if (t > f)
		while (n-- > 0)
			t[n] = f[n];
	else
		while (n-- > 0)
			*t++ = *f++;
	return to;
}

void *
memset(void *to, int c, size_t n)
{
	char *t = to;

	for (; n >= sizeof(chunk); n -= sizeof(chunk), t += sizeof(chunk))
		*(chunk *)t = (unsigned char)c * UINT64_C(0x0101010101010101);
	while (n-- > 0)
		*t++ = (char)c;
	return to;
}

int
memcmp(const void *one, const void *other, size_t n)
{
	const unsigned char *a = one, *b = other;

	for (; n > 0; n--, a++, b++)
		if (*a != *b)
			return *a - *b;
	return 0;
}

void *
memchr(const void *in, int c, size_t n)
{
	const unsigned char *p = in;

	for (; n > 0; n--, p++)
		if (*p == (unsigned char)c)
			return (void *)(size_t)p;
	return NULL;
}

size_t
strlen(const char *s)
{
	const char *end = s;

	while (*end != '\0')
		end++;
	return (size_t)(end - s);
}

int
strncmp(const char *one, const char *other, size_t n)
{
	for (; n > 0; n--, one++, other++)
		if (*one != *other || *one == '\0')
			return (unsigned char)*one - (unsigned char)*other;
	return 0;
}

int
strcmp(const char *one, const char *other)
{
	return strncmp(one, other, (size_t)-1);
}

char *
strchr(const char *s, int c)
{
	for (; *s != (char)c; s++)
		if (*s == '\0')
			return NULL;
	return (char *)(size_t)s;
}

char *
strrchr(const char *s, int c)
{
	const char *last = NULL;

	for (; *s != '\0'; s++)
		if (*s == (char)c)
			last = s;
	return (char *)(size_t)(c == '\0' ? s : last);
}

char *
strstr(const char *s, const char *word)
{
	size_t n = strlen(word);

	for (; strncmp(s, word, n) != 0; s++)
		if (*s == '\0')
			return NULL;
	return (char *)(size_t)s;
}
