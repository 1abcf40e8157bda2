/* The privileged request as a record, its checks, and its transfer over the socket pair. */
#include "vm/agent/init/privileged_request.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

struct answer {
	uint32_t number;
	int32_t kind; /* ERR_NONE: success */
	char text[sizeof(((struct err *)0)->text)];
};

/* ---- checks ---- */

static bool is_ended(const char *text, size_t size)
{
	return memchr(text, '\0', size);
}

static bool is_hostname(const char *text)
{
	size_t len = strlen(text);
	for (size_t i = 0; i < len; i++) {
		bool dash = text[i] == '-' && i > 0 && i + 1 < len;
		if (!dash && (!isascii(text[i]) || !isalnum(text[i]))) {
			return false;
		}
	}
	return true;
}

static bool is_machine_id(const char *text)
{
	return !*text || (strlen(text) == 32 && strspn(text, "0123456789abcdef") == 32 &&
				 strspn(text, "0") < 32);
}

/* Unicast: the lowest bit of the first byte marks multicast addresses. */
static bool is_mac(const char *text)
{
	for (size_t i = 0; text[i]; i++) {
		if (i % 3 == 2 ? text[i] != ':' : !isxdigit((unsigned char)text[i])) {
			return false;
		}
	}
	return !*text ||
	       (strlen(text) == 17 && strchr("02468aceACE", text[1]) && strspn(text, "0:") < 17);
}

bool privileged_request_check(const struct privileged_request *r, struct err *err)
{
	if (r->time_us < PRIVILEGED_TIME_MIN || r->time_us > PRIVILEGED_TIME_MAX) {
		return err_set(err, ERR_ARGUMENT,
			"'time_us' must be microseconds since 1970, between the years 2020 and "
			"2500; got %lld",
			(long long)r->time_us);
	}
	if (!is_ended(r->hostname, sizeof(r->hostname)) || !is_hostname(r->hostname)) {
		return err_set(err, ERR_ARGUMENT,
			"'hostname' must be 1 to 63 letters, digits and inner dashes; got '%.63s'",
			r->hostname);
	}
	if (!is_ended(r->machine_id, sizeof(r->machine_id)) || !is_machine_id(r->machine_id)) {
		return err_set(err, ERR_ARGUMENT,
			"'machine_id' must be 32 hex digits, not all 0; got '%.32s'",
			r->machine_id);
	}
	if (!is_ended(r->mac, sizeof(r->mac)) || !is_mac(r->mac)) {
		return err_set(err, ERR_ARGUMENT,
			"'mac' must be six hex bytes, such as 52:54:00:12:34:56, of one interface; got "
			"'%.17s'",
			r->mac);
	}
	return true;
}

/* ---- transfer ---- */

static bool put(int fd, const void *record, size_t size, struct err *err)
{
	if (send(fd, record, size, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)size) {
		return err_errno(err, "cannot send to the VM's other process");
	}
	return true;
}

static bool get(int fd, void *ret_record, size_t size, struct err *err)
{
	ssize_t n = recv(fd, ret_record, size, MSG_DONTWAIT | MSG_TRUNC);
	if (n < 0) {
		return err_errno(err, "cannot receive from the VM's other process");
	}
	if (n == 0) {
		return err_set(err, ERR_GONE, "the VM's other process has exited");
	}
	if (n != (ssize_t)size) {
		return err_set(err, ERR_HOST,
			"the VM's other process sent %zd bytes instead of %zu", n, size);
	}
	return true;
}

bool privileged_request_send(int fd, const struct privileged_request *request, struct err *err)
{
	return put(fd, request, sizeof(*request), err);
}

bool privileged_request_answer(int fd, uint32_t *ret_number, struct err *err)
{
	struct answer answer;
	*ret_number = 0;
	if (!get(fd, &answer, sizeof(answer), err)) {
		return false;
	}
	if (!is_ended(answer.text, sizeof(answer.text))) {
		return err_set(
			err, ERR_HOST, "the VM's first process returned an invalid response");
	}
	*ret_number = answer.number;
	return answer.kind == ERR_NONE || err_set(err, ERR_HOST, "%s", answer.text);
}

bool privileged_request_receive(int fd, struct privileged_request *ret_request, struct err *err)
{
	*ret_request = (struct privileged_request){ 0 };
	return get(fd, ret_request, sizeof(*ret_request), err) &&
	       privileged_request_check(ret_request, err);
}

bool privileged_request_reply(int fd, uint32_t number, const struct err *why, struct err *err)
{
	struct answer answer = { .number = number };
	if (why) {
		answer.kind = (int32_t)why->kind;
		snprintf(answer.text, sizeof(answer.text), "%s", why->text);
	}
	return put(fd, &answer, sizeof(answer), err);
}
