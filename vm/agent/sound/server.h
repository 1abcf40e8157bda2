#ifndef VM_AGENT_SOUND_SERVER_H
#define VM_AGENT_SOUND_SERVER_H

#include "base/err.h"

#include <systemd/sd-event.h>

/*
 * The desktop's sound server: PulseAudio with one output that is not connected to any device.  It
 * runs while programs are connected to it and some seconds longer.
 */
struct sound_server;

#define SOUND_MONITOR "desktop.monitor" /* the source with what is played */
#define SOUND_RECORDER "parec"          /* the program that records it */

/* Waits for programs, if PulseAudio is installed. */
struct sound_server *sound_server_new(sd_event *event);
/* Whether programs can connect; otherwise says why, and what to install. */
bool sound_server_is_there(struct sound_server *server, struct err *err) NODISCARD;
/* Kills it.  NULL-safe. */
void sound_server_free(struct sound_server *server);

#endif
