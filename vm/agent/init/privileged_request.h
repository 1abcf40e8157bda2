#ifndef VM_AGENT_INIT_PRIVILEGED_REQUEST_H
#define VM_AGENT_INIT_PRIVILEGED_REQUEST_H

#include "vm/wire/messages.h"

#include <stdint.h>

/*
 * In a microVM the agent is an ordinary user, and the first process performs operations that
 * require root.  There is one such privileged request: to set a new host's time, entropy and names.
 * It is sent as one record over a SOCK_SEQPACKET pair, and so is the response; both ends check what
 * they receive.
 */

#define PRIVILEGED_ENTROPY 64
#define PRIVILEGED_TIME_MIN MESSAGE_TIME_MIN
#define PRIVILEGED_TIME_MAX MESSAGE_TIME_MAX

/* An empty text: unchanged. */
struct privileged_request {
	uint32_t number; /* repeated in the response, to detect late ones */
	int64_t time_us; /* of CLOCK_REALTIME */
	uint8_t entropy[PRIVILEGED_ENTROPY];
	char hostname[64];   /* letters, digits, '-' */
	char machine_id[33]; /* 32 hex digits */
	char mac[18];        /* "52:54:00:12:34:56", unicast */
};

/* ERR_ARGUMENT, naming the member as in the operation `restored`. */
bool privileged_request_check(const struct privileged_request *request, struct err *err) NODISCARD;

/* The agent's end.  None of these blocks. */
bool privileged_request_send(
	int fd, const struct privileged_request *request, struct err *err) NODISCARD;
/* False: err is the error of the first process, or why there is no response; *ret_number is 0 if
 * there is none. */
bool privileged_request_answer(int fd, uint32_t *ret_number, struct err *err) NODISCARD;

/* The first process's end.  False: the request is invalid; its number may be set. */
bool privileged_request_receive(
	int fd, struct privileged_request *ret_request, struct err *err) NODISCARD;
/* why NULL: success. */
bool privileged_request_reply(
	int fd, uint32_t number, const struct err *why, struct err *err) NODISCARD;

#endif
