// SPDX-License-Identifier: GPL-2.0
/*
 * raceless_selftest.ko: the registry's promises, one by one. Loading it runs
 * the tests and prints KTAP to the kernel log; it stays loaded, doing nothing.
 * The load itself always succeeds: the log is the result.
 */
#include <linux/module.h>
#include <linux/string.h>

#include "selftest.h"

static const struct test *const groups[] = {
	count_tests,	  section_tests, drain_tests,	   lifecycle_tests,
	succession_tests, wait_tests,	 flight_tests,	   hold_tests,
	batch_tests,	  request_tests, replace_tests,	   contention_tests,
	misuse_tests,	  memory_tests,	 superseded_tests, worker_tests,
};

static char *only;
module_param(only, charp, 0444);
MODULE_PARM_DESC(only, "run only the test of this name");

static bool wanted(const struct test *test)
{
	return !only || !strcmp(only, test->name);
}

static unsigned int count_wanted(void)
{
	const struct test *test;
	unsigned int i, nr = 0;

	for (i = 0; i < ARRAY_SIZE(groups); i++)
		for (test = groups[i]; test->name; test++)
			nr += wanted(test);
	return nr;
}

/*
 * A test that failed may have left threads inside the registry, with its data
 * in ours: the rest is not run, and the module cannot be unloaded.
 */
static bool run(const struct test *test, unsigned int number)
{
	const char *complaint = test->run();

	if (!complaint) {
		pr_info("ok %u %s\n", number, test->name);
		return true;
	}
	if (strstarts(complaint, SKIP_MARK)) {
		pr_info("ok %u %s # %s\n", number, test->name, complaint);
		return true;
	}
	pr_info("# %s: %s\n", test->name, complaint);
	pr_info("not ok %u %s\n", number, test->name);
	__module_get(THIS_MODULE);
	return false;
}

static void run_all(void)
{
	const struct test *test;
	unsigned int i, nr = 0;

	pr_info("KTAP version 1\n");
	pr_info("1..%u\n", count_wanted());
	for (i = 0; i < ARRAY_SIZE(groups); i++)
		for (test = groups[i]; test->name; test++)
			if (wanted(test) && !run(test, ++nr))
				return;
}

static int __init selftest_init(void)
{
	int err = news_init();

	if (err)
		return err;
	run_all();
	return 0;
}

static void __exit selftest_exit(void)
{
	news_exit();
}

module_init(selftest_init);
module_exit(selftest_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Tests of the raceless registry");
