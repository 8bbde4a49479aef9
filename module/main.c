// SPDX-License-Identifier: GPL-2.0
/* raceless.ko: the order of init and exit. */
#include <linux/module.h>

#include "device.h"
#include "flight.h"
#include "gate/gate.h"
#include "holder.h"
#include "owner.h"
#include "slot.h"
#include "state.h"
#include "stats.h"
#include "teardown.h"

static int __init raceless_init(void)
{
	int err;

	err = raceless_slots_init();
	if (err)
		goto err_stats;
	err = raceless_teardowns_init();
	if (err)
		goto err_slots;
	err = raceless_flights_init();
	if (err)
		goto err_teardowns;
	err = raceless_owners_init();
	if (err)
		goto err_flights;
	err = raceless_state_init();
	if (err)
		goto err_owners;
	err = raceless_holders_init();
	if (err)
		goto err_state;
	err = raceless_gate_init();
	if (err)
		goto err_holders;
	err = raceless_device_init();
	if (err)
		goto err_gate;
	return 0;

err_gate:
	raceless_gate_exit();
err_holders:
	raceless_holders_exit();
err_state:
	raceless_state_exit();
err_owners:
	raceless_owners_exit();
err_flights:
	raceless_flights_exit();
err_teardowns:
	raceless_teardowns_exit();
err_slots:
	raceless_slots_exit();
err_stats:
	raceless_stats_exit();
	return err;
}

/*
 * Consumers and providers use our symbols, and descriptors pin us: none is left.
 * Flights and teardowns may still be putting their slots.
 */
static void __exit raceless_exit(void)
{
	raceless_device_exit();
	raceless_gate_exit();
	raceless_holders_exit();
	raceless_state_exit();
	raceless_owners_exit();
	raceless_flights_exit();
	raceless_teardowns_exit();
	raceless_slots_exit();
	raceless_stats_exit();
}

module_init(raceless_init);
module_exit(raceless_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Registry of providers that can be unloaded while they are in use");
MODULE_AUTHOR("The raceless authors");
