#ifndef VM_WIRE_MESSAGES_CLIPBOARD_H
#define VM_WIRE_MESSAGES_CLIPBOARD_H

#include "vm/wire/message.h"

/* The clipboard of the desktop (vm/wire/clipboard.h). */
extern const struct message *const messages_clipboard[]; /* NULL-terminated */

struct msg_clipboard_get {
	const json_t *types; /* clipboard_wish_decode() */
};
struct msg_clipboard_get_answer {
	int type;   /* enum clipboard_type of the tail; -1: there is nothing */
	int absent; /* enum clipboard_absence; -1: there is something */
};
extern const struct message message_clipboard_get;

struct msg_clipboard_set {
	int type;          /* of the tail */
	const char *plain; /* beside HTML; NULL: none */
};
extern const struct message message_clipboard_set;

#endif
