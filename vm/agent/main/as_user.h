#ifndef VM_AGENT_MAIN_AS_USER_H
#define VM_AGENT_MAIN_AS_USER_H

#include "vm/agent/core/agent.h"
#include "vm/agent/core/options.h"

/*
 * Operations as another user: a second agent (vitrine-agent --helper), started by sudo, does them.  It
 * serves requests on its stdin, a socket, until that is closed.  It is kept for a while.  A privileged
 * one has root's rights on files, but makes files as our user does.
 */

bool as_user(struct request *req);      /* see agent.h */
void as_user_done(struct agent *agent); /* ends the helpers */

/* The helper's main function. */
int as_user_serve(const struct options *options);

#endif
