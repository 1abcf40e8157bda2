#ifndef VM_AGENT_AUTOSTART_H
#define VM_AGENT_AUTOSTART_H

#include <systemd/sd-event.h>

/* Starts what the image wants on its desktop: each line of the file is a command for the shell.
 * path: /etc/vitrine/autostart; without the file there is nothing to start. */
#define AUTOSTART_FILE "/etc/vitrine/autostart"

void autostart_run(sd_event *event, const char *path);

#endif
