/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Names, a machine word at a time: one pass finds the end of a string and hashes
 * it; comparing it with a slot's is then a step for each word, and no call.
 */
#ifndef _RACELESS_NAME_H
#define _RACELESS_NAME_H

#include <asm/word-at-a-time.h>
#include <linux/hash.h>
#include <linux/string.h>

#include "uapi/raceless.h"

#define NAME_WORDS (RACELESS_NAME_SIZE / sizeof(unsigned long))

struct name_key {
	const char *name;
	unsigned long last; /* its last word, with zeros after its end */
	unsigned int nr; /* words */
	u32 hash;
};

/* The word at @name; what lies after a NUL in it is anything. */
static __always_inline unsigned long name_word(const char *name)
{
#ifdef CONFIG_DCACHE_WORD_ACCESS
	return load_unaligned_zeropad(name);
#else
	unsigned long word = 0;

	memcpy(&word, name, strnlen(name, sizeof(word)));
	return word;
#endif
}

/*
 * Return: false if the string is too long to be a name; then the key is none. One
 * with other characters is a key that no slot has.
 */
static __always_inline bool name_key_init(struct name_key *key,
					  const char *name, unsigned long salt)
{
	const struct word_at_a_time constants = WORD_AT_A_TIME_CONSTANTS;
	unsigned long word, zeros;
	unsigned int nr = 0;
	u64 hash = salt;
	bool last;

	do {
		if (nr == NAME_WORDS)
			return false;
		word = name_word(name + nr * sizeof(word));
		last = has_zero(word, &zeros, &constants);
		if (last) {
			zeros = prep_zero_mask(word, zeros, &constants);
			word &= zero_bytemask(create_zero_mask(zeros));
		}
		nr++;
		/* a product is good in its high bits: fold them down */
		hash = (hash ^ word) * GOLDEN_RATIO_64;
		hash ^= hash >> 32;
	} while (!last);
	*key = (struct name_key){ name, word, nr, hash };
	return true;
}

/* @text is a slot's: aligned, with zeros after its end. */
static __always_inline bool name_key_equal(const struct name_key *key,
					   const char *text)
{
	const unsigned long *words = (const unsigned long *)text;
	unsigned int i;

	for (i = 0; i < key->nr - 1; i++)
		if (words[i] != name_word(key->name + i * sizeof(*words)))
			return false;
	return words[i] == key->last;
}

#endif /* _RACELESS_NAME_H */
