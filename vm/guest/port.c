/* A TCP connection into the sandbox. */
#include "vm/guest/conversation.h"

struct conversation *guest_port(struct guest *guest, unsigned port,
	const struct conversation_handlers *handlers, void *data)
{
	const struct msg_port_connect args = { port };
	const struct conversation_how how = { .message = &message_port_connect, .args = &args };
	return conversation_open(guest, &how, handlers, data);
}
