#ifndef VM_AGENT_INIT_NETWORK_H
#define VM_AGENT_INIT_NETWORK_H

#include "base/err.h"

/* The network of a microVM, set up by its first process: lo, and eth0 if it exists. */

bool network_up(struct err *err) NODISCARD;
/* Of eth0: "52:54:00:12:34:56".  Success if it does not exist. */
bool network_set_mac(const char *mac, struct err *err) NODISCARD;

#endif
