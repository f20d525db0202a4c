/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * No memory (C14): preloaded, it lets one allocation of a process fail, the one whose number is in
 * OMEMO_MALLOC_FAILS. At the end of the process the number of allocations goes to OMEMO_MALLOC_COUNT, a file.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* What the C library calls its own; dlsym allocates, so it cannot be asked. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static atomic_ulong calls;
static unsigned long failing;

__attribute__((constructor)) static void begin(void) {
  const char *number = getenv("OMEMO_MALLOC_FAILS");
  failing = number ? strtoul(number, NULL, 10) : 0;
  atomic_store(&calls, 0);
}

__attribute__((destructor)) static void end(void) {
  const char *path = getenv("OMEMO_MALLOC_COUNT");
  FILE *file = path ? fopen(path, "w") : NULL;
  if (file) {
    fprintf(file, "%lu\n", atomic_load(&calls));
    fclose(file);
  }
}

static int fails(void) {
  unsigned long call = atomic_fetch_add(&calls, 1) + 1;
  if (failing != 0 && call == failing) {
    errno = ENOMEM;
    return 1;
  }
  return 0;
}

void *malloc(size_t size) { return fails() ? NULL : __libc_malloc(size); }

void *calloc(size_t count, size_t size) { return fails() ? NULL : __libc_calloc(count, size); }

void *realloc(void *old, size_t size) { return fails() ? NULL : __libc_realloc(old, size); }

void *memalign(size_t alignment, size_t size) { return fails() ? NULL : __libc_memalign(alignment, size); }

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **out, size_t alignment, size_t size) {
  void *memory = memalign(alignment, size);
  if (!memory) return ENOMEM;
  *out = memory;
  return 0;
}
