/* SPDX-License-Identifier: GPL-2.0 */
/* Flights: bringing a name back for those who wait. */
#ifndef _RACELESS_FLIGHT_H
#define _RACELESS_FLIGHT_H

#include "raceless.h"

int raceless_flights_init(void);
void raceless_flights_exit(void);

void raceless_flight_prepare(struct raceless_slot *slot);
void raceless_flight_kick(struct raceless_slot *slot);
void raceless_flight_call(struct raceless_slot *slot);
bool raceless_flight_is_over(const struct raceless_slot *slot);
void raceless_flight_outlast(struct raceless_slot *slot);

#endif /* _RACELESS_FLIGHT_H */
