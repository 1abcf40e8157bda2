#ifndef VM_GUEST_CONVERSATION_H
#define VM_GUEST_CONVERSATION_H

#include "vm/guest/guest.h"
#include "vm/wire/messages.h"

/*
 * An operation of the agent that streams: a request opens it, both sides send bytes and messages
 * with credit, and the answer ends it.  What may be sent is in the operation's row of
 * vm/wire/messages.h; a new operation is that row, an `op` of the agent, and a call of
 * conversation_open().  What an agent sends that is not in the row ends the sandbox.
 *
 * A reader that reports nothing as consumed costs CONVERSATION_WINDOW bytes and delays nobody else.
 */

struct conversation;

#define CONVERSATION_WINDOW (256u << 10) /* bytes under way, each way; messages count, too */

struct conversation_handlers {
	/* Bytes arrived on one of the agent's channels.  conversation_consumed() when they were
	 * dealt with, now or later. */
	void (*on_data)(struct conversation *c, unsigned channel, const void *bytes, size_t len,
		void *data);
	/* A message arrived, with its struct, valid during the callback; cost: for
	 * conversation_consumed().  NULL if the agent has no messages. */
	void (*on_message)(struct conversation *c, const struct message *message, const void *args,
		size_t cost, void *data);
	/* There is room again after a write or send was not taken as a whole.  May be NULL. */
	void (*on_writable)(struct conversation *c, void *data);
	/* The agent sends no more, and the answer is still to come.  May be NULL. */
	void (*on_closed)(struct conversation *c, void *data);
	/*
	 * The end, after all that the agent sent: its answer, checked, as the struct of the row and
	 * valid during the callback; or an error.  ERR_STATE: the sandbox is not ready;
	 * ERR_TIMEOUT: the agent was late; ERR_GONE: the sandbox has ended, was paused or rolled
	 * back; others are the agent's.  Fires once, from the loop, unless conversation_close()
	 * came first; the conversation must not be used any more.
	 */
	void (*on_end)(
		struct conversation *c, const void *answer, const struct err *err, void *data);
};

struct conversation_how {
	const struct message *message;
	const void *args; /* the struct of its request */
	const void *tail; /* bytes behind it, copied */
	size_t tail_len;
	/* How long the agent may take until the answer, in ms.  0: as long as both sides want; it
	 * must then send something soon. */
	int64_t time_ms;
	bool is_command; /* requires that the caller may run commands */
	bool is_aside;   /* not a use of the sandbox */
};

/* Never NULL; whatever fails is told by on_end().  handlers is borrowed. */
struct conversation *conversation_open(struct guest *guest, const struct conversation_how *how,
	const struct conversation_handlers *handlers, void *data);
guest_id conversation_id(const struct conversation *c); /* for guest_cancel() */
/* Returns how many bytes were taken; 0 once the agent is gone. */
size_t conversation_write(struct conversation *c, unsigned channel, const void *bytes, size_t len);
/* False: there is no room for the message now; on_writable() follows. */
bool conversation_send(struct conversation *c, const struct message *message, const void *args);
void conversation_consumed(struct conversation *c, size_t len);
/* The agent is told that no more bytes and messages come. */
void conversation_close_write(struct conversation *c);
/* Gives it up: what was written still arrives, then the agent is told to stop.  No callback comes
 * any more.  NULL-safe. */
void conversation_close(struct conversation *c);

#endif
