#pragma once
#include <sqlite3.h>

/* Swift sees neither variadic functions nor macros that cast to a function pointer. */

/* Binds a copy of `length` bytes of UTF-8. */
static inline int csqlite_bind_text(sqlite3_stmt *statement, int index, const char *text, int length) {
  return sqlite3_bind_text(statement, index, text, length, SQLITE_TRANSIENT);
}

/* Sets one of the on-off settings of a connection. */
static inline int csqlite_configure(sqlite3 *connection, int setting, int value) {
  int unused = 0;
  return sqlite3_db_config(connection, setting, value, &unused);
}

/* The shared-memory file could not grow: what a full file system looks like there. */
static const int csqlite_no_room_for_shared_memory = SQLITE_IOERR_SHMSIZE;
