#ifndef VM_GUEST_CHECK_H
#define VM_GUEST_CHECK_H

#include "vm/guest/guest.h"
#include "vm/wire/link.h"

/*
 * Replies of an agent (vm/wire/messages.h), read with field tables and cross-checked.  The results
 * point into the message.  An error says what is wrong with it.
 */

/* What was asked for. */
struct check_act {
	size_t n_actions;
	bool raw; /* pixels are welcome */
	struct size frame, screen;
};
/* ret_raw: of the pixels that the frame's bytes are; 0x0: they are an image. */
bool check_act(const struct link_msg *msg, const struct check_act *asked, struct guest_act *ret_act,
	struct size *ret_raw, struct err *err) NODISCARD;
bool check_launch(
	const struct link_msg *msg, struct guest_launch *ret_launch, struct err *err) NODISCARD;
bool check_exec(const struct link_msg *msg, struct guest_exec *ret_exec,
	struct err *err) NODISCARD; /* no outputs */
bool check_applications(const struct link_msg *msg, struct err *err) NODISCARD;
bool check_info(const struct link_msg *msg, struct err *err) NODISCARD;
bool check_nothing(const struct link_msg *msg, struct err *err) NODISCARD;

#endif
