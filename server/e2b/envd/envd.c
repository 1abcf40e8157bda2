#include "server/e2b/envd/envd.h"

void e2b_envd_run(struct e2b_request *r)
{
	e2b_fail(r, 501, "this part of the API is not available yet");
}

bool e2b_envd_is_signed(const struct http_exchange *x, const char *access_token)
{
	(void)x, (void)access_token;
	return false;
}
