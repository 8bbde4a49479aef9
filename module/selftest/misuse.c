// SPDX-License-Identifier: GPL-2.0
/* What a module must not do, and what it is told. */
#include <linux/err.h>
#include <linux/slab.h>

#include "selftest.h"

static struct subject subject, other;

static const char *registered_twice(void)
{
	subject_prepare(&subject, "selftest_twice");
	EXPECT(!raceless_register(&subject.provider));
	EXPECT(raceless_register(&subject.provider) == -EBUSY);
	subject_prepare(&other, "selftest_twice");
	EXPECT(raceless_register(&other.provider) == -EEXIST);
	EXPECT(!other.inits);
	raceless_unregister(&subject.provider);
	EXPECT(subject.inits == 1 && subject.destroys == 1);
	return NULL;
}

static const char *unregistered_twice(void)
{
	subject_prepare(&subject, "selftest_over");
	raceless_unregister(&subject.provider);
	EXPECT(!raceless_register(&subject.provider));
	raceless_unregister(&subject.provider);
	raceless_unregister(&subject.provider);
	EXPECT(subject.stops == 1 && subject.destroys == 1);
	return NULL;
}

static const char *bad_names(void)
{
	static const char *const names[] = {
		"",	"Upper",  "with-dash", "with space", "dot.", "\xc3\xa4",
		"slash/", "selftest_a_name_of_47_character_is_one_too_long",
	};
	struct raceless_slot *slot;
	int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		subject_prepare(&subject, names[i]);
		EXPECT(raceless_register(&subject.provider) == -EINVAL);
		EXPECT(PTR_ERR(raceless_slot_get(names[i])) == -EINVAL);
	}
	slot = raceless_slot_get("selftest_this_name_of_46_characters_just_fits_");
	EXPECT(!IS_ERR(slot));
	EXPECT(strlen(slot->name) == RACELESS_NAME_MAX);
	raceless_slot_put(slot);
	subject_prepare(&subject, "selftest_no_ops");
	subject.provider.ops = NULL;
	EXPECT(raceless_register(&subject.provider) == -EINVAL);
	return NULL;
}

static const char *one_slot_per_name(void)
{
	struct raceless_slot *first = raceless_slot_get("selftest_same");
	struct raceless_slot *second = raceless_slot_get("selftest_same");

	EXPECT(!IS_ERR(first) && first == second);
	raceless_slot_put(first);
	raceless_slot_put(second);
	return NULL;
}

/* Return: how many names could be made known, or -errno of one that is not full. */
static long know_many(struct raceless_slot **known)
{
	char name[RACELESS_NAME_SIZE];
	struct raceless_slot *slot;
	long nr;

	for (nr = 0; nr <= RACELESS_MAX_SLOTS; nr++) {
		snprintf(name, sizeof(name), "selftest_name_%ld", nr);
		slot = raceless_slot_get(name);
		if (IS_ERR(slot))
			break;
		known[nr] = slot;
		cond_resched();
	}
	return PTR_ERR_OR_ZERO(slot) == -ENOSPC ? nr : PTR_ERR_OR_ZERO(slot);
}

/* Beyond the bound is an error, for new names alone. */
static const char *names_are_bounded(void)
{
	struct raceless_slot **known, *again;
	long full, nr;

	known = kvcalloc(RACELESS_MAX_SLOTS + 1, sizeof(*known), GFP_KERNEL);
	EXPECT(known);
	full = know_many(known);
	again = raceless_slot_get("selftest_name_0");
	if (!IS_ERR(again))
		raceless_slot_put(again);
	for (nr = 0; nr <= RACELESS_MAX_SLOTS && known[nr]; nr++) {
		raceless_slot_put(known[nr]);
		cond_resched();
	}
	kvfree(known);
	EXPECT(full == RACELESS_MAX_SLOTS);
	EXPECT(!IS_ERR(again));
	return NULL;
}

const struct test misuse_tests[] = {
	{ "register_twice", registered_twice },
	{ "unregister_twice", unregistered_twice },
	{ "names_out_of_bounds", bad_names },
	{ "one_slot_per_name", one_slot_per_name },
	{ "names_are_bounded", names_are_bounded },
	{},
};
