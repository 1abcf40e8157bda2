#ifndef VM_WIRE_MESSAGE_TABLE_H
#define VM_WIRE_MESSAGE_TABLE_H

/* For messages_NAME.c: what the rows of messages and of their fields are written with. */

#define MS_MAX 1e9
#define COUNT_MAX 1e15
#define ID_MAX 4294967295.0 /* X resources, pids, streams */

#define END \
	{ \
		.name = NULL, \
	}
#define REQUIRED .required = true
/* Agents in VMs that were saved before there was a scale do not tell it. */
#define MESSAGE_SCALE(T) \
	FIELD_NUM(T, scale, "How large programs draw, in percent.", .min = SCALE_MIN, \
		.max = SCALE_MAX, .default_value = SCALE_MIN)

/* A part of a message: none, or the fields of a T. */
#define NOTHING \
	{ \
		.fields = (const struct field[]) \
		{ \
			END \
		} \
	}
#define PART(T, table, ...) \
	{ \
		.fields = table, .size = sizeof(T), __VA_ARGS__ \
	}
#define MEMBERS(...) \
	(const struct message_member[]) \
	{ \
		__VA_ARGS__, \
		{ \
			0 \
		} \
	}

#endif
