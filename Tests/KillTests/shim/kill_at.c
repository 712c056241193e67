// Counts the calls by which a program changes the world, and kills it with SIGKILL before the nth one.
//
// Loaded with LD_PRELOAD. KILL_AT is n, from 1; 0 only counts. At a regular end the number of calls is
// written to the file that KILL_COUNT_FILE names.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long calls;
static long kill_at;

__attribute__((constructor)) static void begin(void) {
  const char *text = getenv("KILL_AT");
  kill_at = text ? atol(text) : 0;
}

__attribute__((destructor)) static void end(void) {
  const char *path = getenv("KILL_COUNT_FILE");
  FILE *file = path ? fopen(path, "w") : NULL;
  if (!file) return;
  fprintf(file, "%ld\n", atomic_load(&calls));
  fclose(file);
}

static void step(void) {
  if (atomic_fetch_add(&calls, 1) + 1 == kill_at) kill(getpid(), SIGKILL);
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int fsync(int fd) { step(); return NEXT(fsync)(fd); }
int fdatasync(int fd) { step(); return NEXT(fdatasync)(fd); }
int rename(const char *from, const char *to) { step(); return NEXT(rename)(from, to); }
int renameat2(int a, const char *from, int b, const char *to, unsigned int flags) {
  step();
  return NEXT(renameat2)(a, from, b, to, flags);
}
int unlink(const char *path) { step(); return NEXT(unlink)(path); }
int ftruncate64(int fd, off64_t length) { step(); return NEXT(ftruncate64)(fd, length); }
int ftruncate(int fd, off_t length) { step(); return NEXT(ftruncate)(fd, length); }
ssize_t write(int fd, const void *bytes, size_t count) { step(); return NEXT(write)(fd, bytes, count); }
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
  step();
  return NEXT(pwrite)(fd, bytes, count, offset);
}
ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
  step();
  return NEXT(pwrite64)(fd, bytes, count, offset);
}
ssize_t send(int fd, const void *bytes, size_t count, int flags) {
  step();
  return NEXT(send)(fd, bytes, count, flags);
}
ssize_t recv(int fd, void *bytes, size_t count, int flags) {
  step();
  return NEXT(recv)(fd, bytes, count, flags);
}
