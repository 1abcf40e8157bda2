#include "server/e2b/ports/ports.h"

void e2b_ports_run(struct e2b_request *r)
{
	e2b_fail(r, 501, "this part of the API is not available yet");
}
