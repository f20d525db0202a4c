/* Encrypted files: URIs, and pieces. */
#include "test.h"

/* What a sink has got; it takes no more than `room`. */
typedef struct {
  uint8_t bytes[1 << 18];
  size_t len, room;
  omemo_status reentered;
} sink;

static int32_t sink_write(void *user_data, const uint8_t *bytes, size_t len) {
  sink *to = (sink *)user_data;
  omemo_file_key *key = NULL;
  to->reentered = omemo_file_key_new(OMEMO_CIPHER_AES_256_GCM, bytes, 32, bytes, 12, &key, NULL);
  if (to->len + len > to->room) {
    return -1;
  }
  memcpy(to->bytes + to->len, bytes, len);
  to->len += len;
  return 0;
}

static sink encrypted, decrypted;
static uint8_t plaintext[200000];

static void empty(sink *s) {
  s->len = 0;
  s->room = sizeof s->bytes;
}

static omemo_encrypted_file encrypt(uint32_t cipher) {
  omemo_file_encryptor *encryptor = NULL;
  omemo_encrypted_file file;
  uint64_t length = 0;
  memset(&file, 0xa5, sizeof file); /* nothing else of it is read */
  file.struct_size = sizeof file;
  empty(&encrypted);
  OK(omemo_file_encryptor_new(cipher, sink_write, &encrypted, &encryptor, &error));
  OK(omemo_file_encryptor_update(encryptor, plaintext, 100, &error));
  OK(omemo_file_encryptor_update(encryptor, NULL, 0, &error));
  OK(omemo_file_encryptor_update(encryptor, plaintext + 100, sizeof plaintext - 100, &error));
  CHECK(encrypted.reentered == OMEMO_ERROR_REENTERED);
  FAILS(OMEMO_ERROR_NULL, omemo_file_encryptor_finish(NULL, &file, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_file_encryptor_finish(encryptor, NULL, &error));
  file.struct_size = 8;
  FAILS(OMEMO_ERROR_STRUCT, omemo_file_encryptor_finish(encryptor, &file, &error));
  file.struct_size = sizeof file;
  OK(omemo_file_encryptor_finish(encryptor, &file, &error));
  CHECK(file.size == sizeof plaintext && omemo_file_key_cipher(file.key) == cipher);
  OK(omemo_file_encrypted_len(cipher, file.size, &length, &error));
  CHECK(encrypted.len == length);
  FAILS(OMEMO_ERROR_STATE, omemo_file_encryptor_update(encryptor, plaintext, 1, &error));
  FAILS(OMEMO_ERROR_STATE, omemo_file_encryptor_finish(encryptor, &file, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_file_encryptor_update(NULL, plaintext, 1, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_file_encryptor_update(encryptor, NULL, 1, &error));
  omemo_file_encryptor_free(encryptor);
  return file;
}

/* Decrypts what was encrypted, and says how it ended. */
static omemo_status decrypt(const omemo_file_key *key, const omemo_file_claim *claim) {
  omemo_file_decryptor *decryptor = NULL;
  omemo_status status;
  size_t at;
  empty(&decrypted);
  OK(omemo_file_decryptor_new(key, claim, sink_write, &decrypted, &decryptor, &error));
  for (at = 0; at < encrypted.len; at += 4096) {
    size_t len = encrypted.len - at < 4096 ? encrypted.len - at : 4096;
    OK(omemo_file_decryptor_update(decryptor, encrypted.bytes + at, len, &error));
  }
  status = omemo_file_decryptor_finish(decryptor, NULL);
  FAILS(OMEMO_ERROR_STATE, omemo_file_decryptor_finish(decryptor, &error));
  FAILS(OMEMO_ERROR_STATE, omemo_file_decryptor_update(decryptor, encrypted.bytes, 1, &error));
  omemo_file_decryptor_free(decryptor);
  return status;
}

static void what_was_encrypted_comes_back(void) {
  uint32_t cipher;
  for (cipher = OMEMO_CIPHER_AES_128_GCM; cipher <= OMEMO_CIPHER_AES_256_CBC; cipher++) {
    omemo_encrypted_file file = encrypt(cipher);
    omemo_file_claim claim;
    memset(&claim, 0, sizeof claim);
    claim.struct_size = sizeof claim;
    claim.hash = file.sha256;
    claim.hash_len = sizeof file.sha256;
    claim.hash_algorithm = "sha-256";
    CHECK(file.struct_size == sizeof file);
    CHECK(decrypt(file.key, &claim) == OMEMO_OK);
    CHECK(decrypted.len == sizeof plaintext && memcmp(decrypted.bytes, plaintext, sizeof plaintext) == 0);
    claim.has_size = 1;
    claim.size = 10;
    CHECK(decrypt(file.key, &claim) == OMEMO_ERROR_FILE_AUTHENTICATION && decrypted.len == 10);
    /* A hash that cannot be computed here is none. */
    claim.hash_algorithm = "sha3-256";
    if (cipher != OMEMO_CIPHER_AES_256_CBC) {
      CHECK(decrypt(file.key, &claim) == OMEMO_OK && decrypted.len == 10);
    }
    claim.hash = NULL;
    claim.hash_len = 0;
    if (cipher != OMEMO_CIPHER_AES_256_CBC) {
      CHECK(decrypt(file.key, &claim) == OMEMO_OK && decrypted.len == 10);
      encrypted.bytes[7] ^= 1;
      CHECK(decrypt(file.key, NULL) == OMEMO_ERROR_FILE_AUTHENTICATION);
    } else {
      omemo_file_decryptor *decryptor = (omemo_file_decryptor *)UNTOUCHED;
      FAILS(OMEMO_ERROR_FILE_NO_HASH,
            omemo_file_decryptor_new(file.key, &claim, sink_write, &decrypted, &decryptor, &error));
      FAILS(OMEMO_ERROR_FILE_NO_HASH,
            omemo_file_decryptor_new(file.key, NULL, sink_write, &decrypted, &decryptor, &error));
      CHECK(decryptor == (omemo_file_decryptor *)UNTOUCHED);
    }
    omemo_file_key_free(file.key);
  }
}

static void a_sink_that_is_full_ends_it(void) {
  omemo_file_encryptor *encryptor = (omemo_file_encryptor *)UNTOUCHED;
  omemo_file_decryptor *decryptor = (omemo_file_decryptor *)UNTOUCHED;
  omemo_encrypted_file file = encrypt(OMEMO_CIPHER_AES_256_GCM);
  omemo_file_claim claim;
  memset(&claim, 0, sizeof claim);
  claim.struct_size = sizeof claim;
  FAILS(OMEMO_ERROR_VALUE, omemo_file_encryptor_new(0, sink_write, &encrypted, &encryptor, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_file_encryptor_new(OMEMO_CIPHER_AES_256_GCM, NULL, NULL, &encryptor, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_file_encryptor_new(OMEMO_CIPHER_AES_256_GCM, sink_write, NULL, NULL, &error));
  CHECK(encryptor == (omemo_file_encryptor *)UNTOUCHED);
  FAILS(OMEMO_ERROR_NULL, omemo_file_decryptor_new(NULL, NULL, sink_write, NULL, &decryptor, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_file_decryptor_new(file.key, NULL, NULL, NULL, &decryptor, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_file_decryptor_new(file.key, NULL, sink_write, NULL, NULL, &error));
  claim.hash = file.sha256;
  claim.hash_len = 31;
  FAILS(OMEMO_ERROR_NULL, omemo_file_decryptor_new(file.key, &claim, sink_write, NULL, &decryptor, &error));
  claim.hash_algorithm = "sha-256";
  FAILS(OMEMO_ERROR_VALUE, omemo_file_decryptor_new(file.key, &claim, sink_write, NULL, &decryptor, &error));
  claim.struct_size = 0;
  FAILS(OMEMO_ERROR_STRUCT, omemo_file_decryptor_new(file.key, &claim, sink_write, NULL, &decryptor, &error));
  CHECK(decryptor == (omemo_file_decryptor *)UNTOUCHED);
  OK(omemo_file_decryptor_new(file.key, NULL, sink_write, &decrypted, &decryptor, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_file_decryptor_update(NULL, encrypted.bytes, 1, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_file_decryptor_update(decryptor, NULL, 1, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_file_decryptor_finish(NULL, &error));
  decrypted.len = 0;
  decrypted.room = 100;
  FAILS(OMEMO_ERROR_FILE_SINK, omemo_file_decryptor_update(decryptor, encrypted.bytes, 1000, &error));
  FAILS(OMEMO_ERROR_STATE, omemo_file_decryptor_update(decryptor, encrypted.bytes, 1000, &error));
  omemo_file_decryptor_free(decryptor);
  empty(&encrypted);
  encrypted.room = 100;
  OK(omemo_file_encryptor_new(OMEMO_CIPHER_AES_256_GCM, sink_write, &encrypted, &encryptor, &error));
  FAILS(OMEMO_ERROR_FILE_SINK, omemo_file_encryptor_update(encryptor, plaintext, 1000, &error));
  omemo_file_encryptor_free(encryptor);
  omemo_file_key_free(file.key);
}

static void keys_and_uris(void) {
  const char *uri = "aesgcm://upload.example/a.jpg#000102030405060708090a0b"
                    "1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f";
  char message[300], *url = NULL, *written = NULL, *thumbnail = NULL;
  uint8_t bytes[32];
  omemo_file_key *key = NULL;
  uint64_t length = 0;
  size_t len = 0;
  memset(bytes, 0x1f, sizeof bytes);
  OK(omemo_aesgcm_read(uri, &url, &key, &error));
  CHECK(strcmp(url, "https://upload.example/a.jpg") == 0 && omemo_file_key_cipher(key) == OMEMO_CIPHER_AES_256_GCM);
  CHECK(memcmp(omemo_file_key_bytes(key, &len), bytes, 32) == 0 && len == 32);
  CHECK(omemo_file_key_iv(key, &len)[11] == 11 && len == 12);
  OK(omemo_aesgcm_write(url, key, &written, &error));
  CHECK(strcmp(written, uri) == 0);
  omemo_string_free(written);
  FAILS(OMEMO_ERROR_FILE_URI, omemo_aesgcm_write("http://upload.example/", key, &written, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_aesgcm_write(NULL, key, &written, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_aesgcm_write(url, NULL, &written, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_aesgcm_write(url, key, NULL, &error));
  omemo_string_free(url);
  omemo_file_key_free(key);
  url = (char *)UNTOUCHED;
  FAILS(OMEMO_ERROR_FILE_URI, omemo_aesgcm_read("https://upload.example/", &url, &key, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_aesgcm_read(NULL, &url, &key, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_aesgcm_read(uri, NULL, &key, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_aesgcm_read(uri, &url, NULL, &error));
  CHECK(url == (char *)UNTOUCHED);
  snprintf(message, sizeof message, "%s\ndata:image/jpeg,abc", uri);
  OK(omemo_aesgcm_of_body(message, strlen(message), &url, &key, &thumbnail, &error));
  CHECK(strcmp(thumbnail, "data:image/jpeg,abc") == 0 && key != NULL);
  omemo_string_free(url);
  omemo_string_free(thumbnail);
  omemo_file_key_free(key);
  OK(omemo_aesgcm_of_body(uri, strlen(uri), &url, &key, &thumbnail, &error));
  CHECK(url != NULL && thumbnail == NULL);
  omemo_string_free(url);
  omemo_file_key_free(key);
  OK(omemo_aesgcm_of_body("hello", 5, &url, &key, &thumbnail, &error));
  CHECK(url == NULL && key == NULL && thumbnail == NULL);
  FAILS(OMEMO_ERROR_NULL, omemo_aesgcm_of_body(NULL, 0, &url, &key, &thumbnail, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_aesgcm_of_body(uri, 5, NULL, &key, &thumbnail, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_aesgcm_of_body(uri, 5, &url, NULL, &thumbnail, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_aesgcm_of_body(uri, 5, &url, &key, NULL, &error));
  FAILS(OMEMO_ERROR_FILE_KEY, omemo_file_key_new(OMEMO_CIPHER_AES_128_GCM, bytes, 32, bytes, 12, &key, &error));
  FAILS(OMEMO_ERROR_FILE_KEY, omemo_file_key_new(OMEMO_CIPHER_AES_256_GCM, bytes, 32, bytes, 13, &key, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_file_key_new(4, bytes, 32, bytes, 12, &key, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_file_key_new(OMEMO_CIPHER_AES_256_GCM, NULL, 32, bytes, 12, &key, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_file_key_new(OMEMO_CIPHER_AES_256_GCM, bytes, 32, NULL, 12, &key, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_file_key_new(OMEMO_CIPHER_AES_256_GCM, bytes, 32, bytes, 12, NULL, &error));
  OK(omemo_file_key_new(OMEMO_CIPHER_AES_128_GCM, bytes, 16, bytes, 12, &key, &error));
  FAILS(OMEMO_ERROR_FILE_URI, omemo_aesgcm_write("https://upload.example/", key, &written, &error));
  omemo_file_key_free(key);
  FAILS(OMEMO_ERROR_FILE_TOO_LONG, omemo_file_encrypted_len(OMEMO_CIPHER_AES_256_GCM, UINT64_MAX, &length, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_file_encrypted_len(0, 1, &length, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_file_encrypted_len(OMEMO_CIPHER_AES_256_GCM, 1, NULL, &error));
  CHECK(omemo_cipher_of_uri(omemo_cipher_uri(OMEMO_CIPHER_AES_128_GCM)) == OMEMO_CIPHER_AES_128_GCM);
  CHECK(omemo_cipher_of_uri(omemo_cipher_uri(OMEMO_CIPHER_AES_256_GCM)) == OMEMO_CIPHER_AES_256_GCM);
  CHECK(omemo_cipher_of_uri(omemo_cipher_uri(OMEMO_CIPHER_AES_256_CBC)) == OMEMO_CIPHER_AES_256_CBC);
  CHECK(omemo_cipher_uri(0) == NULL && omemo_cipher_of_uri("x") == 0 && omemo_cipher_of_uri(NULL) == 0);
}

static void files_that_messages_share(void) {
  /* The ciphertext that is there afterwards is the second one's. */
  omemo_encrypted_file another_file = encrypt(OMEMO_CIPHER_AES_256_CBC);
  omemo_encrypted_file encrypted_file = encrypt(OMEMO_CIPHER_AES_256_GCM);
  omemo_shared_file file, other;
  omemo_file_source others[2];
  const omemo_shared_file *read;
  omemo_shared_files *files = NULL;
  omemo_file_claim claim;
  char *xml = NULL;
  size_t length = 0;
  memset(&file, 0, sizeof file);
  file.struct_size = sizeof file;
  file.url = "https://upload.example/a.jpg";
  file.key = encrypted_file.key;
  file.media_type = "image/jpeg";
  file.name = "a.jpg";
  file.size = encrypted_file.size;
  file.has_size = 1;
  file.hash_algorithm = "sha-256";
  file.hash = encrypted_file.sha256;
  file.hash_len = sizeof encrypted_file.sha256;
  file.width = 640;
  file.disposition = OMEMO_FILE_INLINE;
  OK(omemo_shared_file_write(&file, &xml, &length, &error));
  CHECK(length == strlen(xml) && strncmp(xml, "<file-sharing ", 14) == 0);
  OK(omemo_shared_files_read(xml, length, &files, &error));
  CHECK(omemo_shared_files_count(files) == 1 && omemo_shared_files_get(files, 1) == NULL);
  read = omemo_shared_files_get(files, 0);
  CHECK(read->other_count == 0 && read->others == NULL);
  CHECK(strcmp(read->url, file.url) == 0 && strcmp(read->name, "a.jpg") == 0 && read->description == NULL);
  CHECK(strcmp(read->media_type, "image/jpeg") == 0 && read->id == NULL && read->width == 640 && read->height == 0);
  CHECK(read->has_size == 1 && read->size == file.size && read->disposition == OMEMO_FILE_INLINE);
  memset(&claim, 0, sizeof claim);
  claim.struct_size = sizeof claim;
  claim.hash = read->hash;
  claim.hash_len = read->hash_len;
  claim.hash_algorithm = read->hash_algorithm;
  claim.has_size = read->has_size;
  claim.size = read->size;
  CHECK(decrypt(read->key, &claim) == OMEMO_OK && decrypted.len == sizeof plaintext);
  omemo_shared_files_free(files);
  omemo_string_free(xml);
  OK(omemo_shared_files_read("<body xmlns='jabber:client'/>", 29, &files, &error));
  CHECK(omemo_shared_files_count(files) == 0);
  omemo_shared_files_free(files);
  FAILS(OMEMO_ERROR_STANZA, omemo_shared_files_read("<body", 5, &files, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_shared_files_read(NULL, 0, &files, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_shared_files_read("<a/>", 4, NULL, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_shared_file_write(NULL, &xml, &length, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_shared_file_write(&file, NULL, &length, &error));
  /* The same ciphertext elsewhere, and another. */
  others[0].url = "https://mirror.example/a.jpg";
  others[0].key = encrypted_file.key;
  others[1].url = "https://other.example/b.jpg";
  others[1].key = another_file.key;
  other = file;
  other.others = others;
  other.other_count = 2;
  OK(omemo_shared_file_write(&other, &xml, &length, &error));
  OK(omemo_shared_files_read(xml, length, &files, &error));
  read = omemo_shared_files_get(files, 0);
  CHECK(strcmp(read->url, file.url) == 0 && read->other_count == 2);
  CHECK(strcmp(read->others[0].url, others[0].url) == 0 && strcmp(read->others[1].url, others[1].url) == 0);
  claim.hash = read->hash;
  claim.hash_algorithm = read->hash_algorithm;
  CHECK(decrypt(read->others[0].key, &claim) == OMEMO_OK && decrypted.len == sizeof plaintext);
  CHECK(omemo_file_key_cipher(read->others[1].key) == OMEMO_CIPHER_AES_256_CBC);
  omemo_shared_files_free(files);
  omemo_string_free(xml);
  others[1].url = NULL;
  FAILS(OMEMO_ERROR_NULL, omemo_shared_file_write(&other, &xml, &length, &error));
  other.others = NULL;
  FAILS(OMEMO_ERROR_NULL, omemo_shared_file_write(&other, &xml, &length, &error));
  other = file;
  other.key = NULL;
  FAILS(OMEMO_ERROR_NULL, omemo_shared_file_write(&other, &xml, &length, &error));
  other = file;
  other.url = NULL;
  FAILS(OMEMO_ERROR_NULL, omemo_shared_file_write(&other, &xml, &length, &error));
  other = file;
  other.has_size = 0;
  FAILS(OMEMO_ERROR_STANZA, omemo_shared_file_write(&other, &xml, &length, &error));
  other = file;
  other.disposition = 3;
  FAILS(OMEMO_ERROR_VALUE, omemo_shared_file_write(&other, &xml, &length, &error));
  other.struct_size = 8;
  FAILS(OMEMO_ERROR_STRUCT, omemo_shared_file_write(&other, &xml, &length, &error));
  CHECK(omemo_shared_files_count(NULL) == 0 && omemo_shared_files_get(NULL, 0) == NULL);
  omemo_shared_files_free(NULL);
  omemo_file_key_free(encrypted_file.key);
  omemo_file_key_free(another_file.key);
}

static void null_is_no_file(void) {
  size_t len = 7;
  CHECK(omemo_file_key_cipher(NULL) == 0 && omemo_file_key_iv(NULL, NULL) == NULL);
  CHECK(omemo_file_key_bytes(NULL, &len) == NULL && len == 0);
  omemo_file_key_free(NULL);
  omemo_file_encryptor_free(NULL);
  omemo_file_decryptor_free(NULL);
}

int main(void) {
  size_t i;
  for (i = 0; i < sizeof plaintext; i++) {
    plaintext[i] = (uint8_t)(i * 7 + i / 256);
  }
  what_was_encrypted_comes_back();
  a_sink_that_is_full_ends_it();
  keys_and_uris();
  files_that_messages_share();
  null_is_no_file();
  return 0;
}
