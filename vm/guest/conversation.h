#ifndef VM_GUEST_CONVERSATION_H
#define VM_GUEST_CONVERSATION_H

#include "vm/guest/guest.h"
#include "vm/wire/messages.h"

/*
 * An operation of the agent that streams: a request opens it, both sides send bytes and messages
 * with credit, and the answer ends it.  The operation's row in vm/wire/messages.h lists what each
 * side may send.  An agent that sends anything else ends the sandbox.  A new operation is such a
 * row, an `op` of the agent, and a call of conversation_open().
 *
 * A reader that consumes nothing costs CONVERSATION_WINDOW bytes and delays no others.
 */

struct conversation;

#define CONVERSATION_WINDOW (256u << 10) /* bytes in flight in each direction, including messages */

struct conversation_handlers {
	/* Bytes on one of the agent's channels.  Call conversation_consumed() when they were
	 * processed, now or later. */
	void (*on_data)(struct conversation *c, unsigned channel, const void *bytes, size_t len,
		void *data);
	/* A message, and its struct, valid during the callback; cost: the number for
	 * conversation_consumed().  NULL if the agent sends no messages. */
	void (*on_message)(struct conversation *c, const struct message *message, const void *args,
		size_t cost, void *data);
	/* There is credit again, after a write was not taken completely or a send was refused.  May
	 * be NULL. */
	void (*on_writable)(struct conversation *c, void *data);
	/* The agent sends nothing more except the answer.  May be NULL. */
	void (*on_closed)(struct conversation *c, void *data);
	/*
	 * The end, after everything that the agent sent: its checked answer, as the struct of the
	 * row, valid during the callback; or an error.  ERR_STATE: the sandbox is not ready;
	 * ERR_TIMEOUT: the agent was late; ERR_GONE: the sandbox has ended, was paused or rolled
	 * back; other kinds are from the agent.  Called once, from the loop, unless
	 * conversation_close() was called before.  The conversation is freed afterwards.
	 */
	void (*on_end)(
		struct conversation *c, const void *answer, const struct err *err, void *data);
};

struct conversation_how {
	const struct message *message;
	const void *args; /* the struct of its request */
	const void *tail; /* of the request; copied */
	size_t tail_len;
	/* Maximum time until the answer, in ms.  0: without limit; the agent must then send
	 * something soon. */
	int64_t time_ms;
	bool is_command; /* requires that the caller may run commands */
	bool is_aside;   /* not a use of the sandbox */
};

/* Never NULL; failures are reported by on_end().  handlers is borrowed. */
struct conversation *conversation_open(struct guest *guest, const struct conversation_how *how,
	const struct conversation_handlers *handlers, void *data);
guest_id conversation_id(const struct conversation *c); /* for guest_cancel() */
/* Of its request on the link, by which the agent knows it; 0: the agent does not have it. */
uint32_t conversation_number(const struct conversation *c);
/* Returns the number of bytes taken; 0 if the agent is gone. */
size_t conversation_write(struct conversation *c, unsigned channel, const void *bytes, size_t len);
/* False: the credit is insufficient now; on_writable() follows. */
bool conversation_send(struct conversation *c, const struct message *message, const void *args);
void conversation_consumed(struct conversation *c, size_t len);
/* Tells the agent that no more bytes and messages follow. */
void conversation_close_write(struct conversation *c);
/* The agent has sent something that its row does not exclude, and that is not valid: ends the sandbox,
 * and with it the conversation. */
void conversation_is_bad(struct conversation *c, const struct err *why);
/* Abandons it: what was written still arrives, then the request is cancelled.  No callback is called
 * afterwards.  NULL-safe. */
void conversation_close(struct conversation *c);

#endif
