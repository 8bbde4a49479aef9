// SPDX-License-Identifier: GPL-2.0
/* null: the smallest provider, and a canary (canary.h). */
#include <linux/module.h>

#include "canary.h"

static struct canary_provider null = {
	.provider = { .name = "null", .ops = &canary_ops },
};

static int __init null_module_init(void)
{
	return raceless_register(&null.provider);
}

static void __exit null_module_exit(void)
{
	raceless_unregister(&null.provider);
}

module_init(null_module_init);
module_exit(null_module_exit);
MODULE_ALIAS_RACELESS("null");
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("raceless provider: a canary");
