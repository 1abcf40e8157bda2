#include "server/e2b/envd/files.h"

#include <string.h>

struct envd_signed envd_files_signed(const struct http_exchange *x, const char *access_token)
{
	return (struct envd_signed){
		.path = http_query(x, "path"),
		.user = http_query(x, "username"),
		.expires = http_query(x, "signature_expiration"),
		.writes = strcmp(http_method(x), "POST") == 0,
		.token = access_token,
	};
}

void envd_files_read(struct e2b_request *r)
{
	e2b_fail(r, 501, "this part of the API is not available yet");
}

void envd_files_write(struct e2b_request *r)
{
	e2b_fail(r, 501, "this part of the API is not available yet");
}
