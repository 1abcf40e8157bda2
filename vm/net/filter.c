/*
 * Checks each frame separately: without state, nothing can be exhausted.  Fragments are dropped,
 * because only the first one contains the port; so is everything except ARP and IPv4.
 */
#include "vm/net/filter.h"

#include <string.h>

#define ETHERNET 14
#define IP_MIN 20
#define MANY 0xe0000000     /* from here on addresses are not unicast */
#define QUOTED (IP_MIN + 8) /* of a refused packet */

/* Networks without public services (RFC 6890), except example ranges, which are unused. */
static const struct net_range private[] = {
	{ 0x00000000, 0xff000000 }, /* 0.0.0.0/8: this host */
	{ 0x0a000000, 0xff000000 }, /* 10.0.0.0/8 */
	{ 0x64400000, 0xffc00000 }, /* 100.64.0.0/10: a provider's own */
	{ 0x7f000000, 0xff000000 }, /* 127.0.0.0/8: this host */
	{ 0xa9fe0000, 0xffff0000 }, /* 169.254.0.0/16: this link, and the cloud's metadata */
	{ 0xac100000, 0xfff00000 }, /* 172.16.0.0/12 */
	{ 0xc0000000, 0xffffff00 }, /* 192.0.0.0/24 */
	{ 0xc0a80000, 0xffff0000 }, /* 192.168.0.0/16 */
	{ 0xc6120000, 0xfffe0000 }, /* 198.18.0.0/15: benchmarks */
	{ MANY, 0xe0000000 },       /* 224.0.0.0/3: multicast and broadcast */
};

static bool is_in(const struct net_range *ranges, size_t n, uint32_t address)
{
	for (size_t i = 0; i < n; i++) {
		if ((address & ranges[i].mask) == (ranges[i].address & ranges[i].mask)) {
			return true;
		}
	}
	return false;
}

static unsigned get16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static enum net_verdict judge_packet(const struct net_local *local, const uint8_t *ip, size_t len)
{
	size_t header = (size_t)(ip[0] & 15) * 4;
	bool in_pieces = get16(ip + 6) & 0x3fff; /* more fragments follow, or it is not the first */
	if (ip[0] >> 4 != 4 || header < IP_MIN || len < header + 8 || get16(ip + 2) < header + 8 ||
		in_pieces) {
		return NET_DROP;
	}
	uint32_t to = get32(ip + 16);
	bool has_ports = ip[9] == IPPROTO_TCP || ip[9] == IPPROTO_UDP;
	if (to == NET_RESOLVER && has_ports && get16(ip + header + 2) == 53) {
		return NET_PASS;
	}
	if (is_in(private, sizeof(private) / sizeof(*private), to) ||
		is_in(local->ranges, local->n, to)) {
		return has_ports && to < MANY ? NET_REFUSE : NET_DROP;
	}
	return has_ports || ip[9] == IPPROTO_ICMP ? NET_PASS : NET_DROP;
}

enum net_verdict net_judge(const struct net_local *local, const uint8_t *frame, size_t len)
{
	if (len < ETHERNET + IP_MIN + 8) {
		return NET_DROP;
	}
	switch (get16(frame + 12)) {
	case 0x0806: /* ARP stays within the VM's network */
		return NET_PASS;
	case 0x0800:
		return judge_packet(local, frame + ETHERNET, len - ETHERNET);
	default:
		return NET_DROP;
	}
}

/* ---- response ---- */

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

static unsigned checksum(const uint8_t *at, size_t len)
{
	uint32_t sum = 0;
	for (size_t i = 0; i + 1 < len; i += 2) {
		sum += get16(at + i);
	}
	while (sum >> 16) {
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return ~sum & 0xffff;
}

void net_refusal(const uint8_t *frame, uint8_t ret_frame[NET_REFUSAL_LEN])
{
	const uint8_t *said = frame + ETHERNET;
	uint8_t *ip = ret_frame + ETHERNET, *icmp = ip + IP_MIN;
	memset(ret_frame, 0, NET_REFUSAL_LEN);
	memcpy(ret_frame, frame + 6, 6);
	memcpy(ret_frame + 6, frame, 6);
	put16(ret_frame + 12, 0x0800);
	ip[0] = 0x45;
	put16(ip + 2, NET_REFUSAL_LEN - ETHERNET);
	ip[8] = 64;
	ip[9] = IPPROTO_ICMP;
	put32(ip + 12, NET_GATEWAY);
	memcpy(ip + 16, said + 12, 4);
	put16(ip + 10, checksum(ip, IP_MIN));
	icmp[0] = 3;  /* destination unreachable: */
	icmp[1] = 13; /* administratively prohibited */
	memcpy(icmp + 8, said, QUOTED);
	put16(icmp + 2, checksum(icmp, 8 + QUOTED));
}
