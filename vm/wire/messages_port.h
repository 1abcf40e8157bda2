#ifndef VM_WIRE_MESSAGES_PORT_H
#define VM_WIRE_MESSAGES_PORT_H

#include "vm/wire/message.h"

/* Connections to programs in the sandbox that listen on TCP ports. */
extern const struct message *const messages_port[]; /* NULL-terminated */

#define PORT_BYTES 0 /* the channel, both ways */
struct msg_port_connect {
	int64_t port;
};
extern const struct message message_port_connect, message_port_connected;

#endif
