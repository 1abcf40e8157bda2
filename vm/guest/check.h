#ifndef VM_GUEST_CHECK_H
#define VM_GUEST_CHECK_H

#include "vm/guest/guest.h"
#include "vm/wire/link.h"

/*
 * Checks replies of an agent (vm/wire/messages.h) with field tables and further rules.  The results
 * point into the message.  Errors say what is wrong with it.
 */

/* The relevant parts of the request. */
struct check_act {
	size_t n_actions;
	bool raw;    /* pixels are accepted */
	bool window; /* the frame is of a window */
	bool marks;  /* it may have marks */
	struct size frame, screen;
};
/* ret_raw: the size, if the frame's bytes are pixels; 0x0: they are an image. */
bool check_act(const struct link_msg *msg, const struct check_act *asked, struct guest_act *ret_act,
	struct size *ret_raw, struct err *err) NODISCARD;
bool check_launch(
	const struct link_msg *msg, struct guest_launch *ret_launch, struct err *err) NODISCARD;
/* wish: what was asked for. */
bool check_clipboard(const struct link_msg *msg, const struct clipboard_wish *wish,
	struct guest_clipboard *ret_clipboard, struct err *err) NODISCARD;
/* Each object of a list of at most max, which `what` names; scratch: one decoded. */
bool check_rows(const char *what, const json_t *list, size_t max, const struct field *fields,
	void *scratch, struct err *err) NODISCARD;
/* A row of matches of find_text; its box is a rectangle. */
bool check_text_match(const json_t *row, struct err *err) NODISCARD;
bool check_applications(const struct link_msg *msg, struct err *err) NODISCARD;
bool check_wait(const struct link_msg *msg, struct err *err) NODISCARD;
bool check_info(const struct link_msg *msg, struct err *err) NODISCARD;
bool check_windows(const struct link_msg *msg, struct err *err) NODISCARD;
bool check_window_change(const struct link_msg *msg, struct err *err) NODISCARD;
bool check_display(const struct link_msg *msg, struct err *err) NODISCARD;
bool check_nothing(const struct link_msg *msg, struct err *err) NODISCARD;

#endif
