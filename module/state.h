/* SPDX-License-Identifier: GPL-2.0 */
/* /proc/raceless: the registry's state as text. */
#ifndef _RACELESS_STATE_H
#define _RACELESS_STATE_H

int raceless_state_init(void);
void raceless_state_exit(void);

#endif /* _RACELESS_STATE_H */
