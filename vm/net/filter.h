#ifndef VM_NET_FILTER_H
#define VM_NET_FILTER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The destinations that a VM may reach: the internet and the resolver, never this host, its
 * networks, or any private one.  Addresses are the user network's constants, also known to the
 * agent (vm/agent/init/network.c).
 */

#define NET_NETWORK 0x0a000200  /* 10.0.2.0/24 */
#define NET_MASK 0xffffff00     /* of it */
#define NET_GATEWAY 0x0a000202  /* 10.0.2.2 */
#define NET_GUEST 0x0a00020f    /* 10.0.2.15 */
#define NET_RESOLVER 0x0a000203 /* 10.0.2.3: the host's resolver */

#define NET_FRAME_MAX 65550

struct net_range {
	uint32_t address, mask; /* host byte order */
};

/* The host's addresses and networks; a zeroed struct: none. */
struct net_local {
	struct net_range *ranges;
	size_t n;
};

enum net_verdict { NET_DROP, NET_PASS, NET_REFUSE };

/* Judges an Ethernet frame sent by the VM.  NET_REFUSE: net_refusal() builds the response. */
enum net_verdict net_judge(const struct net_local *local, const uint8_t *frame, size_t len);

#define NET_REFUSAL_LEN 70
/* Builds "administratively prohibited" for a refused frame. */
void net_refusal(const uint8_t *frame, uint8_t ret_frame[NET_REFUSAL_LEN]);

#endif
