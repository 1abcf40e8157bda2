/*
 * QEMU's user network is the same for every VM: its addresses are constants, so DHCP is not needed.
 * A few ioctls on one socket configure everything.
 */
#include "vm/agent/init/network.h"

#include "base/cleanup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define CARD "eth0"
#define ADDRESS "10.0.2.15"
#define MASK "255.255.255.0"
#define GATEWAY "10.0.2.2"
#define RESOLVER "nameserver 10.0.2.3\n"

static bool has_card; /* determined at start: none is added later */

static void put_address(struct sockaddr *to, const char *text)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	inet_pton(AF_INET, text, &address.sin_addr);
	memcpy(to, &address, sizeof(address));
}

static struct ifreq request(const char *card)
{
	struct ifreq ask = { 0 };
	snprintf(ask.ifr_name, sizeof(ask.ifr_name), "%s", card);
	return ask;
}

static bool set_flag(int fd, const char *card, bool up, struct err *err)
{
	struct ifreq ask = request(card);
	if (ioctl(fd, SIOCGIFFLAGS, &ask) < 0) {
		return err_errno(err, "cannot query the interface %s", card);
	}
	ask.ifr_flags = (short)(up ? ask.ifr_flags | IFF_UP : ask.ifr_flags & ~IFF_UP);
	if (ioctl(fd, SIOCSIFFLAGS, &ask) < 0) {
		return err_errno(err, "cannot set the interface %s %s", card, up ? "on" : "off");
	}
	return true;
}

static bool set_address(int fd, unsigned long which, const char *text, struct err *err)
{
	struct ifreq ask = request(CARD);
	put_address(&ask.ifr_addr, text);
	if (ioctl(fd, which, &ask) < 0) {
		return err_errno(err, "cannot set the address of %s to %s", CARD, text);
	}
	return true;
}

static bool set_route(int fd, struct err *err)
{
	struct rtentry route = { .rt_flags = RTF_UP | RTF_GATEWAY };
	put_address(&route.rt_dst, "0.0.0.0");
	put_address(&route.rt_genmask, "0.0.0.0");
	put_address(&route.rt_gateway, GATEWAY);
	if (ioctl(fd, SIOCADDRT, &route) < 0 && errno != EEXIST) {
		return err_errno(err, "cannot set the route by %s", GATEWAY);
	}
	return true;
}

/* Querying it by name would make the kernel run a program to load a driver. */
static bool find_card(void)
{
	return access("/sys/class/net/" CARD, F_OK) == 0;
}

static bool write_resolver(struct err *err)
{
	unlink("/etc/resolv.conf"); /* often a dangling link */
	auto_close int fd =
		open("/etc/resolv.conf", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, RESOLVER, strlen(RESOLVER)) != (ssize_t)strlen(RESOLVER)) {
		return err_errno(err, "cannot write /etc/resolv.conf");
	}
	return true;
}

static int open_socket(struct err *err)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		err_errno(err, "cannot create a socket");
	}
	return fd;
}

bool network_up(struct err *err)
{
	auto_close int fd = open_socket(err);
	has_card = find_card();
	return fd >= 0 && set_flag(fd, "lo", true, err) &&
	       (!has_card || (set_address(fd, SIOCSIFADDR, ADDRESS, err) &&
				     set_address(fd, SIOCSIFNETMASK, MASK, err) &&
				     set_flag(fd, CARD, true, err) && set_route(fd, err) &&
				     write_resolver(err)));
}

static struct ifreq mac_request(const char *mac)
{
	struct ifreq ask = request(CARD);
	unsigned bytes[6] = { 0 };
	sscanf(mac, "%2x:%2x:%2x:%2x:%2x:%2x", &bytes[0], &bytes[1], &bytes[2], &bytes[3],
		&bytes[4], &bytes[5]);
	ask.ifr_hwaddr.sa_family = ARPHRD_ETHER;
	for (size_t i = 0; i < 6; i++) {
		ask.ifr_hwaddr.sa_data[i] = (char)bytes[i];
	}
	return ask;
}

bool network_set_mac(const char *mac, struct err *err)
{
	if (!has_card) {
		return true;
	}
	auto_close int fd = open_socket(err);
	struct ifreq ask = mac_request(mac);
	if (fd < 0) {
		return false;
	}
	bool set = ioctl(fd, SIOCSIFHWADDR, &ask) == 0;
	if (!set && errno == EBUSY) { /* a card that accepts changes only while it is down */
		set = set_flag(fd, CARD, false, err) && ioctl(fd, SIOCSIFHWADDR, &ask) == 0;
		return set ? set_flag(fd, CARD, true, err) && set_route(fd, err)
			   : err_errno(err, "cannot set the address of %s to %s", CARD, mac);
	}
	return set || err_errno(err, "cannot set the address of %s to %s", CARD, mac);
}
