#include "server/e2b/control/control.h"

void e2b_control_run(struct e2b_request *r)
{
	e2b_fail(r, 501, "this part of the API is not available yet");
}
