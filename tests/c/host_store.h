/* A store of a caller's: a sorted array, as an example of the functions, and as a thing to test with. */
#ifndef HOST_STORE_H
#define HOST_STORE_H

#include "test.h"

#include <pthread.h>

typedef struct {
  uint32_t table;
  uint8_t *partition, *sort, *value;
  size_t partition_len, sort_len, value_len;
} host_record;

/* The state of a scope: it stays when the records of the scope go, so that no number comes back. */
typedef struct {
  uint8_t *name;
  size_t name_len;
  uint64_t generation;
} host_scope;

typedef struct {
  pthread_mutex_t mutex;
  host_record *records;
  size_t count, room;
  host_scope *scopes;
  size_t scope_count;
  /* Held by whoever writes, and by whoever wants to be the only one for a while, on the thread `owner`. */
  pthread_mutex_t writing;
  pthread_t owner;
  int is_owned;
  /* For tests: what the functions return instead of working; how often `destroy` was called; conflicts to come, for
     those who are not alone; how often somebody was alone; what `begin_exclusive` and `end_exclusive` return. */
  uint32_t failure, begin_failure, end_failure;
  int destroyed, conflicts, alone, ended_badly;
  /* For tests: an account to be called from within, which is refused. */
  omemo_account *reentered;
} host_store;

