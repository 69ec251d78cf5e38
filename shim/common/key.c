/* SPDX-License-Identifier: MIT */
/* See key.h. */
#include "key.h"

#define PRIME UINT64_C(0x100000001b3)

uint64_t
cp_key_add(uint64_t key, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < len; i++)
		key = (key ^ p[i]) * PRIME;
	return key;
}

uint64_t
cp_key_end(uint64_t key, uint64_t dev, uint64_t ino)
{
	key = cp_key_add(key, &dev, sizeof(dev));
	key = cp_key_add(key, &ino, sizeof(ino));
	return key != 0 ? key : 1;
}
