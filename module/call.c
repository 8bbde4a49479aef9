// SPDX-License-Identifier: GPL-2.0
/*
 * Calls from user space into a provider, through a reference of the descriptor
 * or by name: get, call and put in one, which pins no module and so is what an
 * rmmod races with.
 */
#include <linux/mm.h>
#include <linux/uaccess.h>

#include "call.h"
#include "device.h"
#include "reference.h"
#include "stats.h"
#include "user.h"
#include "wait.h"

/*
 * The reference is held, so destroy cannot have begun, before or after. This
 * reads the provider on purpose: were the promise broken, it would be here.
 */
static void check_alive(struct raceless_provider *provider)
{
	if (READ_ONCE(provider->destroying))
		raceless_report_broken(provider,
				       RACELESS_PROMISE_NO_USE_AFTER_DESTROY);
}

static int run(struct raceless_provider *provider, struct raceless_call *call,
	       struct raceless_request *request)
{
	int err;

	call->instance = provider->instance;
	if (!provider->ops->call)
		return -EOPNOTSUPP;
	check_alive(provider);
	err = provider->ops->call(provider, request);
	check_alive(provider);
	return err;
}

static int run_by_reference(struct raceless_file *file,
			    struct raceless_call *call,
			    struct raceless_request *request)
{
	struct raceless_reference *reference =
		raceless_reference_use(file, call->ref);
	int err;

	if (!reference)
		return -EBADF;
	err = run(reference->provider, call, request);
	raceless_reference_unuse(file, reference);
	raceless_count(COUNT_CALLS);
	return err;
}

static void report(struct raceless_call *call, const struct raceless_ask *ask)
{
	call->reason = ask->reason;
	call->publish = ask->publish;
	call->joined = ask->joined;
	call->waited_ns = ask->waited_ns;
}

static int ask_and_run(struct raceless_slot *slot, struct raceless_call *call,
		       struct raceless_request *request)
{
	struct raceless_provider *provider;
	struct raceless_ask ask = {};
	int err;

	err = raceless_timeout(call->timeout_ns, &ask.timeout);
	if (err)
		return err;
	provider = raceless_ask(slot, &ask);
	report(call, &ask);
	if (IS_ERR(provider))
		return PTR_ERR(provider);
	err = run(provider, call, request);
	raceless_put(provider);
	raceless_count(COUNT_CALLS_BY_NAME);
	return err;
}

/* One that failed before anybody could be asked, of a name that is in order. */
static int refuse(struct raceless_call *call, int err)
{
	call->reason = raceless_reason_refused(err);
	raceless_get_failed(call->name, call->reason, err);
	return err;
}

static int run_by_name(struct raceless_file *file, struct raceless_call *call,
		       struct raceless_request *request)
{
	struct raceless_slot *slot = raceless_slot_get(call->name);
	int err;

	if (IS_ERR(slot)) {
		err = PTR_ERR(slot);
		return err == -EINVAL ? err : refuse(call, err);
	}
	err = raceless_user_charge(file->user);
	if (err) {
		refuse(call, err);
	} else {
		err = ask_and_run(slot, call, request);
		raceless_user_uncharge(file->user);
	}
	raceless_slot_put(slot);
	return err;
}

static int copy_in(struct raceless_call *call, struct raceless_request *request)
{
	void *in;

	if (!call->in_bytes)
		return 0;
	in = kvmalloc(call->in_bytes, GFP_KERNEL_ACCOUNT);
	if (!in)
		return -ENOMEM;
	request->in = in;
	if (copy_from_user(in, u64_to_user_ptr(call->in), call->in_bytes))
		return -EFAULT;
	return 0;
}

static int make_room(struct raceless_call *call,
		     struct raceless_request *request)
{
	if (!call->out_bytes)
		return 0;
	request->out = kvzalloc(call->out_bytes, GFP_KERNEL_ACCOUNT);
	return request->out ? 0 : -ENOMEM;
}

static int copy_out(struct raceless_call *call,
		    const struct raceless_request *request)
{
	if (WARN_ON_ONCE(request->out_bytes > call->out_bytes))
		return -EIO; /* the provider wrote beyond the room */
	call->out_bytes = request->out_bytes;
	if (copy_to_user(u64_to_user_ptr(call->out), request->out,
			 request->out_bytes))
		return -EFAULT;
	return 0;
}

long raceless_call(struct raceless_file *file, struct raceless_call *call)
{
	struct raceless_request request = {
		.op = call->op,
		.in_bytes = call->in_bytes,
		.out_bytes = call->out_bytes,
	};
	bool by_name = call->flags & RACELESS_CALL_BY_NAME;
	struct raceless_ask nothing = {};
	int err;

	call->instance = 0;
	report(call, &nothing);
	if (call->flags & ~RACELESS_CALL_BY_NAME || call->reserved ||
	    (by_name && call->ref))
		return -EINVAL;
	if (call->in_bytes > RACELESS_MAX_CALL_BYTES ||
	    call->out_bytes > RACELESS_MAX_CALL_BYTES)
		return -EMSGSIZE;
	err = copy_in(call, &request);
	if (!err)
		err = make_room(call, &request);
	if (!err)
		err = by_name ? run_by_name(file, call, &request) :
				run_by_reference(file, call, &request);
	if (!err)
		err = copy_out(call, &request);
	kvfree(request.in);
	kvfree(request.out);
	return err;
}
