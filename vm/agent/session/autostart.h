#ifndef VM_AGENT_SESSION_AUTOSTART_H
#define VM_AGENT_SESSION_AUTOSTART_H

#include <systemd/sd-event.h>

/* Starts what the image wants on its desktop: each line of the file is a command for the shell.
 * path: /etc/vitrine/autostart; without the file there is nothing to start. */
#define AUTOSTART_FILE "/etc/vitrine/autostart"

/* What a desktop opens before it is saved as a template (vm/agent/session/prepare.c), likewise. */
#define WARM_FILE "/etc/vitrine/warm"

void autostart_command(sd_event *event, const char *command);
void autostart_run(sd_event *event, const char *path);

#endif
