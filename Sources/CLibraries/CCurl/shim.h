#pragma once
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#if LIBCURL_VERSION_NUM < 0x075700
#error "libcurl 7.87 or newer is needed (CURLOPT_QUICK_EXIT, CURLOPT_PROTOCOLS_STR)"
#endif

// Swift cannot call C functions with variable arguments, so each type of argument has a wrapper here.

static inline CURLcode ccurl_set_long(CURL *easy, CURLoption option, long value) {
  return curl_easy_setopt(easy, option, value);
}

static inline CURLcode ccurl_set_offset(CURL *easy, CURLoption option, curl_off_t value) {
  return curl_easy_setopt(easy, option, value);
}

// libcurl copies the text; a null pointer takes the option back.
static inline CURLcode ccurl_set_text(CURL *easy, CURLoption option, const char *value) {
  return curl_easy_setopt(easy, option, value);
}

static inline CURLcode ccurl_set_pointer(CURL *easy, CURLoption option, void *value) {
  return curl_easy_setopt(easy, option, value);
}

static inline CURLcode ccurl_set_list(CURL *easy, CURLoption option, struct curl_slist *value) {
  return curl_easy_setopt(easy, option, value);
}

typedef size_t (*ccurl_data_function)(char *bytes, size_t size, size_t count, void *context);
typedef int (*ccurl_seek_function)(void *context, curl_off_t offset, int origin);
typedef int (*ccurl_prerequest_function)(
    void *context, char *peer, char *local, int peer_port, int local_port);

static inline CURLcode ccurl_set_data_function(
    CURL *easy, CURLoption option, ccurl_data_function function) {
  return curl_easy_setopt(easy, option, function);
}

static inline CURLcode ccurl_set_seek_function(CURL *easy, ccurl_seek_function function) {
  return curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, function);
}

static inline CURLcode ccurl_set_prerequest_function(
    CURL *easy, ccurl_prerequest_function function) {
  return curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, function);
}

// Sockets that no hook or command store inherits: libcurl itself opens them without SOCK_CLOEXEC.
static inline curl_socket_t ccurl_open_socket(
    void *context, curlsocktype purpose, struct curl_sockaddr *address) {
  (void)context;
  (void)purpose;
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static inline CURLcode ccurl_close_sockets_on_exec(CURL *easy) {
  return curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, ccurl_open_socket);
}

static inline CURLcode ccurl_get_long(CURL *easy, CURLINFO info, long *value) {
  return curl_easy_getinfo(easy, info, value);
}

static inline CURLMcode ccurl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
  return curl_multi_setopt(multi, option, value);
}

// CURLVERSION_NOW does not import.
static inline curl_version_info_data *ccurl_version(void) {
  return curl_version_info(CURLVERSION_NOW);
}

// The next finished transfer, or null. The message's union does not import into Swift as a result.
static inline CURL *ccurl_next_finished(CURLM *multi, CURLcode *result) {
  int left = 0;
  CURLMsg *message;
  while ((message = curl_multi_info_read(multi, &left)) != NULL) {
    if (message->msg == CURLMSG_DONE) {
      *result = message->data.result;
      return message->easy_handle;
    }
  }
  return NULL;
}

// Puts a header line made of `name`, ": ", `prefix` and `value` in front of `list`, in memory of its own
// that ccurl_wipe_headers wipes: curl_slist_append would leave a copy in freed memory.
// An empty value is written as "name;", which is how libcurl is asked for a header without one.
// Returns null, and leaves `list` alone, when there is no memory.
static inline struct curl_slist *ccurl_push_header(
    struct curl_slist *list, const char *name, const char *prefix, const void *value, size_t count) {
  size_t name_count = strlen(name);
  size_t prefix_count = strlen(prefix);
  struct curl_slist *node = malloc(sizeof *node);
  char *line = malloc(name_count + 2 + prefix_count + count + 1);
  if (node == NULL || line == NULL) {
    free(node);
    free(line);
    return NULL;
  }
  char *end = line;
  memcpy(end, name, name_count);
  end += name_count;
  if (prefix_count + count == 0) {
    *end++ = ';';
  } else {
    *end++ = ':';
    *end++ = ' ';
    memcpy(end, prefix, prefix_count);
    end += prefix_count;
    if (count > 0) memcpy(end, value, count);
    end += count;
  }
  *end = '\0';
  node->data = line;
  node->next = list;
  return node;
}

// Puts "name:" in front of `list`: libcurl then leaves out the header it would have sent by itself.
static inline struct curl_slist *ccurl_push_suppressed_header(
    struct curl_slist *list, const char *name) {
  struct curl_slist *node = ccurl_push_header(list, name, "", NULL, 0);
  if (node != NULL) node->data[strlen(name)] = ':';
  return node;
}

// Wipes and frees a list made with ccurl_push_header.
static inline void ccurl_wipe_headers(struct curl_slist *list) {
  while (list != NULL) {
    struct curl_slist *next = list->next;
    explicit_bzero(list->data, strlen(list->data));
    free(list->data);
    free(list);
    list = next;
  }
}
