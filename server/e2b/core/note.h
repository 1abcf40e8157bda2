#ifndef SERVER_E2B_CORE_NOTE_H
#define SERVER_E2B_CORE_NOTE_H

#include "server/e2b/core/request.h"

/* What clients do in a sandbox is in its action log (server/activity), as calls of tools are.  A record
 * says what was done, not with what: no command, no path, no text. */

/* Of a request on a sandbox: finds whether it is one that is noted. */
void e2b_note_begin(struct e2b_request *r);
/* Its exchange has closed: adds the record. */
void e2b_note_end(struct e2b_request *r);

#endif
