// SPDX-License-Identifier: GPL-2.0
/*
 * factory: makes and destroys providers on request, so that instances come and go
 * far faster than modules can.
 *
 * Its own name takes the orders, as calls: create a provider of a name, destroy
 * it. Besides, there are some that are always kept: like any provider that the
 * registry parked, they come back when they are asked for, and the module for
 * them. All products are canaries.
 *
 * An order is a call through a reference on "factory". The module's exit
 * unregisters that name first, so that no order runs while the products go.
 */
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/string.h>

#include "canary.h"

#define MAX_PRODUCTS 4096

struct product {
	struct canary_provider canary;
	struct list_head node; /* products */
	bool ready; /* registered, nobody destroys it; products_mutex */
	char name[RACELESS_NAME_SIZE];
};

static LIST_HEAD(products); /* from before register, to before unregister */
static unsigned int nr_products;
static DEFINE_MUTEX(products_mutex);

static struct product kept[RACELESS_FACTORY_KEPT];

static bool is_ours(const char *name)
{
	return !strcmp(name, "factory") ||
	       !strncmp(name, RACELESS_FACTORY_KEPT_PREFIX,
			strlen(RACELESS_FACTORY_KEPT_PREFIX));
}

static struct product *find(const char *name)
{
	struct product *product;

	lockdep_assert_held(&products_mutex);
	list_for_each_entry(product, &products, node)
		if (!strcmp(product->name, name))
			return product;
	return NULL;
}

/*
 * A register waits for the owner of its name if that is going. Were that we, our
 * exit would wait for this order, and the order for our exit: so it is refused.
 */
static int enlist(struct product *product)
{
	int err = 0;

	mutex_lock(&products_mutex);
	if (is_ours(product->name) || find(product->name)) {
		err = -EEXIST;
	} else if (nr_products >= MAX_PRODUCTS) {
		err = -ENOSPC;
	} else {
		list_add(&product->node, &products);
		nr_products++;
	}
	mutex_unlock(&products_mutex);
	return err;
}

static void strike(struct product *product)
{
	lockdep_assert_held(&products_mutex);
	list_del(&product->node);
	nr_products--;
}

/* Return: as raceless_register(), or -ENOSPC. */
static int create(const char *name)
{
	struct product *product = kzalloc(sizeof(*product), GFP_KERNEL);
	int err;

	if (!product)
		return -ENOMEM;
	strscpy(product->name, name, sizeof(product->name));
	product->canary.provider.name = product->name;
	product->canary.provider.ops = &canary_ops;
	err = enlist(product);
	if (err)
		goto err_free;
	err = raceless_register(&product->canary.provider);
	mutex_lock(&products_mutex);
	if (err)
		strike(product);
	else
		product->ready = true;
	mutex_unlock(&products_mutex);
	if (err)
		goto err_free;
	return 0;

err_free:
	kfree(product);
	return err;
}

/*
 * Its memory goes with it: whoever touched the provider after its unregister had
 * returned would find poison.
 *
 * Return: its last instance.
 */
static u64 scrap(struct product *product)
{
	u64 instance;

	raceless_unregister(&product->canary.provider);
	instance = product->canary.provider.instance;
	kfree(product);
	return instance;
}

/* Return: 0 or -ENOENT (it has not made one of that name). */
static int destroy(const char *name, u64 *instance)
{
	struct product *product;

	mutex_lock(&products_mutex);
	product = find(name);
	if (product && product->ready)
		strike(product);
	else
		product = NULL;
	mutex_unlock(&products_mutex);
	if (!product)
		return -ENOENT;
	*instance = scrap(product);
	return 0;
}

static int factory_init(struct raceless_provider *provider)
{
	return 0;
}

/* An order's input is a name, without a NUL. */
static int factory_call(struct raceless_provider *provider,
			struct raceless_request *request)
{
	char name[RACELESS_NAME_SIZE] = {};
	u64 instance;
	int err;

	if (request->in_bytes >= sizeof(name))
		return -EINVAL;
	memcpy(name, request->in, request->in_bytes);
	switch (request->op) {
	case RACELESS_FACTORY_OP_CREATE:
		err = create(name);
		request->out_bytes = 0;
		return err;
	case RACELESS_FACTORY_OP_DESTROY:
		if (request->out_bytes < sizeof(instance))
			return -ENOSPC;
		err = destroy(name, &instance);
		if (err)
			return err;
		memcpy(request->out, &instance, sizeof(instance));
		request->out_bytes = sizeof(instance);
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

static const struct raceless_ops factory_ops = {
	.init = factory_init,
	.call = factory_call,
};

static struct raceless_provider factory = {
	.name = "factory",
	.ops = &factory_ops,
};

static int keep(struct product *product, unsigned int i)
{
	snprintf(product->name, sizeof(product->name),
		 RACELESS_FACTORY_KEPT_PREFIX "%u", i);
	product->canary.provider.name = product->name;
	product->canary.provider.ops = &canary_ops;
	return raceless_register(&product->canary.provider);
}

static int __init factory_module_init(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < RACELESS_FACTORY_KEPT; i++) {
		err = keep(&kept[i], i);
		if (err)
			goto err_kept;
	}
	err = raceless_register(&factory);
	if (err)
		goto err_kept;
	return 0;

err_kept:
	while (i--)
		raceless_unregister(&kept[i].canary.provider);
	return err;
}

static void __exit factory_module_exit(void)
{
	struct product *product, *next;
	unsigned int i;

	raceless_unregister(&factory); /* no order runs any more */
	list_for_each_entry_safe(product, next, &products, node)
		scrap(product);
	for (i = 0; i < RACELESS_FACTORY_KEPT; i++)
		raceless_unregister(&kept[i].canary.provider);
}

module_init(factory_module_init);
module_exit(factory_module_exit);
MODULE_ALIAS_RACELESS("factory");
MODULE_ALIAS_RACELESS(RACELESS_FACTORY_KEPT_PREFIX "*");
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("raceless provider: creates and destroys providers");
