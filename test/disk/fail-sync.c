// Preloaded into a process: the fsync or fdatasync with the number BALLET_FAIL_AT (1 is the first) of a file whose path
// ends with BALLET_FAIL_PATH fails with EIO, once, as a disk that could not write; BALLET_FAIL_LOG says that it came to
// that. Built by sync-faults.ts.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_int seen;

static int fails(int fd) {
  const char *at = getenv("BALLET_FAIL_AT");
  const char *end = getenv("BALLET_FAIL_PATH");
  if (at == NULL || end == NULL) return 0;
  char link[64];
  char path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t size = readlink(link, path, sizeof path - 1);
  if (size < 0 || (size_t)size < strlen(end)) return 0;
  path[size] = 0;
  if (strcmp(path + size - strlen(end), end) != 0) return 0;
  if (atomic_fetch_add(&seen, 1) + 1 != atoi(at)) return 0;
  FILE *log = fopen(getenv("BALLET_FAIL_LOG"), "w");
  if (log == NULL) abort();
  fputs("INJECTED\n", log);
  fclose(log);
  return 1;
}

int fsync(int fd) {
  static int (*real)(int);
  if (real == NULL) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  if (!fails(fd)) return real(fd);
  errno = EIO;
  return -1;
}

int fdatasync(int fd) {
  static int (*real)(int);
  if (real == NULL) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  if (!fails(fd)) return real(fd);
  errno = EIO;
  return -1;
}
