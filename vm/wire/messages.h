#ifndef VM_WIRE_MESSAGES_H
#define VM_WIRE_MESSAGES_H

#include "vm/wire/messages_act.h"
#include "vm/wire/messages_clipboard.h"
#include "vm/wire/messages_desktop.h"
#include "vm/wire/messages_elements.h"
#include "vm/wire/messages_events.h"
#include "vm/wire/messages_files.h"
#include "vm/wire/messages_port.h"
#include "vm/wire/messages_process.h"
#include "vm/wire/messages_programs.h"
#include "vm/wire/messages_saved.h"
#include "vm/wire/messages_stream.h"
#include "vm/wire/messages_text.h"
#include "vm/wire/messages_wait.h"
#include "vm/wire/messages_windows.h"

/*
 * All messages of the link: arguments of requests, answers, events.  A family of messages is a file
 * messages_NAME.c with its list; docs/link.md is generated from them.
 *
 * Coordinates are pixels of the frame space, the full-screen image that a model receives:
 * geometry_fit(screen).  Times are milliseconds.
 */

#define PROTOCOL_VERSION 2

/* Operations, in the order of docs/link.md; NULL past the end. */
const struct message *message_request_at(size_t i);
/* Events. */
const struct message *message_event_at(size_t i);

#endif
