#ifndef VM_NET_LOCAL_H
#define VM_NET_LOCAL_H

#include "vm/net/filter.h"

/* What this host is part of: its own addresses, and the networks around them. */

/* A socket that becomes readable when they change; -1 with errno. */
int local_watch(void);
/* Reads what the socket has to say, and nothing of it matters but that it came. */
void local_drain(int watch);
/* Replaces what is there; false with errno. */
bool local_read(struct net_local *local);

#endif
