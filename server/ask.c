/* What the server asks of a client.  It asks nothing yet: an answer that comes all the same is
 * dropped. */
#include "server/session.h"

void ask_take_response(struct session *session, const json_t *id, const json_t *message)
{
	(void)session, (void)id, (void)message;
}
