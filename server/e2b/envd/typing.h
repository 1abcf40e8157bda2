#ifndef SERVER_E2B_ENVD_TYPING_H
#define SERVER_E2B_ENVD_TYPING_H

#include "server/e2b/envd/process.h"
#include "server/e2b/envd/rpc.h"

/*
 * Text that E2B's desktop SDK types: `xdotool type --delay MS -- TEXT`.  xdotool changes the keyboard
 * layout for each character that it lacks, and programs that read it late insert others.  The agent
 * types such a text itself, so it arrives as it was sent; the answer is that of the command.
 */

/* The text of such a command, unquoted, to free().  NULL: it is another command. */
char *envd_typing_text(const struct process_config *config);
/* Takes text and answers the call. */
void envd_typing_run(struct rpc *rpc, char *text);

#endif
