/* The kernel reports each change on a netlink socket; then all addresses are read again. */
#include "vm/net/local.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/socket.h>

int local_watch(void)
{
	struct sockaddr_nl who = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_IPV4_IFADDR };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	return fd < 0 || bind(fd, (struct sockaddr *)&who, sizeof(who)) < 0 ? -1 : fd;
}

void local_drain(int watch)
{
	char bytes[4096];
	while (recv(watch, bytes, sizeof(bytes), 0) > 0) {
	}
}

static uint32_t address_of(const struct sockaddr *address)
{
	return ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr);
}

static void add(struct net_local *local, uint32_t address, uint32_t mask)
{
	struct net_range *ranges = reallocarray(local->ranges, local->n + 1, sizeof(*ranges));
	if (!ranges) {
		abort();
	}
	local->ranges = ranges;
	local->ranges[local->n++] = (struct net_range){ address, mask };
}

bool local_read(struct net_local *local)
{
	struct ifaddrs *all;
	if (getifaddrs(&all) < 0) {
		return false;
	}
	local->n = 0;
	for (const struct ifaddrs *one = all; one; one = one->ifa_next) {
		if (!one->ifa_addr || one->ifa_addr->sa_family != AF_INET) {
			continue;
		}
		add(local, address_of(one->ifa_addr),
			one->ifa_netmask ? address_of(one->ifa_netmask) : 0xffffffff);
		if (one->ifa_flags & IFF_POINTOPOINT && one->ifa_dstaddr) {
			add(local, address_of(one->ifa_dstaddr), 0xffffffff);
		}
	}
	freeifaddrs(all);
	return true;
}
