#ifndef VM_AGENT_INIT_PRIVILEGED_REQUEST_H
#define VM_AGENT_INIT_PRIVILEGED_REQUEST_H

#include "vm/wire/messages.h"

#include <stdint.h>

/*
 * In a microVM the agent is an ordinary user, and what needs root is done by the first process.
 * There is one such request: to apply a new host's time, entropy and names.  It travels as one
 * record over a SOCK_SEQPACKET pair, and so does the answer; both ends check what comes.
 */

#define PRIVILEGED_ENTROPY 64
#define PRIVILEGED_TIME_MIN MESSAGE_TIME_MIN
#define PRIVILEGED_TIME_MAX MESSAGE_TIME_MAX

/* An empty text: stays as it is. */
struct privileged_request {
	uint32_t number; /* the answer has it too: one that is late belongs to another */
	int64_t time_us; /* of CLOCK_REALTIME */
	uint8_t entropy[PRIVILEGED_ENTROPY];
	char hostname[64];   /* letters, digits, '-' */
	char machine_id[33]; /* 32 hex digits */
	char mac[18];        /* "52:54:00:12:34:56", of one interface */
};

/* ERR_ARGUMENT, naming the member as the operation `restored` does. */
bool privileged_request_check(const struct privileged_request *request, struct err *err) NODISCARD;

/* The agent's end.  None of these waits. */
bool privileged_request_send(
	int fd, const struct privileged_request *request, struct err *err) NODISCARD;
/* False: err is what the first process says, or why its answer cannot be had; *ret_number is 0
 * then if it cannot be had at all. */
bool privileged_request_answer(int fd, uint32_t *ret_number, struct err *err) NODISCARD;

/* The first process's end.  False: nothing usable came, but perhaps its number. */
bool privileged_request_receive(
	int fd, struct privileged_request *ret_request, struct err *err) NODISCARD;
/* why NULL: it went well. */
bool privileged_request_reply(
	int fd, uint32_t number, const struct err *why, struct err *err) NODISCARD;

#endif
