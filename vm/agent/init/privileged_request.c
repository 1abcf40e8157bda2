/* The record, its checks, and its way over the socket pair. */
#include "vm/agent/init/privileged_request.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

struct answer {
	uint32_t number;
	int32_t kind; /* ERR_NONE: done */
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

/* Of one interface: the lowest bit of the first byte would make it one of a group. */
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

bool errand_check(const struct errand *e, struct err *err)
{
	if (e->time_us < ERRAND_TIME_MIN || e->time_us > ERRAND_TIME_MAX) {
		return err_set(err, ERR_ARGUMENT,
			"'time_us' must be microseconds since 1970, between the years 2020 and "
			"2500; got %lld",
			(long long)e->time_us);
	}
	if (!is_ended(e->hostname, sizeof(e->hostname)) || !is_hostname(e->hostname)) {
		return err_set(err, ERR_ARGUMENT,
			"'hostname' must be 1 to 63 letters, digits and inner dashes; got '%.63s'",
			e->hostname);
	}
	if (!is_ended(e->machine_id, sizeof(e->machine_id)) || !is_machine_id(e->machine_id)) {
		return err_set(err, ERR_ARGUMENT,
			"'machine_id' must be 32 hex digits, not all 0; got '%.32s'",
			e->machine_id);
	}
	if (!is_ended(e->mac, sizeof(e->mac)) || !is_mac(e->mac)) {
		return err_set(err, ERR_ARGUMENT,
			"'mac' must be six hex bytes like 52:54:00:12:34:56, of one interface; got "
			"'%.17s'",
			e->mac);
	}
	return true;
}

/* ---- the way ---- */

static bool put(int fd, const void *record, size_t size, struct err *err)
{
	if (send(fd, record, size, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)size) {
		return err_errno(err, "cannot reach the other process of the machine");
	}
	return true;
}

static bool get(int fd, void *ret_record, size_t size, struct err *err)
{
	ssize_t n = recv(fd, ret_record, size, MSG_DONTWAIT | MSG_TRUNC);
	if (n < 0) {
		return err_errno(err, "cannot hear the other process of the machine");
	}
	if (n == 0) {
		return err_set(err, ERR_GONE, "the other process of the machine has ended");
	}
	if (n != (ssize_t)size) {
		return err_set(err, ERR_HOST,
			"the other process of the machine sent %zd bytes instead of %zu", n, size);
	}
	return true;
}

bool errand_ask(int fd, const struct errand *errand, struct err *err)
{
	return put(fd, errand, sizeof(*errand), err);
}

bool errand_answer(int fd, uint32_t *ret_number, struct err *err)
{
	struct answer answer;
	*ret_number = 0;
	if (!get(fd, &answer, sizeof(answer), err)) {
		return false;
	}
	if (!is_ended(answer.text, sizeof(answer.text))) {
		return err_set(err, ERR_HOST, "the machine's first process gives no clear answer");
	}
	*ret_number = answer.number;
	return answer.kind == ERR_NONE || err_set(err, ERR_HOST, "%s", answer.text);
}

bool errand_take(int fd, struct errand *ret_errand, struct err *err)
{
	*ret_errand = (struct errand){ 0 };
	return get(fd, ret_errand, sizeof(*ret_errand), err) && errand_check(ret_errand, err);
}

bool errand_done(int fd, uint32_t number, const struct err *why, struct err *err)
{
	struct answer answer = { .number = number };
	if (why) {
		answer.kind = (int32_t)why->kind;
		snprintf(answer.text, sizeof(answer.text), "%s", why->text);
	}
	return put(fd, &answer, sizeof(answer), err);
}
