/* The connection of one viewer to the RFB server of the desktop. */
#include "vm/guest/conversation.h"

struct conversation *guest_rfb(struct guest *guest, const struct guest_viewer *viewer,
	const struct conversation_handlers *handlers, void *data)
{
	const struct msg_rfb args = { viewer->window, viewer->clipboard };
	const struct conversation_how how = {
		.message = &message_rfb,
		.args = &args,
		.is_aside = true,
	};
	return conversation_open(guest, &how, handlers, data);
}
