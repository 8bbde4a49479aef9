// SPDX-License-Identifier: GPL-2.0
/*
 * Slots: the table of names.
 *
 * A slot is found without a lock, under RCU, and taken with inc_not_zero. The
 * last put takes it out of the table under slots_mutex, in the same section in
 * which its count reaches zero; slots are also added under slots_mutex, so that
 * a name never has two. It is freed a grace period later, in process context,
 * because a lockdep key is unregistered there.
 *
 * Who holds one: consumers (weak handles), each waiter, each reference and hold
 * of a descriptor, a registered provider, a module that is going after it was the
 * owner, a flight, a teardown.
 */
#include <linux/random.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "flight.h"
#include "name.h"
#include "slot.h"

static unsigned long salt; /* names come from users */

/* The seed is the table's own: a table that is made anew spreads them otherwise. */
static __always_inline u32 spread(u32 hash, u32 seed)
{
	return hash_64(hash ^ seed, 32);
}

static __always_inline u32 hash_key(const void *data, u32 length, u32 seed)
{
	const struct name_key *key = data;

	return spread(key->hash, seed);
}

static u32 hash_slot(const void *data, u32 length, u32 seed)
{
	const struct raceless_slot *slot = data;
	struct name_key key;

	name_key_init(&key, slot->name, salt);
	return spread(key.hash, seed);
}

/* Return: 0 if the slot has that name. */
static __always_inline int compare(struct rhashtable_compare_arg *arg,
				   const void *data)
{
	const struct raceless_slot *slot = data;

	return !name_key_equal(arg->key, slot->name);
}

static const struct rhashtable_params slot_params = {
	.key_len = sizeof(struct name_key),
	.head_offset = offsetof(struct raceless_slot, node),
	.hashfn = hash_key,
	.obj_hashfn = hash_slot,
	.obj_cmpfn = compare,
	.automatic_shrinking = true,
};

static struct kmem_cache *slot_cache;
static struct rhashtable slots;
static DEFINE_MUTEX(slots_mutex);
static unsigned int nr_slots; /* slots_mutex */
static DECLARE_WAIT_QUEUE_HEAD(slots_empty);
static struct workqueue_struct *free_queue;

/* A copy of the name, if it is a good one. */
static int parse_name(char copy[RACELESS_NAME_SIZE], const char *name)
{
	size_t length = strnlen(name, RACELESS_NAME_MAX + 1);
	size_t i;

	if (!length || length > RACELESS_NAME_MAX)
		return -EINVAL;
	for (i = 0; i < length; i++)
		if (!(name[i] >= 'a' && name[i] <= 'z') &&
		    !(name[i] >= '0' && name[i] <= '9') && name[i] != '_')
			return -EINVAL;
	memcpy(copy, name, length);
	copy[length] = '\0';
	return 0;
}

static struct raceless_slot *find(const char *name)
{
	struct raceless_slot *slot;
	struct name_key key;

	if (!name_key_init(&key, name, salt))
		return NULL;
	rcu_read_lock();
	slot = rhashtable_lookup(&slots, &key, slot_params);
	if (slot && !refcount_inc_not_zero(&slot->refs))
		slot = NULL;
	rcu_read_unlock();
	return slot;
}

#ifdef CONFIG_LOCKDEP
/*
 * Who waits for a name is told from who waits for another one by a key for each.
 * Lockdep has 8192 keys, searches all classes for one that goes, and waits for a
 * grace period: names beyond some hundreds are not validated.
 */
#define MAX_KEYS 1024
static atomic_t nr_keys;

static void add_key(struct raceless_slot *slot)
{
	if (atomic_add_unless(&nr_keys, 1, MAX_KEYS)) {
		lockdep_register_key(&slot->key);
		lockdep_init_map(&slot->map, "raceless_slot", &slot->key, 0);
	} else {
		lockdep_init_map(&slot->map, "raceless_slot",
				 &__lockdep_no_validate__, 0);
	}
}

/* Context: process; may sleep. */
static void remove_key(struct raceless_slot *slot)
{
	if (slot->map.key != &slot->key)
		return;
	lockdep_unregister_key(&slot->key);
	atomic_dec(&nr_keys);
}
#else
static void add_key(struct raceless_slot *slot)
{
}

static void remove_key(struct raceless_slot *slot)
{
}
#endif

static void free_slot(struct work_struct *work)
{
	struct raceless_slot *slot =
		container_of(to_rcu_work(work), struct raceless_slot, free);

	remove_key(slot);
	kmem_cache_free(slot_cache, slot);
}

static struct raceless_slot *alloc_slot(const char *name)
{
	struct raceless_slot *slot = kmem_cache_zalloc(slot_cache, GFP_KERNEL);

	if (!slot)
		return NULL;
	strscpy(slot->name, name, sizeof(slot->name));
	refcount_set(&slot->refs, 1);
	spin_lock_init(&slot->lock);
	INIT_LIST_HEAD(&slot->waiters);
	INIT_LIST_HEAD(&slot->superseded);
	init_waitqueue_head(&slot->changed);
	INIT_RCU_WORK(&slot->free, free_slot);
	raceless_flight_prepare(slot);
	add_key(slot);
	return slot;
}

/**
 * raceless_slot_get() - the weak handle of a name.
 * @name: 1 to RACELESS_NAME_MAX characters of [a-z0-9_].
 *
 * The name need not be registered, and may come and go: the slot stays the same
 * until raceless_slot_put().
 *
 * Context: process; may sleep.
 * Return: the slot, or an ERR_PTR: -EINVAL (the name), -ENOMEM, -ENOSPC (too
 * many names).
 */
struct raceless_slot *raceless_slot_get(const char *name)
{
	struct raceless_slot *slot, *new;
	char copy[RACELESS_NAME_SIZE];
	int err;

