#ifndef SERVER_DESKTOP_PIPE_H
#define SERVER_DESKTOP_PIPE_H

#include "transport/stream.h"

/* A desktop's VNC server, a struct guest_pipe, as viewers of transport/ want their pipe. */
extern const struct stream_pipe desktop_pipe;

#endif
