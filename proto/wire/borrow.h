/* Borrowed bytes as fields of a message. */
#ifndef LF_PROTO_WIRE_BORROW_H
#define LF_PROTO_WIRE_BORROW_H

/*
 * A pointer to const as a field of a message. protobuf-c's fields are not const; whoever gets the message does not
 * write through them. What is pointed to outlives the message.
 */
static inline void *lf_unconst(const void *pointer)
{
	union {
		const void *from;
		void *to;
	} u = {pointer};

	return u.to;
}

#endif
