/* The families of requests, in the order of docs/link.md.  A new message is a row in its family. */
#include "vm/wire/messages.h"

static const struct message *const *const families[] = { messages_desktop, messages_windows,
	messages_act, messages_wait, messages_programs, messages_process, messages_files,
	messages_port, messages_clipboard, messages_elements, messages_text, messages_stream,
	messages_saved };

const struct message *message_request_at(size_t i)
{
	for (size_t f = 0; f < sizeof(families) / sizeof(families[0]); f++) {
		for (const struct message *const *at = families[f]; *at; at++) {
			if (i-- == 0) {
				return *at;
			}
		}
	}
	return NULL;
}

const struct message *message_event_at(size_t i)
{
	return messages_events[i];
}
