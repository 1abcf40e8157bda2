#include "server/e2b/code/code.h"

void e2b_code_run(struct e2b_request *r)
{
	e2b_fail(r, 501, "this part of the API is not available yet");
}
