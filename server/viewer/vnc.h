#ifndef SERVER_VIEWER_VNC_H
#define SERVER_VIEWER_VNC_H

#include "server/config/config.h"
#include "server/viewer/desktop.h"

/* Streams for VNC viewers other than browsers: a link's id is the user name, its ticket the
 * password. */

struct listen_vnc;

/* NULL with err: cannot listen. */
struct listen_vnc *listen_vnc_new(sd_event *event, const struct config *config,
	struct watched_desktops *desktops, struct err *err) NODISCARD;
/* "127.0.0.1:5901", "unix:PATH" */
const char *listen_vnc_address(const struct listen_vnc *listen);
/* Closes all viewers; call before freeing the desktops.  NULL-safe. */
void listen_vnc_free(struct listen_vnc *listen);

#endif
