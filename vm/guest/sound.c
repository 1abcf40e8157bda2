/* What a desktop plays. */
#include "vm/guest/conversation.h"

struct conversation *guest_sound(struct guest *guest, enum guest_asker asker,
	const struct msg_sound *args, int64_t ms, const struct conversation_handlers *handlers,
	void *data)
{
	const struct conversation_how how = {
		.message = &message_sound,
		.args = args,
		.time_ms = ms,
		.is_aside = asker == GUEST_ASKER_VIEWER,
	};
	return conversation_open(guest, &how, handlers, data);
}
