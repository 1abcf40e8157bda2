#ifndef SERVER_VIEWER_RFB_PIPE_H
#define SERVER_VIEWER_RFB_PIPE_H

#include "transport/rfb/websocket_proxy.h"

/* A desktop's VNC server, a struct conversation, as viewers of transport/ want their pipe. */
extern const struct stream_pipe desktop_pipe;

#endif
