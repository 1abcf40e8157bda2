#include "vm/wire/messages_port.h"

#include "vm/wire/message_table.h"

#define CONNECT struct msg_port_connect
static const struct field connect_fields[] = {
	FIELD_NUM(CONNECT, port, "A TCP port of the sandbox's loopback addresses.", REQUIRED,
		.min = 1, .max = 65535),
	END,
};

const struct message message_port_connected = {
	.name = "connected",
	.help = "The program has the connection.",
	.request = NOTHING,
};

static const struct message_talk connect_talk = {
	.host = { { "bytes" } },
	.agent = { { "bytes" }, { &message_port_connected } },
};

const struct message message_port_connect = {
	.name = "port_connect",
	.help = "Connects to 127.0.0.1, or else to ::1, inside the sandbox. The host may send before "
		"`connected`. Each side closes its direction when its sender has; it is answered when "
		"both are closed. Bytes for a program that has stopped reading are dropped. Errors: "
		"not-found if nothing listens on the port, host if the connection fails otherwise.",
	.request = PART(CONNECT, connect_fields),
	.answer = NOTHING,
	.talk = &connect_talk,
};

const struct message *const messages_port[] = { &message_port_connect, NULL };
