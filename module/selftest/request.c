// SPDX-License-Identifier: GPL-2.0
/* Unloading many names by one request, through a descriptor. */
#include <linux/err.h>
#include <linux/file.h>

#include "selftest.h"

#define CROWD RACELESS_MAX_HOLDS_PER_FD

static struct subject crowd[CROWD];
static struct raceless_unload_entry entries[CROWD + 1];
static struct actor unloader, getters[CROWD];
static struct file *file;

/* As many subjects, each with its entry. */
static bool register_all(const char *name, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		memset(&entries[i], 0xff, sizeof(entries[i]));
		snprintf(entries[i].name, sizeof(entries[i].name), "%s%u", name,
			 i);
		subject_prepare(&crowd[i], entries[i].name);
		if (raceless_register(&crowd[i].provider))
			return false;
	}
	file = device_open();
	return !IS_ERR(file);
}

/* The names are in memory that requests are read into: leave before that goes. */
static bool unregister_all(unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		raceless_unregister(&crowd[i].provider);
	return device_close(file);
}

static bool start_request(unsigned int nr)
{
	unloader = (struct actor){
		.entries = entries,
		.nr = nr,
		.file = file,
		.mm = current->mm,
	};
	return actor_start(&unloader, act_unload_many);
}

static const char *many_names(void)
{
	unsigned int i;

	EXPECT(register_all("selftest_many", CROWD));
	EXPECT(device_unload_many(file, entries, CROWD + 1, 0, 0) == -EMFILE);
	EXPECT(device_unload_many(file, entries, 0, 0, 0) == -EINVAL);
	EXPECT(device_unload_many(file, entries, 1, 8, 0) == -EINVAL);
	EXPECT(!crowd[0].stops);
	EXPECT(!device_unload_many(file, entries, CROWD, 0, 0));
	EXPECT(news_grace_periods() == 1);
	EXPECT(news_grace_instances() == CROWD);
	for (i = 0; i < CROWD; i++) {
		EXPECT(!entries[i].error && !entries[i].reserved);
		EXPECT(entries[i].instance == crowd[i].provider.instance);
		EXPECT(entries[i].grace_ns == entries[0].grace_ns);
		EXPECT(!strcmp(entries[i].owner, THIS_MODULE->name));
		EXPECT(crowd[i].stops == 1 && crowd[i].destroys == 1);
	}
	EXPECT(unregister_all(CROWD));
	EXPECT(crowd[0].destroys == 1);
	return NULL;
}

/* Each for itself: those that cannot be unloaded say why. */
static const char *errors(void)
{
	struct file *rival = device_open();

	EXPECT(!IS_ERR(rival));
	EXPECT(register_all("selftest_errors", 4));
	EXPECT(!device_unload(rival, entries[2].name, 0, 0));
	strscpy(entries[4].name, "selftest_nobody", RACELESS_NAME_SIZE);
	entries[5] = entries[0];
	strscpy(entries[6].name, "Not a name", RACELESS_NAME_SIZE);
	EXPECT(!device_unload_many(file, entries, 7, 0, 0));
	EXPECT(!entries[0].error && !entries[1].error && !entries[3].error);
	EXPECT(entries[2].error == EBUSY && !entries[2].instance);
	EXPECT(entries[4].error == ENOENT && !entries[4].owner[0]);
	EXPECT(entries[5].error == EBUSY);
	EXPECT(entries[6].error == EINVAL);
	EXPECT(crowd[0].stops == 1 && crowd[3].destroys == 1);
	EXPECT(device_close(rival));
	EXPECT(unregister_all(4));
	return NULL;
}

/* The requester's time is up, or it dies, in one drain: the worker goes on. */
static const char *end_in_drain(bool kill)
{
	struct raceless_provider *held;

	EXPECT(register_all("selftest_impatient", 4));
	held = raceless_tryget(crowd[1].provider.slot);
	EXPECT(held);
	if (kill) {
		EXPECT(start_request(4));
		EXPECT(news_state(RACELESS_GONE)); /* the last of them */
		actor_kill(&unloader);
		EXPECT(actor_done(&unloader) && !unloader.result);
		EXPECT(entries[1].error == EINTR && !entries[0].error);
		EXPECT(!entries[2].error && !entries[3].error);
		EXPECT(entries[3].grace_ns);
	} else {
		EXPECT(!device_unload_many(file, entries, 4, 0, 1));
		EXPECT(entries[1].error == ETIMEDOUT);
		EXPECT(news_state(RACELESS_GONE));
	}
	EXPECT(entries[1].instance && !entries[1].grace_ns);
	EXPECT(crowd[3].destroys == 1 && !crowd[1].destroys);
	news_expect(entries[1].name);
	raceless_put(held);
	EXPECT(news_state(RACELESS_GONE));
	EXPECT(crowd[1].destroys == 1);
	EXPECT(unregister_all(4));
	return NULL;
}

static const char *requester_times_out(void)
{
	return end_in_drain(false);
}

static const char *requester_dies(void)
{
	return end_in_drain(true);
}

/* Gets of all names join, and have the next instance when the holds end. */
static const char *gets_join(void)
{
	unsigned int i, nr = 8;

	EXPECT(register_all("selftest_gets_join", nr));
	EXPECT(subject_block(&crowd[nr - 1], AT_STOP));
	EXPECT(start_request(nr));
	EXPECT(subject_stands(&crowd[nr - 1], AT_STOP));
	for (i = 0; i < nr; i++) {
		getters[i] = (struct actor){
			.slot = crowd[i].provider.slot,
			.timeout = PATIENCE,
		};
		news_expect(entries[i].name);
		EXPECT(actor_start(&getters[i], act_get) && news_joined(1));
	}
	subject_proceed(&crowd[nr - 1], AT_STOP);
	EXPECT(actor_done(&unloader) && !unloader.result);
	for (i = 0; i < nr; i++)
		EXPECT(actor_running(&getters[i]) && !entries[i].error);
	EXPECT(device_close(file));
	for (i = 0; i < nr; i++) {
		EXPECT(actor_done(&getters[i]) && !getters[i].result);
		EXPECT(crowd[i].inits == 2 && crowd[i].destroys == 1);
		EXPECT(getters[i].provider->publish == 2);
		raceless_put(getters[i].provider);
	}
	file = device_open();
	EXPECT(!IS_ERR(file));
	EXPECT(unregister_all(nr));
	return NULL;
}

const struct test request_tests[] = {
	{ "request_of_64_names", many_names },
	{ "request_with_an_error_for_each", errors },
	{ "requester_of_many_times_out", requester_times_out },
	{ "requester_of_many_dies", requester_dies },
	{ "gets_of_all_names_join", gets_join },
	{},
};
