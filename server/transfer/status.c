#include "server/transfer/status.h"

#include <string.h>

/* The agent reports refusals of the kernel with the name of its error only. */
static bool is_refusal(const struct err *err)
{
	return strstr(err->text, "(EACCES)") || strstr(err->text, "(EPERM)") ||
	       strstr(err->text, "(EROFS)");
}

int transfer_status(const struct err *err)
{
	switch (err->kind) {
	case ERR_ARGUMENT:
		return 400;
	case ERR_NOT_FOUND:
		return 404;
	case ERR_STATE:
		return 409;
	case ERR_LIMIT:
		return 507;
	case ERR_UNSUPPORTED:
		return 501;
	case ERR_TIMEOUT:
		return 504;
	case ERR_GONE:
		return 502;
	default:
		return is_refusal(err) ? 403 : 500;
	}
}