	might_sleep();
	err = parse_name(copy, name);
	if (err)
		return ERR_PTR(err);
	slot = find(copy);
	if (slot)
		return slot;

	new = alloc_slot(copy);
	if (!new)
		return ERR_PTR(-ENOMEM);
	mutex_lock(&slots_mutex);
	slot = find(copy);
	if (!slot && nr_slots >= RACELESS_MAX_SLOTS)
		err = -ENOSPC;
	if (!slot && !err)
		err = rhashtable_insert_fast(&slots, &new->node, slot_params);
	if (!slot && !err) {
		nr_slots++;
		slot = new;
	}
	mutex_unlock(&slots_mutex);
	if (slot == new)
		return slot;
	remove_key(new);
	kmem_cache_free(slot_cache, new);
	return slot ?: ERR_PTR(err);
}
EXPORT_SYMBOL_GPL(raceless_slot_get);

/* The slot of a name if somebody knows it already, else NULL or an ERR_PTR. */
struct raceless_slot *raceless_slot_find(const char *name)
{
	char copy[RACELESS_NAME_SIZE];
	int err = parse_name(copy, name);

	return err ? ERR_PTR(err) : find(copy);
}

/**
 * raceless_tryget_name() - take a reference by name if the provider is there now.
 * @name: any string; one that is no name is not found.
 *
 * Touches no count but the provider's: the slot is found and used in one RCU
 * read-side section, which it is freed after. For those who ask once; who asks
 * again keeps the slot, and uses raceless_tryget(). Flat: the calls in it would be
 * a quarter of its instructions.
 *
 * Context: any but NMI and hard interrupts.
 * Return: the provider, or NULL: absent, or its unload has begun.
 */
struct raceless_provider *__flatten raceless_tryget_name(const char *name)
{
	struct raceless_provider *provider = NULL;
	struct raceless_slot *slot;
	struct name_key key;

	if (!name_key_init(&key, name, salt))
		return NULL;
	/*
	 * One RCU read-side section for both, without what rcu_read_lock() costs
	 * in a preemptible kernel; to lockdep it is that all the same.
	 */
	preempt_disable();
	rcu_lock_acquire(&rcu_lock_map);
	slot = rhashtable_lookup(&slots, &key, slot_params);
	if (likely(slot))
		provider = raceless_tryget(slot);
	rcu_lock_release(&rcu_lock_map);
	preempt_enable();
	return provider;
}
EXPORT_SYMBOL_GPL(raceless_tryget_name);

/**
 * raceless_slot_put() - give a weak handle back.
 * @slot: from raceless_slot_get().
 *
 * Context: process; may sleep.
 */
void raceless_slot_put(struct raceless_slot *slot)
{
	might_sleep();
	if (!refcount_dec_and_mutex_lock(&slot->refs, &slots_mutex))
		return;
	rhashtable_remove_fast(&slots, &slot->node, slot_params);
	if (!--nr_slots)
		wake_up_all(&slots_empty);
	mutex_unlock(&slots_mutex);
	queue_rcu_work(free_queue, &slot->free);
}
EXPORT_SYMBOL_GPL(raceless_slot_put);

void raceless_slots_walk_enter(struct rhashtable_iter *iter)
{
	rhashtable_walk_enter(&slots, iter);
}

void raceless_slots_walk_rewind(struct rhashtable_iter *iter)
{
	rhashtable_walk_exit(iter);
	rhashtable_walk_enter(&slots, iter);
}

void raceless_slots_walk_exit(struct rhashtable_iter *iter)
{
	rhashtable_walk_exit(iter);
}

/* Begins an RCU read-side section; slots from the walk are valid inside it. */
void raceless_slots_walk_start(struct rhashtable_iter *iter) __acquires(RCU)
{
	rhashtable_walk_start(iter);
}

/* NULL at the end. If the table is resized meanwhile, a slot may come twice. */
struct raceless_slot *raceless_slots_walk_next(struct rhashtable_iter *iter)
{
	struct raceless_slot *slot;

	do {
		slot = rhashtable_walk_next(iter);
	} while (slot == ERR_PTR(-EAGAIN));
	return slot;
}

/* The one that the last next gave. */
struct raceless_slot *raceless_slots_walk_peek(struct rhashtable_iter *iter)
{
	struct raceless_slot *slot;

	do {
		slot = rhashtable_walk_peek(iter);
	} while (slot == ERR_PTR(-EAGAIN));
	return slot;
}

void raceless_slots_walk_stop(struct rhashtable_iter *iter) __releases(RCU)
{
	rhashtable_walk_stop(iter);
}

int raceless_slots_init(void)
{
	int err;

	salt = get_random_long();
	slot_cache = KMEM_CACHE(raceless_slot,
				SLAB_HWCACHE_ALIGN | SLAB_ACCOUNT);
	if (!slot_cache)
		return -ENOMEM;
	err = -ENOMEM;
	free_queue = alloc_workqueue("raceless_free", WQ_UNBOUND, 0);
	if (!free_queue)
		goto err_cache;
	err = rhashtable_init(&slots, &slot_params);
	if (err)
		goto err_queue;
	return 0;

err_queue:
	destroy_workqueue(free_queue);
err_cache:
	kmem_cache_destroy(slot_cache);
	return err;
}

/* On exit nobody asks any more; slots that are left belong to flights. */
void raceless_slots_wait_empty(void)
{
	wait_event(slots_empty, !READ_ONCE(nr_slots));
}

/* After the workers that may put slots have ended. */
void raceless_slots_exit(void)
{
	rcu_barrier(); /* queue_rcu_work() of the last ones */
	destroy_workqueue(free_queue);
	rhashtable_destroy(&slots);
	kmem_cache_destroy(slot_cache);
}
