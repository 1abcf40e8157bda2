#ifndef VM_AGENT_SESSION_AUTOSTART_H
#define VM_AGENT_SESSION_AUTOSTART_H

#include <systemd/sd-event.h>

/* Starts the image's programs: each line of the file is a shell command. path:
 * /etc/vitrine/autostart; a missing file is empty. */
#define AUTOSTART_FILE "/etc/vitrine/autostart"

/* Programs that are open in a template (vm/agent/session/prepare.c), in the same format. */
#define WARM_FILE "/etc/vitrine/warm"

void autostart_command(sd_event *event, const char *command);
void autostart_run(sd_event *event, const char *path);

#endif
