#ifndef VM_NET_LOCAL_H
#define VM_NET_LOCAL_H

#include "vm/net/filter.h"

/* This host's addresses, and the networks around them. */

/* Returns a socket that becomes readable after changes; -1 with errno. */
int local_watch(void);
/* Drops the socket's data, of which only the arrival matters. */
void local_drain(int watch);
/* Replaces the contents; false with errno. */
bool local_read(struct net_local *local);

#endif
