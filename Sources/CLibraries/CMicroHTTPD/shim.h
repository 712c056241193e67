#pragma once
#include <microhttpd.h>
#include <netinet/in.h>
#include <string.h>

/* Swift cannot call variadic functions, and imports MHD's enumerations as types without their names. */

typedef enum MHD_Result (*sandbox_access_handler)(
    void *context, struct MHD_Connection *connection, const char *url, const char *method,
    const char *version, const char *upload, size_t *upload_size, void **request);
typedef void (*sandbox_completed_handler)(
    void *context, struct MHD_Connection *connection, void **request,
    enum MHD_RequestTerminationCode code);
typedef void (*sandbox_connection_handler)(
    void *context, struct MHD_Connection *connection, void **socket_context,
    enum MHD_ConnectionNotificationCode code);

static inline enum MHD_Result sandbox_yes(void) { return MHD_YES; }
static inline enum MHD_Result sandbox_no(void) { return MHD_NO; }
static inline int sandbox_is_started(enum MHD_ConnectionNotificationCode code) {
  return code == MHD_CONNECTION_NOTIFY_STARTED;
}

/* One internal thread on epoll. The Date header is ours, so that it can be wrong on request. */
static inline struct MHD_Daemon *sandbox_start(
    const struct sockaddr *address, int is_ipv6, unsigned int connection_limit,
    unsigned int idle_seconds, void *context, sandbox_access_handler access,
    sandbox_completed_handler completed, sandbox_connection_handler connection) {
  unsigned int flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_TURBO | MHD_ALLOW_SUSPEND_RESUME |
                       MHD_USE_SUPPRESS_DATE_NO_CLOCK | (is_ipv6 ? MHD_USE_IPv6 : 0);
  return MHD_start_daemon(
      flags, 0, NULL, NULL, access, context, MHD_OPTION_SOCK_ADDR, address,
      MHD_OPTION_CONNECTION_LIMIT, connection_limit, MHD_OPTION_CONNECTION_TIMEOUT, idle_seconds,
      MHD_OPTION_NOTIFY_COMPLETED, completed, context, MHD_OPTION_NOTIFY_CONNECTION, connection,
      context, MHD_OPTION_END);
}

static inline uint16_t sandbox_port(struct MHD_Daemon *daemon) {
  const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
  return info == NULL ? 0 : info->port;
}

static inline void *sandbox_socket_context(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return info == NULL ? NULL : info->socket_context;
}

static inline void sandbox_each_header(
    struct MHD_Connection *connection, MHD_KeyValueIterator each, void *context) {
  MHD_get_connection_values(connection, MHD_HEADER_KIND, each, context);
}

static inline void sandbox_each_parameter(
    struct MHD_Connection *connection, MHD_KeyValueIterator each, void *context) {
  MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, each, context);
}

/* Queues a copy of `body`; `retry_after` may be NULL. */
static inline enum MHD_Result sandbox_answer(
    struct MHD_Connection *connection, unsigned int status, const void *body, size_t length,
    const char *content_type, const char *date, const char *retry_after) {
  struct MHD_Response *response =
      MHD_create_response_from_buffer(length, (void *)body, MHD_RESPMEM_MUST_COPY);
  if (response == NULL) return MHD_NO;
  if (length > 0) MHD_add_response_header(response, "Content-Type", content_type);
  MHD_add_response_header(response, "Date", date);
  if (retry_after != NULL) MHD_add_response_header(response, "Retry-After", retry_after);
  enum MHD_Result queued = MHD_queue_response(connection, status, response);
  MHD_destroy_response(response);
  return queued;
}
