#pragma once
// The C face of toml++: one call that reads a document into a flat list of nodes. Only TOMLReader
// imports it. No C++ exception leaves it.
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  CTOML_TABLE,
  CTOML_ARRAY,
  CTOML_STRING,
  CTOML_INTEGER,
  CTOML_FLOAT,
  CTOML_BOOLEAN,
  CTOML_DATETIME,
} ctoml_kind;

// One value. A table or an array is followed by its `child_count` children, each with everything below
// it. Positions count from 1; columns count Unicode scalars. Zero means that toml++ knows no position.
// `key` is null for the root and for an array's elements. Texts are UTF-8, may hold NUL, and belong to
// the document.
typedef struct {
  ctoml_kind kind;
  uint32_t line, column;
  const char *key;
  size_t key_length;
  uint32_t key_line, key_column;
  size_t child_count;
  const char *text;  // CTOML_STRING, CTOML_DATETIME
  size_t text_length;
  int64_t integer;  // CTOML_INTEGER; 0 or 1 for CTOML_BOOLEAN
  double number;    // CTOML_FLOAT
} ctoml_node;

typedef struct ctoml_document ctoml_document;

// Reads `length` bytes of UTF-8. Null when memory ran out; everything else that goes wrong is asked for
// with ctoml_error_message. The caller frees the document.
ctoml_document *ctoml_parse(const char *bytes, size_t length);
void ctoml_free(ctoml_document *document);

// Null when the document was read, else what is wrong and where.
const char *ctoml_error_message(const ctoml_document *document);
uint32_t ctoml_error_line(const ctoml_document *document);
uint32_t ctoml_error_column(const ctoml_document *document);

// The nodes in document order of their keys, the root table first.
const ctoml_node *ctoml_nodes(const ctoml_document *document);
size_t ctoml_node_count(const ctoml_document *document);

#ifdef __cplusplus
}
#endif
