// SPDX-License-Identifier: GPL-2.0
/*
 * References that a descriptor holds.
 *
 * A number is reserved before the get, which may wait for long, and filled after
 * it, so that a get that succeeds cannot fail for want of a number. A put takes
 * the reference out under the xarray's lock, so that two puts of one number drop
 * it once; a call marks it as in use under the same lock.
 */
#include <linux/slab.h>

#include "device.h"
#include "reference.h"
#include "stats.h"
#include "user.h"
#include "wait.h"

static void report(struct raceless_get *get, const struct raceless_ask *ask)
{
	get->reason = ask->reason;
	get->instance = ask->instance;
	get->publish = ask->publish;
	get->joined = ask->joined;
	get->waited_ns = ask->waited_ns;
}

static struct raceless_provider *take(struct raceless_slot *slot,
				      struct raceless_get *get)
{
	struct raceless_ask ask = { .pin = true };
	struct raceless_provider *provider;
	int err;

	if (get->flags & RACELESS_GET_NOWAIT) {
		provider = raceless_ask_now(slot, &ask);
	} else {
		err = raceless_timeout(get->timeout_ns, &ask.timeout);
		if (err)
			return ERR_PTR(err);
		provider = raceless_ask(slot, &ask);
	}
	report(get, &ask);
	return provider;
}

/* A get that failed before anybody could be asked, of a name that is in order. */
static int refuse(struct raceless_get *get, int err)
{
	get->reason = raceless_reason_refused(err);
	raceless_get_failed(get->name, get->reason, err);
	return err;
}

/* Return: 0, with the number reserved in get->ref, or -errno. */
static int reserve(struct raceless_file *file, struct raceless_get *get)
{
	int err = raceless_user_charge(file->user);

	if (err)
		return refuse(get, err);
	err = xa_alloc(&file->references, &get->ref, NULL,
		       XA_LIMIT(1, RACELESS_MAX_REFS_PER_FD),
		       GFP_KERNEL_ACCOUNT);
	if (!err)
		return 0;
	raceless_user_uncharge(file->user);
	get->ref = 0; /* it may have been written all the same */
	return refuse(get, err == -EBUSY ? -EMFILE : err);
}

static void unreserve(struct raceless_file *file, struct raceless_get *get)
{
	xa_erase(&file->references, get->ref);
	raceless_user_uncharge(file->user);
	get->ref = 0;
}

long raceless_reference_get(struct raceless_file *file,
			    struct raceless_get *get)
{
	struct raceless_ask nothing = {};
	struct raceless_reference *reference;
	struct raceless_slot *slot;
	int err;

	get->ref = 0;
	report(get, &nothing);
	if (get->flags & ~RACELESS_GET_NOWAIT)
		return -EINVAL;
	slot = raceless_slot_get(get->name);
	if (IS_ERR(slot)) {
		err = PTR_ERR(slot);
		return err == -EINVAL ? err : refuse(get, err);
	}
	reference = kzalloc(sizeof(*reference), GFP_KERNEL_ACCOUNT);
	if (!reference) {
		err = refuse(get, -ENOMEM);
		goto err_slot;
	}
	reference->slot = slot;
	err = reserve(file, get);
	if (err)
		goto err_reference;
	reference->provider = take(slot, get);
	if (IS_ERR(reference->provider)) {
		err = PTR_ERR(reference->provider);
		goto err_number;
	}
	/* the entry was allocated with the number */
	xa_store(&file->references, get->ref, reference, GFP_KERNEL_ACCOUNT);
	raceless_count(COUNT_GETS);
	return 0;

err_number:
	unreserve(file, get);
err_reference:
	kfree(reference);
err_slot:
	raceless_slot_put(slot);
	return err;
}

/* Nobody can find it any more. */
static void drop(struct raceless_file *file,
		 struct raceless_reference *reference)
{
	raceless_put_pinned(reference->provider);
	raceless_slot_put(reference->slot);
	raceless_user_uncharge(file->user);
	kfree(reference);
	raceless_count(COUNT_PUTS);
}

long raceless_reference_put(struct raceless_file *file, u32 number)
{
	struct raceless_reference *reference;
	int err = 0;

	xa_lock(&file->references);
	reference = xa_load(&file->references, number);
	if (!reference)
		err = -EBADF;
	else if (reference->calls)
		err = -EBUSY;
	else
		__xa_erase(&file->references, number);
	xa_unlock(&file->references);
	if (err)
		return err;
	drop(file, reference);
	return 0;
}

/* Keeps a put away until raceless_reference_unuse(). NULL: no such number. */
struct raceless_reference *raceless_reference_use(struct raceless_file *file,
						  u32 number)
{
	struct raceless_reference *reference;

	xa_lock(&file->references);
	reference = xa_load(&file->references, number);
	if (reference)
		reference->calls++;
	xa_unlock(&file->references);
	return reference;
}

void raceless_reference_unuse(struct raceless_file *file,
			      struct raceless_reference *reference)
{
	xa_lock(&file->references);
	reference->calls--;
	xa_unlock(&file->references);
}

/* Does the descriptor hold a reference that an unload of the slot waits for? */
bool raceless_references_on(struct raceless_file *file,
			    struct raceless_slot *slot)
{
	struct raceless_reference *reference;
	unsigned long number;
	bool found = false;

	xa_lock(&file->references);
	xa_for_each(&file->references, number, reference) {
		if (reference->slot == slot) {
			found = true;
			break;
		}
	}
	xa_unlock(&file->references);
	return found;
}

void raceless_references_close(struct raceless_file *file)
{
	struct raceless_reference *reference;
	unsigned long number;

	xa_for_each(&file->references, number, reference)
		drop(file, reference);
	xa_destroy(&file->references);
}