static inline int host_compare_bytes(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len) {
  size_t n = a_len < b_len ? a_len : b_len;
  int order = n == 0 ? 0 : memcmp(a, b, n);
  return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

static inline int host_compare(const host_record *a, const omemo_store_key *b) {
  int order = (a->table > b->table) - (a->table < b->table);
  if (order == 0) {
    order = host_compare_bytes(a->partition, a->partition_len, b->partition, b->partition_len);
  }
  return order != 0 ? order : host_compare_bytes(a->sort, a->sort_len, b->sort, b->sort_len);
}

/* The first record that is not before `key`. */
static inline size_t host_find(const host_store *s, const omemo_store_key *key) {
  size_t low = 0, high = s->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (host_compare(&s->records[middle], key) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

static inline uint8_t *host_copy(const uint8_t *bytes, size_t len) {
  uint8_t *copy = (uint8_t *)malloc(len + 1);
  CHECK(copy != NULL);
  if (len > 0) {
    memcpy(copy, bytes, len);
  }
  return copy;
}

static inline void host_remove(host_store *s, size_t at) {
  host_record *record = &s->records[at];
  memset(record->value, 0, record->value_len);
  free(record->partition);
  free(record->sort);
  free(record->value);
  s->count--;
  memmove(record, record + 1, (s->count - at) * sizeof *record);
}

static inline void host_put(host_store *s, const omemo_store_change *change) {
  const omemo_store_key *key = &change->key;
  size_t at = host_find(s, key);
  if (at < s->count && host_compare(&s->records[at], key) == 0) {
    host_remove(s, at);
  }
  if (s->count == s->room) {
    s->room = s->room * 2 + 64;
    s->records = (host_record *)realloc(s->records, s->room * sizeof *s->records);
    CHECK(s->records != NULL);
  }
  memmove(&s->records[at + 1], &s->records[at], (s->count - at) * sizeof *s->records);
  s->records[at].table = key->table;
  s->records[at].partition = host_copy(key->partition, key->partition_len);
  s->records[at].partition_len = key->partition_len;
  s->records[at].sort = host_copy(key->sort, key->sort_len);
  s->records[at].sort_len = key->sort_len;
  s->records[at].value = host_copy(change->value, change->value_len);
  s->records[at].value_len = change->value_len;
  s->count++;
}

/* Whether a record belongs to a range of a partition that ends at `until`. */
static inline int host_is_in(const host_record *r, uint32_t table, const uint8_t *partition, size_t partition_len,
                             const uint8_t *until, size_t until_len) {
  return r->table == table && host_compare_bytes(r->partition, r->partition_len, partition, partition_len) == 0 &&
         (until == NULL || host_compare_bytes(r->sort, r->sort_len, until, until_len) < 0);
}

static inline omemo_status host_give(const host_record *r, omemo_store_sink *sink) {
  omemo_store_key key;
  key.table = r->table;
  key.partition = r->partition;
  key.partition_len = r->partition_len;
  key.sort = r->sort;
  key.sort_len = r->sort_len;
  return omemo_store_sink_record(sink, &key, r->value, r->value_len);
}

static inline uint32_t host_get(void *user_data, const omemo_store_key *key, omemo_store_sink *sink) {
  host_store *s = (host_store *)user_data;
  uint32_t status = OMEMO_OK;
  size_t at;
  pthread_mutex_lock(&s->mutex);
  at = host_find(s, key);
  if (s->failure != 0) {
    status = s->failure;
  } else if (at < s->count && host_compare(&s->records[at], key) == 0) {
    status = omemo_store_sink_value(sink, s->records[at].value, s->records[at].value_len);
  }
  if (s->reentered != NULL) {
    uint32_t device = 77;
    CHECK(omemo_account_device(s->reentered, &device, NULL) == OMEMO_ERROR_REENTERED && device == 77);
  }
  pthread_mutex_unlock(&s->mutex);
  return status;
}

static inline uint32_t host_scan(void *user_data, const omemo_store_scan *scan, omemo_store_sink *sink) {
  host_store *s = (host_store *)user_data;
  uint32_t status;
  size_t at, given = 0;
  omemo_store_key from;
  pthread_mutex_lock(&s->mutex);
  status = s->failure;
  from.table = scan->table;
  from.partition = scan->partition;
  from.partition_len = scan->partition_len;
  from.sort = scan->from;
  from.sort_len = scan->from_len;
  for (at = host_find(s, &from); status == OMEMO_OK && at < s->count && given < scan->limit; at++) {
    const host_record *r = &s->records[at];
    if (r->table != scan->table) {
      break;
    }
    if (scan->kind == OMEMO_SCAN_RANGE) {
      if (!host_is_in(r, scan->table, scan->partition, scan->partition_len, scan->until, scan->until_len)) {
        break;
      }
    } else {
      const host_record *before = at > 0 ? r - 1 : NULL;
      if (scan->partition != NULL &&
          host_compare_bytes(r->partition, r->partition_len, scan->partition, scan->partition_len) <= 0) {
        continue;
      }
      if (before != NULL && host_is_in(before, r->table, r->partition, r->partition_len, NULL, 0)) {
        continue;
      }
    }
    status = host_give(r, sink);
    given++;
  }
  pthread_mutex_unlock(&s->mutex);
  return status;
}

static inline host_scope *host_find_scope(host_store *s, const uint8_t *scope, size_t scope_len) {
  size_t i;
  for (i = 0; i < s->scope_count; i++) {
    if (host_compare_bytes(s->scopes[i].name, s->scopes[i].name_len, scope, scope_len) == 0) {
      return &s->scopes[i];
    }
  }
  return NULL;
}

static inline uint32_t host_generation(void *user_data, const uint8_t *scope, size_t scope_len, uint64_t *generation) {
  host_store *s = (host_store *)user_data;
  const host_scope *found;
  uint32_t status;
  pthread_mutex_lock(&s->mutex);
  status = s->failure;
  found = host_find_scope(s, scope, scope_len);
  *generation = found != NULL ? found->generation : 0;
  pthread_mutex_unlock(&s->mutex);
  return status;
}

static inline int host_is_alone(host_store *s) {
  int is_alone;
  pthread_mutex_lock(&s->mutex);
  is_alone = s->is_owned && pthread_equal(s->owner, pthread_self());
  pthread_mutex_unlock(&s->mutex);
  return is_alone;
}

static inline uint32_t host_apply(void *user_data, const uint8_t *scope, size_t scope_len,
                                  const omemo_store_change *changes, size_t count, uint64_t *generation) {
  host_store *s = (host_store *)user_data;
  uint32_t status = OMEMO_OK;
  int is_alone = host_is_alone(s);
  host_scope *found;
  size_t i;
  if (!is_alone) {
    pthread_mutex_lock(&s->writing);
  }
  pthread_mutex_lock(&s->mutex);
  found = host_find_scope(s, scope, scope_len);
  if (s->failure != 0) {
    status = s->failure;
  } else if (*generation != (found != NULL ? found->generation : 0) || (!is_alone && count > 0 && s->conflicts > 0)) {
    s->conflicts -= s->conflicts > 0;
    status = OMEMO_CONFLICT;
  } else {
    for (i = 0; i < count; i++) {
      const omemo_store_change *c = &changes[i];
      size_t at = host_find(s, &c->key);
      if (c->kind == OMEMO_CHANGE_PUT) {
        host_put(s, c);
      } else if (c->kind == OMEMO_CHANGE_DELETE) {
        if (at < s->count && host_compare(&s->records[at], &c->key) == 0) {
          host_remove(s, at);
        }
      } else {
        CHECK(c->kind == OMEMO_CHANGE_DELETE_RANGE);
        while (at < s->count && host_is_in(&s->records[at], c->key.table, c->key.partition, c->key.partition_len,
                                           c->until, c->until_len)) {
          host_remove(s, at);
        }
      }
    }
    if (count > 0) {
      if (found == NULL) {
        s->scopes = (host_scope *)realloc(s->scopes, (s->scope_count + 1) * sizeof *s->scopes);
        CHECK(s->scopes != NULL);
        found = &s->scopes[s->scope_count++];
        found->name = host_copy(scope, scope_len);
        found->name_len = scope_len;
        found->generation = 0;
      }
      *generation = ++found->generation;
    }
  }
  pthread_mutex_unlock(&s->mutex);
  if (!is_alone) {
    pthread_mutex_unlock(&s->writing);
  }
  return status;
}

/* Coarser than it has to be: nobody writes in another scope either. */
static inline uint32_t host_begin_exclusive(void *user_data, const uint8_t *scope, size_t scope_len) {
  host_store *s = (host_store *)user_data;
  (void)scope;
  (void)scope_len;
  if (s->begin_failure != 0) {
    return s->begin_failure;
  }
  pthread_mutex_lock(&s->writing);
  pthread_mutex_lock(&s->mutex);
  s->owner = pthread_self();
  s->is_owned = 1;
  s->alone++;
  pthread_mutex_unlock(&s->mutex);
  return OMEMO_OK;
}

static inline uint32_t host_end_exclusive(void *user_data, const uint8_t *scope, size_t scope_len, uint32_t status) {
  host_store *s = (host_store *)user_data;
  uint32_t end_failure;
  (void)scope;
  (void)scope_len;
  pthread_mutex_lock(&s->mutex);
  s->is_owned = 0;
  s->ended_badly += status != OMEMO_OK;
  end_failure = s->end_failure;
  pthread_mutex_unlock(&s->mutex);
  pthread_mutex_unlock(&s->writing);
  return end_failure != 0 ? end_failure : OMEMO_OK;
}

static inline void host_destroy(void *user_data) {
  host_store *s = (host_store *)user_data;
  while (s->count > 0) {
    host_remove(s, s->count - 1);
  }
  free(s->records);
  s->records = NULL;
  while (s->scope_count > 0) {
    free(s->scopes[--s->scope_count].name);
  }
  free(s->scopes);
  s->scopes = NULL;
  s->destroyed++;
  pthread_mutex_destroy(&s->mutex);
  pthread_mutex_destroy(&s->writing);
}

static inline void host_open(host_store *s, omemo_store **store) {
  omemo_store_callbacks callbacks;
  memset(s, 0, sizeof *s);
  CHECK(pthread_mutex_init(&s->mutex, NULL) == 0);
  CHECK(pthread_mutex_init(&s->writing, NULL) == 0);
  memset(&callbacks, 0, sizeof callbacks);
  callbacks.struct_size = sizeof callbacks;
  callbacks.get = host_get;
  callbacks.scan = host_scan;
  callbacks.generation = host_generation;
  callbacks.apply = host_apply;
  callbacks.destroy = host_destroy;
  callbacks.begin_exclusive = host_begin_exclusive;
  callbacks.end_exclusive = host_end_exclusive;
  OK(omemo_store_open_callbacks(&callbacks, s, store, &error));
}

#endif
