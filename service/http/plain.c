#include <errno.h>
#include <sys/socket.h>

#include "service/http/internal.h"

/* Bytes over a plain socket. */

static ssize_t plain_result(ssize_t got)
{
	if (got >= 0)
		return got;
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? LF_HTTP_IO_AGAIN : LF_HTTP_IO_FAILED;
}

static ssize_t plain_read(struct lf_http_conn *conn, void *bytes, size_t room)
{
	return plain_result(recv(conn->watch.fd, bytes, room, 0));
}

static ssize_t plain_write(struct lf_http_conn *conn, const void *bytes, size_t length)
{
	return plain_result(send(conn->watch.fd, bytes, length, MSG_NOSIGNAL));
}

static void plain_bye(struct lf_http_conn *conn)
{
	shutdown(conn->watch.fd, SHUT_WR);
}

static void plain_close(struct lf_http_conn *conn)
{
	(void)conn;
}

const struct lf_http_io lf_http_plain = {
	.read = plain_read,
	.write = plain_write,
	.bye = plain_bye,
	.close = plain_close,
};
