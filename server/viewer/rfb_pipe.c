/* Adapts vm/guest/ to transport/rfb/, neither of which may depend on the other. */
#include "server/viewer/rfb_pipe.h"

#include "vm/guest/conversation.h"

static size_t pipe_write(void *pipe, const void *bytes, size_t len)
{
	return conversation_write(pipe, 0, bytes, len);
}

static void pipe_consumed(void *pipe, size_t len)
{
	conversation_consumed(pipe, len);
}

static void pipe_close(void *pipe)
{
	conversation_close(pipe);
}

const struct stream_pipe desktop_pipe = { pipe_write, pipe_consumed, pipe_close };
