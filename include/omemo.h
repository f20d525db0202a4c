/*
 * omemo: OMEMO for XMPP clients, both versions that are deployed.
 *
 * Made by `make header`: do not edit. C99 and C++11.
 *
 * HOW IT SPEAKS
 *
 * - A function that can fail returns an omemo_status, OMEMO_OK being 0, and takes an omemo_error ** as its last
 *   argument, which may be NULL. If it fails, an omemo_error is made there, which is yours to free; nothing
 *   else is written. If it succeeds, the argument is left as it is: set it to NULL before.
 * - What is handed out through a pointer to a pointer is yours: free it with the function that is named after
 *   its type. What a function returns with `const` is borrowed, and its comment says for how long.
 * - All pointers must point to what their type says, for as long as the call lasts. NULL where nothing says
 *   that it may be NULL is OMEMO_ERROR_NULL. The `*_free` and `*_unref` functions take NULL. A handle
 *   that was freed must not be used again: that cannot be noticed.
 * - What is given is copied: nothing needs to be kept after a call, except the user data of callbacks.
 * - Text is UTF-8. Where there is no length it ends with a zero byte. Numbers of an enum are uint32_t,
 *   and checked; those that come out may be new ones in a later version of the library; flags that are uint8_t are 0 or 1 when they come out, 0 or not when they go in.
 * - Structs that begin with struct_size may get more fields: set all of it to zero, then struct_size to
 *   sizeof, then what you want.
 * - Times are milliseconds since 1970 in UTC. The library has no clock: you say what time it is.
 * - Stores, clients and accounts may be used by any number of threads at the same time. Other objects may be
 *   used by one at a time, or by several that only read.
 * - Callbacks must not call the library, unless the header says so (OMEMO_ERROR_REENTERED; nothing hangs), must
 *   not throw exceptions or jump out.
 * - After a fork, the child opens its stores again.
 * - If there is no memory left, the process ends: nothing half done is stored.
 */

#ifndef OMEMO_H
#define OMEMO_H

#include <stddef.h>
#include <stdint.h>

/**
 * The version of this header: `omemo_version` says that of the library.
 */
#define OMEMO_VERSION_MAJOR 0

/**
 * See OMEMO_VERSION_MAJOR.
 */
#define OMEMO_VERSION_MINOR 2

/**
 * See OMEMO_VERSION_MAJOR.
 */
#define OMEMO_VERSION_PATCH 0

/**
 * The size of the text of a fingerprint, with the zero byte at its end.
 */
#define OMEMO_FINGERPRINT_SIZE 72

/**
 * `flags` of the options: devices about whose keys nobody has decided are left out, and the report says so.
 * Else messages wait, and OMEMO_ACTION_DECIDE_TRUST asks.
 */
#define OMEMO_OPTION_LEAVE_OUT_UNDECIDED 1

/**
 * `flags` of the options: messages do not wait for `omemo_client_acknowledge`. What is lost between
 * decryption and your own store is lost.
 */
#define OMEMO_OPTION_NO_INBOX 2

/**
 * `flags` of the options: payloads of very old clients are read, which every other recipient can have
 * changed.
 */
#define OMEMO_OPTION_ACCEPT_TAG_OUTSIDE 4

/**
 * `flags` of the options: markers are kept outside of backups, but there are none yet. Needed only as long as
 * `incarnations` is empty: without it, and without any, an old copy of the store is not noticed by them.
 */
#define OMEMO_OPTION_KEEPS_INCARNATIONS 8

/**
 * `flags` of the options: who joins a room after the user has decided who reads a message
 * (`omemo_client_send_anyway`, `omemo_client_decide`) gets it too. Else the report names them.
 */
#define OMEMO_OPTION_WRITE_TO_JOINED 256

/**
 * `silent_after` of the options: no device is left out for being silent.
 */
#define OMEMO_NEVER UINT32_MAX

/**
 * What became of a call. Numbers are never used for something else; new ones may come, between these:
 * treat what you do not know as an error.
 */
enum omemo_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * Done.
   */
  OMEMO_OK = 0,
  /**
   * From `apply` of a store of your own only: somebody else has written, and nothing is stored.
   */
  OMEMO_CONFLICT = 1,
  /**
   * A pointer is NULL that must not be.
   */
  OMEMO_ERROR_NULL = 100,
  /**
   * A number is none of its enum, or a length or count is impossible.
   */
  OMEMO_ERROR_VALUE = 101,
  /**
   * Text is not UTF-8.
   */
  OMEMO_ERROR_UTF8 = 102,
  /**
   * Something is longer than it may be.
   */
  OMEMO_ERROR_TOO_LONG = 103,
  /**
   * An address is none.
   */
  OMEMO_ERROR_JID = 104,
  /**
   * A fingerprint is none.
   */
  OMEMO_ERROR_FINGERPRINT = 105,
  /**
   * `struct_size` is smaller than any version of the struct, or the struct uses fields that this
   * version of the library does not know.
   */
  OMEMO_ERROR_STRUCT = 106,
  /**
   * The object does not do this, or has done it already: see the function.
   */
  OMEMO_ERROR_STATE = 107,
  /**
   * The text is no URI of the kind that was asked for, or the keys make none.
   */
  OMEMO_ERROR_URI = 108,
  /**
   * A callback has called the library. It must not, except where the header says so.
   */
  OMEMO_ERROR_REENTERED = 200,
  /**
   * A mistake in the library. What was under way may be stored, or not, but never by half; a client is used up.
   */
  OMEMO_ERROR_INTERNAL = 201,
  /**
   * The handle has met OMEMO_ERROR_INTERNAL before. Free it, and open another.
   */
  OMEMO_ERROR_USED_UP = 202,
  /**
   * The library was built without it.
   */
  OMEMO_ERROR_UNSUPPORTED = 203,
  /**
   * The random number generator failed. Nothing has changed; trying again is safe.
   */
  OMEMO_ERROR_RANDOM = 204,
  /**
   * Somebody else is writing and did not finish in time. Try again.
   */
  OMEMO_ERROR_STORE_BUSY = 300,
  /**
   * There is no room left for the store.
   */
  OMEMO_ERROR_STORE_FULL = 301,
  /**
   * Reading or writing failed. Open the store again.
   */
  OMEMO_ERROR_STORE_IO = 302,
  /**
   * The store has met OMEMO_ERROR_STORE_IO before. Open it again.
   */
  OMEMO_ERROR_STORE_USED_UP = 303,
  /**
   * The file of the store was removed or replaced. Open it again.
   */
  OMEMO_ERROR_STORE_REPLACED = 304,
  /**
   * The folder of the file does not exist.
   */
  OMEMO_ERROR_STORE_NO_FOLDER = 305,
  /**
   * The system does not allow it.
   */
  OMEMO_ERROR_STORE_DENIED = 306,
  /**
   * The store cannot be written.
   */
  OMEMO_ERROR_STORE_READ_ONLY = 307,
  /**
   * The file is something else.
   */
  OMEMO_ERROR_STORE_OTHER_FILE = 308,
  /**
   * The store is damaged.
   */
  OMEMO_ERROR_STORE_CORRUPT = 309,
  /**
   * A newer version of the library has written the store.
   */
  OMEMO_ERROR_STORE_NEWER = 310,
  /**
   * The key or the passphrase is another.
   */
  OMEMO_ERROR_STORE_WRONG_KEY = 311,
  /**
   * The store has records that are not sealed.
   */
  OMEMO_ERROR_STORE_NOT_SEALED = 312,
  /**
   * The process has forked since the store was opened. Open another.
   */
  OMEMO_ERROR_STORE_FORKED = 313,
  /**
   * A name, value or batch is over its limit.
   */
  OMEMO_ERROR_STORE_TOO_LARGE = 314,
  /**
   * There is no such file.
   */
  OMEMO_ERROR_STORE_NO_FILE = 315,
  /**
   * A record of another scope was to be changed: a mistake in the library.
   */
  OMEMO_ERROR_STORE_OUTSIDE_SCOPE = 316,
  /**
   * A record of the account is damaged; or what is to be imported was not exported.
   */
  OMEMO_ERROR_ACCOUNT_RECORD = 400,
  /**
   * A newer version of the library has written the account.
   */
  OMEMO_ERROR_ACCOUNT_NEWER = 401,
  /**
   * The account was removed from the store, or replaced. Or, where it is to be imported: it is there
   * already.
   */
  OMEMO_ERROR_ACCOUNT_GONE = 402,
  /**
   * No id is left that was not used.
   */
  OMEMO_ERROR_ACCOUNT_NO_ID = 403,
  /**
   * The text cannot be the label of a device.
   */
  OMEMO_ERROR_ACCOUNT_LABEL = 404,
  /**
   * XML is not what it should be.
   */
  OMEMO_ERROR_STANZA = 500,
  /**
   * The message has no valid address in its attribute `to`.
   */
  OMEMO_ERROR_STANZA_ADDRESS = 501,
  /**
   * There is nothing in the message that could be encrypted.
   */
  OMEMO_ERROR_STANZA_EMPTY = 502,
  /**
   * What is to be encrypted cannot stand in an envelope (XEP-0420).
   */
  OMEMO_ERROR_STANZA_ENVELOPE = 503,
  /**
   * What was decrypted is no text, or belongs to another stanza. Nothing of it is to be shown.
   */
  OMEMO_ERROR_STANZA_CONTENT = 504,
  /**
   * The message may not go out like this: `omemo_error_refusal`, and `omemo_error_device` for each
   * device.
   */
  OMEMO_ERROR_REFUSED = 600,
  /**
   * The payload cannot be encrypted.
   */
  OMEMO_ERROR_PAYLOAD = 601,
  /**
   * The user has not accepted the account: an empty message would tell a stranger that somebody is there.
   */
  OMEMO_ERROR_NOT_ACCEPTED = 602,
  /**
   * The device cannot be sent an empty message: `omemo_error_device` says which, and why.
   */
  OMEMO_ERROR_GAP = 603,
  /**
   * A key or an initialisation vector has a length that its cipher does not have.
   */
  OMEMO_ERROR_FILE_KEY = 700,
  /**
   * The text is no `aesgcm://` URI, or none can be made.
   */
  OMEMO_ERROR_FILE_URI = 701,
  /**
   * The file is longer than its cipher allows.
   */
  OMEMO_ERROR_FILE_TOO_LONG = 702,
  /**
   * It is not the file that was encrypted, or not with this key. Remove what was decrypted.
   */
  OMEMO_ERROR_FILE_AUTHENTICATION = 703,
  /**
   * The cipher needs a hash of the file, and there is none.
   */
  OMEMO_ERROR_FILE_NO_HASH = 704,
  /**
   * Your sink has said that it could not write.
   */
  OMEMO_ERROR_FILE_SINK = 705,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_status omemo_status;
#else
typedef uint32_t omemo_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What makes sense after an error.
 */
enum omemo_remedy
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * The same once more, after a while.
   */
  OMEMO_REMEDY_RETRY = 1,
  /**
   * The same once more, after somebody has done something about it: made room, made the folder.
   */
  OMEMO_REMEDY_MEND = 2,
  /**
   * Opening the store or the handle again, and the operation from its beginning.
   */
  OMEMO_REMEDY_REOPEN = 3,
  /**
   * Nothing by itself: tell the user.
   */
  OMEMO_REMEDY_TELL = 4,
  /**
   * What was given is not what it should be: a mistake in the program that calls, unless it came from outside.
   * What strangers can send is OMEMO_REMEDY_TELL.
   */
  OMEMO_REMEDY_FIX = 5,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_remedy omemo_remedy;
#else
typedef uint32_t omemo_remedy;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What a message does with another one.
 */
enum omemo_mark_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * It corrects it: `<replace/>` (XEP-0308).
   */
  OMEMO_MARK_REPLACE = 1,
  /**
   * It takes it back: `<retract/>` (XEP-0424).
   */
  OMEMO_MARK_RETRACT = 2,
  /**
   * It answers it: `<reply/>` (XEP-0461).
   */
  OMEMO_MARK_REPLY = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_mark_kind omemo_mark_kind;
#else
typedef uint32_t omemo_mark_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What is to be done. New kinds may come: free what you do not know.
 */
enum omemo_action_type
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * Send the stanza, an `<iq/>`, and give what comes back to `omemo_client_answer`:
   * `omemo_action_request`.
   */
  OMEMO_ACTION_REQUEST = 1,
  /**
   * Send the stanza: a message of yours, encrypted. `omemo_action_ticket` says which;
   * `omemo_action_device` what became of each device.
   */
  OMEMO_ACTION_ENCRYPTED = 2,
  /**
   * A message of yours will not go out: `omemo_action_ticket`, `omemo_action_refusal`, and, where there
   * is a report, `omemo_action_device`.
   */
  OMEMO_ACTION_REFUSED = 3,
  /**
   * Send the stanza: an empty message that nobody sees.
   */
  OMEMO_ACTION_SEND = 4,
  /**
   * Show the stanza, store it, then `omemo_client_acknowledge`: until then it is handed out again after
   * each start. `omemo_action_sender`, `omemo_action_message_id`, `omemo_action_delivery`,
   * `omemo_action_unauthenticated`, `omemo_action_mark`.
   */
  OMEMO_ACTION_DELIVER = 5,
  /**
   * A message could not be read. Tell the user: `omemo_action_undecryptable`. The stanza is there without
   * its encrypted part.
   */
  OMEMO_ACTION_UNDECRYPTABLE = 6,
  /**
   * Messages wait until somebody has decided about keys, `omemo_action_key`: `omemo_client_decide`; or
   * `omemo_client_send_anyway` without their devices; or `omemo_client_cancel`. `omemo_action_ticket`
   * names the first of the messages.
   */
  OMEMO_ACTION_DECIDE_TRUST = 7,
  /**
   * Something happened that the user may want to know: `omemo_action_notice`.
   */
  OMEMO_ACTION_NOTICE = 8,
  /**
   * Call `omemo_client_tick` at `omemo_action_time_ms`, or a little later. It replaces the time that was
   * named before.
   */
  OMEMO_ACTION_WAKE_AT = 9,
  /**
   * Devices show other identity keys than before, `omemo_action_changed_identity`: they were set up anew
   * under their old ids, or somebody pretends that. Messages wait: `omemo_client_accept_identity` takes the
   * new key, `omemo_client_decide` with OMEMO_TRUST_DISTRUSTED for it keeps the old one,
   * `omemo_client_send_anyway` leaves the devices out, or `omemo_client_cancel`.
   */
  OMEMO_ACTION_DECIDE_IDENTITY = 30,
  /**
   * What `omemo_client_prepare` was asked for is there, as far as it can be had: `omemo_action_ticket`, and
   * what a message would wait for, `omemo_action_key` and `omemo_action_changed_identity`.
   */
  OMEMO_ACTION_PREPARED = 31,
  /**
   * Messages of a room, `omemo_action_room`, wait until it is known who its members are: ask the room
   * (XEP-0045 §9.5), then `omemo_client_set_room`. If the user is in no such room, do nothing.
   */
  OMEMO_ACTION_ASK_MEMBERS = 20,
  /**
   * A result of an archive brings nothing new: you have the message, and learn where the archive has it
   * (`omemo_action_archive_id`). It was delivered before, as `omemo_action_message_id` says; or, if that is
   * NULL, this device has sent it, and the stanza is there without its encrypted part. Show nothing.
   */
  OMEMO_ACTION_ARCHIVED = 40,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_action_type omemo_action_type;
#else
typedef uint32_t omemo_action_type;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How a message came.
 */
enum omemo_origin
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * To this client.
   */
  OMEMO_ORIGIN_DIRECT = 1,
  /**
   * A copy of what another client of the account received.
   */
  OMEMO_ORIGIN_CARBON_RECEIVED = 2,
  /**
   * A copy of what another client of the account sent.
   */
  OMEMO_ORIGIN_CARBON_SENT = 3,
  /**
   * From an archive.
   */
  OMEMO_ORIGIN_ARCHIVE = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_origin omemo_origin;
#else
typedef uint32_t omemo_origin;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Where a device stands on its account's list.
 */
enum omemo_listing
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * On it.
   */
  OMEMO_LISTING_ACTIVE = 1,
  /**
   * It was, and is no more.
   */
  OMEMO_LISTING_REMOVED = 2,
  /**
   * It was never seen there.
   */
  OMEMO_LISTING_NEVER = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_listing omemo_listing;
#else
typedef uint32_t omemo_listing;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Something that the user may want to know.
 */
enum omemo_notice_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * The account has a new device, `device`. Unless the user knows it, somebody else has added it.
   */
  OMEMO_NOTICE_NEW_OWN_DEVICE = 1,
  /**
   * `device` of `jid` is announced for an older version than it has spoken.
   */
  OMEMO_NOTICE_DOWNGRADED = 2,
  /**
   * The server did not take what this device has to publish to the node `text`, or does not say what is in
   * it; `reason` is its condition. Others cannot start conversations with the device. A list is asked for
   * again with growing pauses; everything else is tried again after the next connection.
   */
  OMEMO_NOTICE_NOT_PUBLISHED = 3,
  /**
   * The store is an old copy of itself, or a second program uses this device with a copy of it. New sessions are
   * started by themselves; messages that were written for the state that is lost are not readable. If nobody has
   * restored a backup, somebody has the keys of this device. Told again after each start until
   * `omemo_client_acknowledge_rollback`.
   */
  OMEMO_NOTICE_ROLLED_BACK = 4,
  /**
   * `jid` ends encryption, with `reason`. Nothing is encrypted until `omemo_account_opt_in`, and nothing
   * goes out in clear by itself.
   */
  OMEMO_NOTICE_OPTED_OUT = 5,
  /**
   * This device was taken off the server, as was asked for.
   */
  OMEMO_NOTICE_SWITCHED_OFF = 6,
  /**
   * `count` messages were read and are lost: they went because of the limits of the inbox before you had
   * acknowledged them. Told again after each start until `omemo_client_acknowledge_evicted`.
   */
  OMEMO_NOTICE_EVICTED = 50,
  /**
   * What the device sends by itself could not be made: an answer, a sign of life, or a new session. It is tried
   * again later, and everything else goes on. `reason` is the error in English.
   */
  OMEMO_NOTICE_UPKEEP_FAILED = 51,
  /**
   * What the server has as the bundle of this device can mean the same as OMEMO_NOTICE_ROLLED_BACK; but a server can
   * invent it, so nothing was given up. Told again after each start until `omemo_client_acknowledge_rollback`, and
   * then never again.
   */
  OMEMO_NOTICE_ROLLBACK_SUSPECTED = 52,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_notice_kind omemo_notice_kind;
#else
typedef uint32_t omemo_notice_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What became of a stanza.
 */
enum omemo_outcome
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * A message: `omemo_reading_payload`. It waits until it is acknowledged (`omemo_account_acknowledge`).
   */
  OMEMO_OUTCOME_MESSAGE = 1,
  /**
   * A message without content: sessions are made and kept alive by them. Show nothing.
   */
  OMEMO_OUTCOME_EMPTY = 2,
  /**
   * It was read before, byte by byte the same, and acknowledged. Show nothing.
   */
  OMEMO_OUTCOME_DUPLICATE = 3,
  /**
   * There is no key for this device in it. If `omemo_reading_has_payload`, tell the user.
   */
  OMEMO_OUTCOME_NOT_FOR_THIS_DEVICE = 4,
  /**
   * This device has sent it.
   */
  OMEMO_OUTCOME_OWN_REFLECTION = 5,
  /**
   * It was not read: `omemo_reading_failure`. Tell the user. No session, key or identity has changed.
   */
  OMEMO_OUTCOME_FAILED = 6,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_outcome omemo_outcome;
#else
typedef uint32_t omemo_outcome;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * A cipher for files.
 */
enum omemo_cipher
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * AES-128 in Galois/Counter mode, the tag behind the ciphertext.
   */
  OMEMO_CIPHER_AES_128_GCM = 1,
  /**
   * AES-256 in Galois/Counter mode: what `aesgcm://` has, and the one to choose.
   */
  OMEMO_CIPHER_AES_256_GCM = 2,
  /**
   * AES-256 in cipher block chaining mode, which authenticates nothing: decrypted with a hash only, and no
   * choice for a new file.
   */
  OMEMO_CIPHER_AES_256_CBC = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_cipher omemo_cipher;
#else
typedef uint32_t omemo_cipher;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How many items the node of OMEMO 2 bundles may have: one for each device. Where a server refuses a number,
 * take the next.
 */
enum omemo_max_items
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * As many as the server allows.
   */
  OMEMO_MAX_ITEMS_MAX = 1,
  /**
   * 1000.
   */
  OMEMO_MAX_ITEMS_THOUSAND = 2,
  /**
   * 100.
   */
  OMEMO_MAX_ITEMS_HUNDRED = 3,
  /**
   * 10.
   */
  OMEMO_MAX_ITEMS_TEN = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_max_items omemo_max_items;
#else
typedef uint32_t omemo_max_items;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Whether the server has a bundle, as far as it was said.
 */
enum omemo_bundle_state
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * It was never published, or was lost.
   */
  OMEMO_BUNDLE_UNPUBLISHED = 1,
  /**
   * Another one than the account has now.
   */
  OMEMO_BUNDLE_OUTDATED = 2,
  /**
   * It has it.
   */
  OMEMO_BUNDLE_PUBLISHED = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_bundle_state omemo_bundle_state;
#else
typedef uint32_t omemo_bundle_state;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What a session is used for.
 */
enum omemo_session_state
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * It is sent on.
   */
  OMEMO_SESSION_CURRENT = 1,
  /**
   * It was replaced, and is kept for what is on its way.
   */
  OMEMO_SESSION_OLD = 2,
  /**
   * Nothing is ever sent on it: it began with a pre-key that had been used, or was reset or repaired.
   */
  OMEMO_SESSION_RECEIVE_ONLY = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_session_state omemo_session_state;
#else
typedef uint32_t omemo_session_state;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How a stanza came.
 */
enum omemo_arrival
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * From the stream, just after it was written.
   */
  OMEMO_ARRIVAL_LIVE = 1,
  /**
   * From an archive, in the order that was said to `omemo_account_begin_catch_up`, whose number is `catch_up`.
   */
  OMEMO_ARRIVAL_ARCHIVED = 2,
  /**
   * From the stream, in the order in which it was written, but later: it has a `<delay/>`; or from a room.
   */
  OMEMO_ARRIVAL_DELAYED = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_arrival omemo_arrival;
#else
typedef uint32_t omemo_arrival;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What is known of who sent a stanza.
 */
enum omemo_evidence
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * The one in `senders`: its server says so, or a room that shows its occupants, of one who is there now.
   */
  OMEMO_EVIDENCE_ACCOUNT = 1,
  /**
   * One of those in `senders`, and nobody else: the members of a room, where it is not known who it was. All are
   * weighed before one is named.
   */
  OMEMO_EVIDENCE_CANDIDATES = 2,
  /**
   * One of those in `senders`, or somebody else. A message that starts a session is nobody's then.
   */
  OMEMO_EVIDENCE_SOME_CANDIDATES = 3,
  /**
   * Nobody can be named. `sender_count` is 0.
   */
  OMEMO_EVIDENCE_NOBODY = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_evidence omemo_evidence;
#else
typedef uint32_t omemo_evidence;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Why a message could not be read.
 */
enum omemo_undecryptable_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * It is not encrypted for this device: its sender does not know it yet, or has left it out.
   */
  OMEMO_UNDECRYPTABLE_NOT_FOR_THIS_DEVICE = 1,
  /**
   * The XML is not what it should be.
   */
  OMEMO_UNDECRYPTABLE_STANZA = 2,
  /**
   * It was decrypted, and is no text, or was meant for somebody else, or written by somebody else, than
   * the stanza says.
   */
  OMEMO_UNDECRYPTABLE_CONTENT = 3,
  /**
   * It does not say who sent it.
   */
  OMEMO_UNDECRYPTABLE_NO_SENDER = 4,
  /**
   * The key message is none, or does not verify.
   */
  OMEMO_UNDECRYPTABLE_KEY = 10,
  /**
   * The key message is good, what it opens is not.
   */
  OMEMO_UNDECRYPTABLE_PAYLOAD = 11,
  /**
   * Another message came under a counter that was used: the sender's device may have been cloned.
   */
  OMEMO_UNDECRYPTABLE_COUNTER_REUSED = 12,
  /**
   * The key of this message was given up: it came too late, or was read before, long ago.
   */
  OMEMO_UNDECRYPTABLE_KEY_GONE = 13,
  /**
   * There is no session with the device, and this does not start one. It is mended by itself, where it may.
   */
  OMEMO_UNDECRYPTABLE_NO_SESSION = 14,
  /**
   * It was written for a pre-key that does not exist any more.
   */
  OMEMO_UNDECRYPTABLE_UNKNOWN_PRE_KEY = 15,
  /**
   * It was written for a signed pre-key that does not exist any more.
   */
  OMEMO_UNDECRYPTABLE_UNKNOWN_SIGNED_PRE_KEY = 16,
  /**
   * Somebody repeats a first message.
   */
  OMEMO_UNDECRYPTABLE_REPLAYED = 17,
  /**
   * The device shows another identity key than before. If the user says that this is right:
   * `omemo_account_forget_device`, and ask the sender to write again.
   */
  OMEMO_UNDECRYPTABLE_IDENTITY_CHANGED = 18,
  /**
   * Any of several accounts may have sent it.
   */
  OMEMO_UNDECRYPTABLE_AMBIGUOUS_SENDER = 19,
  /**
   * The account has so many devices already that no more are kept.
   */
  OMEMO_UNDECRYPTABLE_TOO_MANY_DEVICES = 20,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_undecryptable_kind omemo_undecryptable_kind;
#else
typedef uint32_t omemo_undecryptable_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What became of a stanza that came.
 */
enum omemo_disposition
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * It has no encrypted content: handle it as ever.
   */
  OMEMO_DISPOSITION_NOT_OURS = 1,
  /**
   * Its content was, or will be, handed out as actions. Show nothing of the stanza itself.
   */
  OMEMO_DISPOSITION_CONSUMED = 2,
  /**
   * It belongs to a page of an archive that is not complete.
   */
  OMEMO_DISPOSITION_PENDING = 3,
  /**
   * This device sent it, and the room gives it back: you have its text.
   */
  OMEMO_DISPOSITION_OWN_REFLECTION = 4,
  /**
   * It has encrypted content that nobody is expected to send in this way: a result of an archive that was not
   * announced (`omemo_client_expect_archive`), or a copy that somebody else than your server has made. Nothing was
   * decrypted. Show nothing of it, not the fallback text either: anybody can send such a stanza.
   */
  OMEMO_DISPOSITION_UNEXPECTED = 30,
  /**
   * A message with encrypted content came back as an error. If its id is of a message of yours, tell the user
   * that it did not arrive; show nothing else of it.
   */
  OMEMO_DISPOSITION_BOUNCED = 31,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_disposition omemo_disposition;
#else
typedef uint32_t omemo_disposition;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * In which order an archive is read.
 */
enum omemo_order
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * As it was written.
   */
  OMEMO_ORDER_OLDEST_FIRST = 1,
  /**
   * Backwards.
   */
  OMEMO_ORDER_NEWEST_FIRST = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_order omemo_order;
#else
typedef uint32_t omemo_order;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * A version of OMEMO.
 */
enum omemo_protocol
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * `eu.siacs.conversations.axolotl`, which every client reads.
   */
  OMEMO_PROTOCOL_LEGACY = 1,
  /**
   * `urn:xmpp:omemo:2`.
   */
  OMEMO_PROTOCOL_OMEMO2 = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_protocol omemo_protocol;
#else
typedef uint32_t omemo_protocol;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How an account was opened.
 */
enum omemo_opening
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * It was not in the store, and was made.
   */
  OMEMO_OPENING_CREATED = 1,
  /**
   * It was in the store.
   */
  OMEMO_OPENING_FOUND = 2,
  /**
   * It was in the store, which is an old copy of itself. Nothing that was used since then is used again;
   * messages of the time in between may not be readable: tell the user.
   */
  OMEMO_OPENING_ROLLED_BACK = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_opening omemo_opening;
#else
typedef uint32_t omemo_opening;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Whether a conversation is encrypted.
 */
enum omemo_conversation_state
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * Nothing encrypted came or went: plaintext is no surprise.
   */
  OMEMO_CONVERSATION_PLAIN = 1,
  /**
   * It is encrypted: if plaintext comes in it, tell the user.
   */
  OMEMO_CONVERSATION_ENCRYPTED = 2,
  /**
   * One side has said that it ends encryption. Nothing is encrypted until `omemo_account_opt_in`.
   */
  OMEMO_CONVERSATION_OPTED_OUT = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_conversation_state omemo_conversation_state;
#else
typedef uint32_t omemo_conversation_state;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Why a message was forwarded.
 */
enum omemo_forward_reason
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * A copy of what another client of the account received (XEP-0280).
   */
  OMEMO_FORWARD_RECEIVED = 1,
  /**
   * A copy of what another client of the account sent.
   */
  OMEMO_FORWARD_SENT = 2,
  /**
   * A result of an archive (XEP-0313).
   */
  OMEMO_FORWARD_ARCHIVED = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_forward_reason omemo_forward_reason;
#else
typedef uint32_t omemo_forward_reason;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What the server has as this device's bundle.
 */
enum omemo_published
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * The bundle as it is now.
   */
  OMEMO_PUBLISHED_CURRENT = 1,
  /**
   * None, an older one, or somebody else's: the bundle is due.
   */
  OMEMO_PUBLISHED_OTHER = 2,
  /**
   * One that this store has not made, and that is signed with the account's identity key: the store is an old
   * copy of itself, or a second program uses the device. What could be used twice was given up, all bundles are
   * due, and the user is to be told (`omemo_account_rollback`).
   */
  OMEMO_PUBLISHED_ROLLED_BACK = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_published omemo_published;
#else
typedef uint32_t omemo_published;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Whether a store is an old copy of itself, or a second program uses the device.
 */
enum omemo_rollback
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * Nothing says so, or the user knows of it.
   */
  OMEMO_ROLLBACK_NONE = 0,
  /**
   * It is proven. What could be used twice was given up, and new sessions are being started: messages that were
   * written for the state that is lost are not readable.
   */
  OMEMO_ROLLBACK_PROVEN = 1,
  /**
   * It is suspected. Nothing was given up: a server can invent what it was seen by.
   */
  OMEMO_ROLLBACK_SUSPECTED = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_rollback omemo_rollback;
#else
typedef uint32_t omemo_rollback;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How keys that are seen for the first time come to be trusted.
 */
enum omemo_trust_policy
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * Never by themselves: the user is asked about each.
   */
  OMEMO_TRUST_POLICY_MANUAL = 1,
  /**
   * Those of the devices on the first device list that was seen of the account; later ones are
   * undecided.
   */
  OMEMO_TRUST_POLICY_FIRST_USE = 2,
  /**
   * Until a key of the account was verified; from then on new ones are undecided.
   */
  OMEMO_TRUST_POLICY_BLIND_UNTIL_VERIFIED = 3,
  /**
   * As `decide_trust` of the options says.
   */
  OMEMO_TRUST_POLICY_CUSTOM = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_trust_policy omemo_trust_policy;
#else
typedef uint32_t omemo_trust_policy;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Which version is written to a device that has announced both.
 */
enum omemo_version_policy
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * OMEMO 2 to devices that are known to read it, legacy to others. Recommended.
   */
  OMEMO_VERSION_POLICY_BY_EVIDENCE = 1,
  /**
   * The newest that is announced.
   */
  OMEMO_VERSION_POLICY_NEWEST = 2,
  /**
   * Legacy alone.
   */
  OMEMO_VERSION_POLICY_ONLY_LEGACY = 3,
  /**
   * OMEMO 2 alone.
   */
  OMEMO_VERSION_POLICY_ONLY_OMEMO2 = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_version_policy omemo_version_policy;
#else
typedef uint32_t omemo_version_policy;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Whether a message may leave out devices.
 */
enum omemo_gap_policy
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * It may, and the report says which and why; a recipient of whom no device gets it is a refusal.
   * Recommended.
   */
  OMEMO_GAP_POLICY_REPORT = 1,
  /**
   * It may not.
   */
  OMEMO_GAP_POLICY_REFUSE = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_gap_policy omemo_gap_policy;
#else
typedef uint32_t omemo_gap_policy;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What becomes of a device that is announced for an older version than the one it has spoken.
 */
enum omemo_downgrade_policy
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * It is written to in the older version, and the report says so. Recommended.
   */
  OMEMO_DOWNGRADE_POLICY_REPORT = 1,
  /**
   * It is left out, and the report says so.
   */
  OMEMO_DOWNGRADE_POLICY_SKIP = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_downgrade_policy omemo_downgrade_policy;
#else
typedef uint32_t omemo_downgrade_policy;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What becomes of a message to a room of whose members some can get nothing: they have no device, no usable
 * keys, are not trusted, or have ended encryption.
 */
enum omemo_room_policy
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * They are left out, and the report names them. Recommended: else each member could silence the room.
   */
  OMEMO_ROOM_POLICY_LEAVE_OUT = 1,
  /**
   * It is refused.
   */
  OMEMO_ROOM_POLICY_REFUSE = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_room_policy omemo_room_policy;
#else
typedef uint32_t omemo_room_policy;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What is done with elements that a legacy message cannot encrypt.
 */
enum omemo_unprotected
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * They are left out of a stanza that has a legacy part. Recommended.
   */
  OMEMO_UNPROTECTED_DROP = 1,
  /**
   * They go out in clear.
   */
  OMEMO_UNPROTECTED_KEEP = 2,
  /**
   * Devices that read nothing newer are left out, and the report says so.
   */
  OMEMO_UNPROTECTED_SKIP = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_unprotected omemo_unprotected;
#else
typedef uint32_t omemo_unprotected;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Stanzas that show items of a node.
 */
enum omemo_source
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * The answer to a request for items: there are none but these, as far as was asked.
   */
  OMEMO_SOURCE_RESULT = 1,
  /**
   * A notification of new items.
   */
  OMEMO_SOURCE_EVENT = 2,
  /**
   * A notification that the node was emptied or deleted: it has no items any more.
   */
  OMEMO_SOURCE_REMOVAL = 3,
  /**
   * A request to publish an item.
   */
  OMEMO_SOURCE_PUBLISH = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_source omemo_source;
#else
typedef uint32_t omemo_source;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * A node of OMEMO.
 */
enum omemo_node
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * The device list of an account.
   */
  OMEMO_NODE_DEVICE_LIST = 1,
  /**
   * Bundles: of one device in legacy, of all in OMEMO 2.
   */
  OMEMO_NODE_BUNDLES = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_node omemo_node;
#else
typedef uint32_t omemo_node;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Why a message is not encrypted for a device.
 */
enum omemo_gap
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * It is encrypted for it.
   */
  OMEMO_GAP_NONE = 0,
  /**
   * Nobody has decided about its key, `fingerprint`: ask the user.
   */
  OMEMO_GAP_UNDECIDED = 1,
  /**
   * The user does not trust its key, `fingerprint`.
   */
  OMEMO_GAP_DISTRUSTED = 2,
  /**
   * There is no session, and no bundle was asked for.
   */
  OMEMO_GAP_NO_SESSION = 3,
  /**
   * It has published no bundle.
   */
  OMEMO_GAP_NO_BUNDLE = 4,
  /**
   * What it has published is no bundle.
   */
  OMEMO_GAP_BROKEN_BUNDLE = 5,
  /**
   * Its bundle cannot be used.
   */
  OMEMO_GAP_UNUSABLE_BUNDLE = 6,
  /**
   * It shows another identity key than before. If the user says that this is right:
   * `omemo_account_forget_device`.
   */
  OMEMO_GAP_IDENTITY_CHANGED = 7,
  /**
   * It has not answered for too long.
   */
  OMEMO_GAP_SILENT = 8,
  /**
   * It is announced for an older version than it has spoken.
   */
  OMEMO_GAP_DOWNGRADED = 9,
  /**
   * It is announced for no version that has a payload and may be used.
   */
  OMEMO_GAP_NO_COMMON_VERSION = 10,
  /**
   * It is on no device list.
   */
  OMEMO_GAP_NOT_LISTED = 11,
  /**
   * Its session cannot encrypt: `omemo_client_reset`.
   */
  OMEMO_GAP_SESSION = 12,
  /**
   * Its bundle could not be looked up: its server did not answer, or has a problem. Try again later.
   */
  OMEMO_GAP_UNREACHABLE = 20,
  /**
   * The stanza would become larger than servers take, and this device matters least.
   */
  OMEMO_GAP_TOO_MANY_DEVICES = 30,
  /**
   * Its id is above 2^31 - 1, and other readers would drop the whole message because of it.
   */
  OMEMO_GAP_LARGE_ID = 31,
  /**
   * One side has ended encryption with its account; the message goes to a room.
   */
  OMEMO_GAP_OPTED_OUT = 32,
  /**
   * It shows the key of somebody else's device: its account has copied a bundle.
   */
  OMEMO_GAP_COPIED_KEY = 60,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_gap omemo_gap;
#else
typedef uint32_t omemo_gap;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Why a member of a room gets nothing of a message.
 */
enum omemo_absence
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * One side has ended encryption with this account.
   */
  OMEMO_ABSENCE_OPTED_OUT = 1,
  /**
   * It has no device that is announced.
   */
  OMEMO_ABSENCE_NO_DEVICES = 2,
  /**
   * The message is encrypted for none of its devices: each has its own omemo_gap.
   */
  OMEMO_ABSENCE_NO_READER = 3,
  /**
   * It joined after you had decided who reads the message.
   */
  OMEMO_ABSENCE_JOINED = 4,
  /**
   * Nobody could say which devices the account has.
   */
  OMEMO_ABSENCE_UNREACHABLE = 20,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_absence omemo_absence;
#else
typedef uint32_t omemo_absence;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Why a message does not go out.
 */
enum omemo_refusal_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * One side has ended encryption with `jid`: ask the user, then `omemo_account_opt_in`.
   */
  OMEMO_REFUSAL_OPTED_OUT = 1,
  /**
   * The recipient `jid` has no device that is announced.
   */
  OMEMO_REFUSAL_NO_DEVICES = 2,
  /**
   * The recipient `jid` would get nothing: the report says why.
   */
  OMEMO_REFUSAL_NOBODY_REACHED = 3,
  /**
   * Some devices would get nothing, and the policy does not allow it.
   */
  OMEMO_REFUSAL_GAPS = 4,
  /**
   * It cannot be encrypted or written: see `reason`.
   */
  OMEMO_REFUSAL_CONTENT = 5,
  /**
   * It is a note to yourself, and the account has no other device.
   */
  OMEMO_REFUSAL_NO_OTHER_DEVICE = 20,
  /**
   * No other member of the room would get anything: the report says why.
   */
  OMEMO_REFUSAL_NOBODY_IN_ROOM = 21,
  /**
   * The message is larger than servers take, whomever it is encrypted for.
   */
  OMEMO_REFUSAL_TOO_LARGE = 22,
  /**
   * Nobody could say which devices the recipient `jid` has: try again. `omemo_client_encrypt` asks at once.
   */
  OMEMO_REFUSAL_UNREACHABLE = 40,
  /**
   * The room was left while the message waited.
   */
  OMEMO_REFUSAL_NOT_IN_ROOM = 23,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_refusal_kind omemo_refusal_kind;
#else
typedef uint32_t omemo_refusal_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How much a line of the log matters.
 */
enum omemo_log_level
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * What was called, and what is to be done.
   */
  OMEMO_LOG_DEBUG = 1,
  /**
   * A call has failed.
   */
  OMEMO_LOG_WARNING = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_log_level omemo_log_level;
#else
typedef uint32_t omemo_log_level;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What is read by a scan.
 */
enum omemo_scan_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * The records of `partition` from the sort key `from` on, up to the sort key `until` and without it
   * (to the end, if that is NULL), in the order of their sort keys.
   */
  OMEMO_SCAN_RANGE = 1,
  /**
   * One record of each partition of the table, for its name; those that come after the partition
   * `partition` (all, if that is NULL), in an order of yours that does not change.
   */
  OMEMO_SCAN_PARTITIONS = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_scan_kind omemo_scan_kind;
#else
typedef uint32_t omemo_scan_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * A kind of changes.
 */
enum omemo_change_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * Store `value` under the name, in the place of what is there.
   */
  OMEMO_CHANGE_PUT = 1,
  /**
   * Remove the record of that name, if there is one.
   */
  OMEMO_CHANGE_DELETE = 2,
  /**
   * Remove the records of the partition from `sort` on, up to `until` and without it (to the end, if
   * that is NULL).
   */
  OMEMO_CHANGE_DELETE_RANGE = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_change_kind omemo_change_kind;
#else
typedef uint32_t omemo_change_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What is thought of an identity key.
 */
enum omemo_trust
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * Nobody has decided: nothing is encrypted for it.
   */
  OMEMO_TRUST_UNDECIDED = 1,
  /**
   * Trusted without comparing anything.
   */
  OMEMO_TRUST_BLIND = 2,
  /**
   * The user has compared the fingerprint.
   */
  OMEMO_TRUST_VERIFIED = 3,
  /**
   * The user does not want it: nothing is encrypted for it.
   */
  OMEMO_TRUST_DISTRUSTED = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_trust omemo_trust;
#else
typedef uint32_t omemo_trust;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How a file is to be shown.
 */
enum omemo_file_disposition
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * In the conversation.
   */
  OMEMO_FILE_INLINE = 1,
  /**
   * As something to be saved; not to be fetched unasked.
   */
  OMEMO_FILE_ATTACHMENT = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_file_disposition omemo_file_disposition;
#else
typedef uint32_t omemo_file_disposition;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * One device of one account: everything but XML and traffic.
 *
 * A client has one (`omemo_client_account`), of which all that is known can be asked, and where the user's
 * decisions go. Nothing of it waits for what the client is doing.
 *
 * It is reference counted: `omemo_account_unref` gives a reference back. Threads: any number at the same
 * time. All functions that use it may wait for the disk, except those that say otherwise. All fail
 * with OMEMO_ERROR_STORE_... and OMEMO_ERROR_ACCOUNT_...; nothing has changed then. `omemo_account_change_device_id`
 * makes other handles of the same account OMEMO_ERROR_ACCOUNT_GONE. Addresses are
 * UTF-8, end with a zero byte, and may have a resource, which is not looked at (OMEMO_ERROR_JID).
 */
typedef struct omemo_account omemo_account;

/**
 * Something to do, or to tell. Everything is stored that has to be before it is handed out. Text that its
 * functions return ends with a zero byte, and is there as long as the action is. What an action of its kind
 * does not have is NULL or 0, as is everything of NULL.
 *
 * Threads: one at a time, or several that only read. Nothing waits.
 */
typedef struct omemo_action omemo_action;

/**
 * What a device publishes so that others can start a session with it (XEP-0384 §5.3.2). Its keys are
 * well-formed; its signature is verified when a session is started, not before.
 *
 * Threads: one at a time, or several that only read.
 */
typedef struct omemo_bundle omemo_bundle;

/**
 * The whole protocol between an XMPP stream and plaintext, for one account: stanzas in, actions out. It has
 * no socket, thread or clock. After each call, and until there is none, take actions with
 * `omemo_client_next_action`, or when the wake-up callback has said that there are some.
 *
 * Threads: any number at the same time; changes wait for each other. `omemo_client_account` is for questions,
 * which do not wait. All functions but `omemo_client_unref` may wait for the disk. All fail with
 * OMEMO_ERROR_STORE_..., OMEMO_ERROR_ACCOUNT_... (call again when the remedy says so: what was done already is not
 * done twice), and, after OMEMO_ERROR_INTERNAL, with OMEMO_ERROR_USED_UP. XML is UTF-8 with a length, and need not end
 * with a zero byte; addresses are UTF-8, end with a zero byte, and may have a resource.
 */
typedef struct omemo_client omemo_client;

/**
 * What a payload says, read and checked. What its functions return is there as long as it is.
 *
 * Threads: one at a time, or several that only read.
 */
typedef struct omemo_content omemo_content;

/**
 * The devices that an account announces for one version (XEP-0384 §5.3.1).
 *
 * Threads: one at a time, or several that only read.
 */
typedef struct omemo_device_list omemo_device_list;

/**
 * The devices of an account. Threads: one at a time, or several that only read.
 */
typedef struct omemo_devices omemo_devices;

/**
 * Empty messages that are owed. Threads: one at a time, or several that only read.
 */
typedef struct omemo_due_answers omemo_due_answers;

/**
 * What is known of a call that failed. Its message has no key, no address and no text of anybody in it, so
 * it may be logged; whom it concerns is asked for apart.
 *
 * A function that fails makes one if its last argument is not NULL; it is yours to free. One that
 * succeeds leaves that argument as it is. Threads: one at a time.
 */
typedef struct omemo_error omemo_error;

/**
 * Decrypts one file, piece by piece.
 *
 * Nothing that it has given to the sink is authentic before `omemo_file_decryptor_finish` has succeeded: write
 * it beside the place where the file is expected, move it there after that, and remove it if anything fails.
 * Threads: one at a time. Nothing waits but the sink.
 */
typedef struct omemo_file_decryptor omemo_file_decryptor;

/**
 * Encrypts one file, piece by piece. It draws the key, and hands it out at the end: no key is used for two
 * files.
 *
 * Threads: one at a time. Nothing waits but the sink.
 */
typedef struct omemo_file_encryptor omemo_file_encryptor;

/**
 * A key and an initialisation vector for one file. What its functions return is there as long as it is.
 *
 * Threads: one at a time, or several that only read.
 */
typedef struct omemo_file_key omemo_file_key;

/**
 * An account and the fingerprints of its devices, as somebody says they are. Reading it believes nothing: ask
 * the user where it came from, then `omemo_account_set_trust`.
 *
 * Threads: one at a time, or several that only read.
 */
typedef struct omemo_fingerprint_uri omemo_fingerprint_uri;

/**
 * An `<iq/>` of the type `result` or `error`. What its functions return is there as long as it is.
 *
 * Threads: one at a time, or several that only read.
 */
typedef struct omemo_iq_answer omemo_iq_answer;

/**
 * Items of a node of OMEMO. Nothing of it is authentic: an answer counts only if you have asked, a
 * notification only for the account that it is from.
 *
 * Threads: one at a time, or several that only read.
 */
typedef struct omemo_items omemo_items;

/**
 * The keys of an account. Threads: one at a time, or several that only read.
 */
typedef struct omemo_keys omemo_keys;

/**
 * The keys of a stanza for all devices. What its functions return is there as long as it is; nothing of it is
 * authentic.
 *
 * Threads: one at a time, or several that only read.
 */
typedef struct omemo_listed_keys omemo_listed_keys;

/**
 * What there is between this device and those of an account. Threads: one at a time, or several that only read.
 */
typedef struct omemo_peer_surveys omemo_peer_surveys;

/**
 * A list of devices. Threads: one at a time, or several that only read.
 */
typedef struct omemo_peers omemo_peers;

/**
 * A `<message/>` in clear that is going to be encrypted.
 *
 * Threads: one at a time, or several that only read.
 */
typedef struct omemo_plain omemo_plain;

/**
 * What became of a stanza. What its functions return is there as long as it is; what there is not is NULL or
 * 0, as is everything of NULL.
 *
 * Threads: one at a time, or several that only read. Nothing waits.
 */
typedef struct omemo_reading omemo_reading;

/**
 * What became of several stanzas, or messages that wait. Threads: one at a time, or several that only read.
 */
typedef struct omemo_readings omemo_readings;

/**
 * A message that was encrypted, and stored as sent. What its functions return is there as long as it is.
 *
 * Threads: one at a time, or several that only read.
 */
typedef struct omemo_sent omemo_sent;

/**
 * Files that a message shares. Threads: one at a time, or several that only read.
 */
typedef struct omemo_shared_files omemo_shared_files;

/**
 * A `<message/>` or `<iq/>`, and what is encrypted in it for one device. What its functions return is there
 * as long as it is; nothing of it is authentic yet.
 *
 * Threads: one at a time, or several that only read.
 */
typedef struct omemo_stanza omemo_stanza;

/**
 * Where accounts are kept: in memory, in a file, sealed, or where you say. One store may hold any
 * number of accounts, and be used by any number of handles.
 *
 * It is reference counted: every function that makes one, and `omemo_store_ref`, gives you a reference,
 * and `omemo_store_unref` takes it back. Clients and accounts keep references of their own.
 * Threads: any number at the same time. All functions that use it may wait for the disk.
 */
typedef struct omemo_store omemo_store;

/**
 * Takes what a store of yours has found. Only there during the call that it was given to.
 */
typedef struct omemo_store_sink omemo_store_sink;

/**
 * A list of texts.
 *
 * Threads: one at a time, or several that only read.
 */
typedef struct omemo_strings omemo_strings;

/**
 * What there is of an account. What its functions return is there as long as it is.
 *
 * Threads: one at a time, or several that only read.
 */
typedef struct omemo_survey omemo_survey;

/**
 * Which of an account's keys somebody trusts, and which not. Reading it believes nothing: ask the user where it
 * came from, then `omemo_account_set_trust`.
 *
 * Threads: one at a time, or several that only read.
 */
typedef struct omemo_trust_message omemo_trust_message;

/**
 * Keys that somebody has to decide about. Threads: one at a time, or several that only read.
 */
typedef struct omemo_undecided_keys omemo_undecided_keys;

/**
 * Why a message does not go out.
 */
typedef struct {
  /**
   * An omemo_refusal_kind.
   */
  uint32_t kind;
  /**
   * Because of whom; NULL if it is nobody's.
   */
  const char *jid;
  /**
   * The same in English.
   */
  const char *reason;
} omemo_refusal;

/**
 * The fingerprint of an identity key: the same in both versions.
 */
typedef struct {
  /**
   * The Curve25519 form of the key.
   */
  uint8_t bytes[32];
} omemo_fingerprint;

/**
 * What became of a device.
 */
typedef struct {
  /**
   * Whose device it is.
   */
  const char *jid;
  /**
   * Its id.
   */
  uint32_t device;
  /**
   * Why the message is not encrypted for it: an omemo_gap; OMEMO_GAP_NONE if it is.
   */
  uint32_t gap;
  /**
   * The same in English; NULL if it is encrypted.
   */
  const char *reason;
  /**
   * The version in which it is encrypted: an omemo_protocol; 0 if it is not.
   */
  uint32_t protocol;
  /**
   * 1 if it is encrypted with a key exchange: the device has not answered yet.
   */
  uint8_t has_key_exchange;
  /**
   * 1 if it has spoken a newer version than the one that it is announced for now.
   */
  uint8_t is_downgraded;
  /**
   * The key, for OMEMO_GAP_UNDECIDED and OMEMO_GAP_DISTRUSTED; else zeros.
   */
  omemo_fingerprint fingerprint;
} omemo_device_report;

/**
 * How a file is opened. What is 0 is as recommended.
 */
typedef struct {
  /**
   * sizeof (omemo_sqlite_options).
   */
  size_t struct_size;
  /**
   * How long a call waits for other processes that write, in milliseconds. 0: 5,000.
   */
  uint64_t busy_timeout_ms;
} omemo_sqlite_options;

/**
 * What opens a sealed store: either a key, or a passphrase. What is 0 is as recommended.
 */
typedef struct {
  /**
   * sizeof (omemo_seal_key).
   */
  size_t struct_size;
  /**
   * 32 bytes of full strength, as from the key chain of the system; NULL if there is a passphrase.
   */
  const uint8_t *key;
  /**
   * What a person types; NULL if there is a key.
   */
  const uint8_t *passphrase;
  /**
   * The bytes of the passphrase.
   */
  size_t passphrase_len;
  /**
   * What deriving a key from a passphrase costs (Argon2id), if the store is new: memory in KiB, passes
   * and lanes. All three 0: RFC 9106's recommendation, 64 MiB, 3, 4.
   */
  uint32_t cost_memory_kib;
  /**
   * See `cost_memory_kib`.
   */
  uint32_t cost_passes;
  /**
   * See `cost_memory_kib`.
   */
  uint32_t cost_lanes;
  /**
   * 0.
   */
  uint32_t reserved;
} omemo_seal_key;

/**
 * The name of a record: a table, and two keys of any bytes. All of it is there during the call only.
 */
typedef struct {
  /**
   * A kind of records: at most 65,535.
   */
  uint32_t table;
  /**
   * The records that are scanned together. It begins with the scope of the record: everything up to the first
   * zero byte, or all of it.
   */
  const uint8_t *partition;
  /**
   * The bytes of `partition`, at most 4,352.
   */
  size_t partition_len;
  /**
   * The place in the partition; compared byte by byte, a shorter one before those that begin with it.
   */
  const uint8_t *sort;
  /**
   * The bytes of `sort`, at most 4,352.
   */
  size_t sort_len;
} omemo_store_key;

/**
 * What is to be read. All of it is there during the call only.
 */
typedef struct {
  /**
   * An omemo_scan_kind.
   */
  uint32_t kind;
  /**
   * The table.
   */
  uint32_t table;
  /**
   * See `kind`.
   */
  const uint8_t *partition;
  /**
   * The bytes of `partition`.
   */
  size_t partition_len;
  /**
   * See `kind`.
   */
  const uint8_t *from;
  /**
   * The bytes of `from`.
   */
  size_t from_len;
  /**
   * See `kind`.
   */
  const uint8_t *until;
  /**
   * The bytes of `until`.
   */
  size_t until_len;
  /**
   * No more records than that; SIZE_MAX: all of them. Make no room by it.
   */
  size_t limit;
} omemo_store_scan;

/**
 * A change. All of it is there during the call only.
 */
typedef struct {
  /**
   * An omemo_change_kind.
   */
  uint32_t kind;
  /**
   * The name, or the beginning of the range.
   */
  omemo_store_key key;
  /**
   * The end of a range.
   */
  const uint8_t *until;
  /**
   * The bytes of `until`.
   */
  size_t until_len;
  /**
   * The contents: secret. Overwrite copies that you do not need.
   */
  const uint8_t *value;
  /**
   * The bytes of `value`, at most 16 MiB.
   */
  size_t value_len;
} omemo_store_change;

/**
 * A store of your own. Records are in scopes, one for each account, and each scope has a state of its own: a
 * number that is 0 at first, larger after each batch that was not empty, and the same after one of another
 * scope. It never comes back: keep it when the records of a scope go, or begin each new scope with a number that is
 * larger than all before. A scope is bytes without a zero byte, at most 4,352, and may be empty.
 *
 * Each function returns an omemo_status: OMEMO_OK, or one of
 * OMEMO_ERROR_STORE_..., and sees one state of the store: no part of a batch. They are called from
 * whatever thread uses a handle, several at the same time, and must not call the library, except
 * `omemo_store_sink_value` and `omemo_store_sink_record`.
 */
typedef struct {
  /**
   * sizeof (omemo_store_callbacks).
   */
  size_t struct_size;
  /**
   * Gives the value of a record to the sink; nothing, if there is none.
   */
  uint32_t (*get)(void *user_data, const omemo_store_key *key, omemo_store_sink *sink);
  /**
   * Gives the records that are asked for to the sink, in their order.
   */
  uint32_t (*scan)(void *user_data, const omemo_store_scan *scan, omemo_store_sink *sink);
  /**
   * Says in which state a scope is.
   */
  uint32_t (*generation)(void *user_data,
                         const uint8_t *scope,
                         size_t scope_len,
                         uint64_t *generation);
  /**
   * Makes all changes, one after the other, or none: if the scope is still in the state `generation`,
   * into which the new state is written then; OMEMO_CONFLICT if it is not. All of them are of that scope. When it
   * has returned OMEMO_OK, the changes are to survive a crash.
   */
  uint32_t (*apply)(void *user_data,
                    const uint8_t *scope,
                    size_t scope_len,
                    const omemo_store_change *changes,
                    size_t count,
                    uint64_t *generation);
  /**
   * Called when the last reference is gone. May be NULL.
   */
  void (*destroy)(void *user_data);
  /**
   * Waits until nobody else writes in the scope, and keeps it so until `end_exclusive`: for an operation that others
   * have overtaken again and again. What is called in between on this thread belongs to it, also
   * `apply` in another scope (which needs no protection); for a database: begin a transaction that writes.
   * Not OMEMO_OK: it has not begun. May be NULL, with `end_exclusive`: then such an operation goes on trying.
   */
  uint32_t (*begin_exclusive)(void *user_data, const uint8_t *scope, size_t scope_len);
  /**
   * Lets others write again, whatever it returns. If `status` is OMEMO_OK, what was applied since
   * `begin_exclusive` is to survive a crash when it has returned OMEMO_OK; if not, that is stored or undone as you
   * like.
   */
  uint32_t (*end_exclusive)(void *user_data, const uint8_t *scope, size_t scope_len, uint32_t status);
} omemo_store_callbacks;

/**
 * A key and what is thought of it.
 */
typedef struct {
  /**
   * The key.
   */
  omemo_fingerprint fingerprint;
  /**
   * An omemo_trust.
   */
  uint32_t trust;
  /**
   * When it was seen first, in milliseconds since 1970.
   */
  uint64_t first_seen_ms;
  /**
   * When it was last decided about; 0 if a policy did.
   */
  uint64_t decided_ms;
} omemo_key;

/**
 * A marker of one life of a store, to be kept where no backup is made of it.
 */
typedef struct {
  /**
   * The bytes.
   */
  uint8_t bytes[16];
} omemo_incarnation;

/**
 * A key that is seen for the first time, for `decide_trust`.
 */
typedef struct {
  /**
   * Whose it is; ends with a zero byte.
   */
  const char *jid;
  /**
   * The device that shows it.
   */
  uint32_t device;
  /**
   * The key.
   */
  omemo_fingerprint fingerprint;
  /**
   * 1 if it is one of the account's own devices.
   */
  uint8_t is_own;
  /**
   * 1 if the device is one of those that were there from the beginning.
   */
  uint8_t is_first;
  /**
   * 1 if a key of the account was verified before.
   */
  uint8_t has_verified;
} omemo_new_key;

/**
 * The choices of an application. They are of a handle: nothing of them is kept in the store. Set all of it
 * to zero, then `struct_size` and `trust`: whatever is 0 is as recommended.
 */
typedef struct {
  /**
   * sizeof (omemo_options).
   */
  size_t struct_size;
  /**
   * An omemo_trust_policy for keys of contacts. You must choose.
   */
  uint32_t trust;
  /**
   * An omemo_trust_policy for keys of new devices of the account itself, which whoever controls the
   * server can add. 0: OMEMO_TRUST_POLICY_MANUAL.
   */
  uint32_t trust_own;
  /**
   * An omemo_version_policy.
   */
  uint32_t versions;
  /**
   * An omemo_gap_policy.
   */
  uint32_t gaps;
  /**
   * An omemo_downgrade_policy.
   */
  uint32_t downgrades;
  /**
   * An omemo_unprotected.
   */
  uint32_t unprotected;
  /**
   * OMEMO_OPTION_..., added.
   */
  uint32_t flags;
  /**
   * A device that has not answered so many messages is left out, and reported. 0: 1,000; or
   * OMEMO_NEVER.
   */
  uint32_t silent_after;
  /**
   * The most messages that wait for acknowledgement. 0: 1,000.
   */
  uint64_t inbox_messages;
  /**
   * The most bytes of them. 0: 16 MiB.
   */
  uint64_t inbox_bytes;
  /**
   * How long they wait, in milliseconds. 0: 30 days.
   */
  uint64_t inbox_age_ms;
  /**
   * How old a signed pre-key becomes, in milliseconds. 0: a week.
   */
  uint64_t signed_pre_key_lifetime_ms;
  /**
   * How long the answer to a request is waited for, in milliseconds. 0: a minute.
   */
  uint64_t request_timeout_ms;
  /**
   * How old the device list of a contact without a subscription becomes before a message asks for it
   * again, in milliseconds. 0: an hour.
   */
  uint64_t list_age_ms;
  /**
   * The markers that were kept: see `omemo_account_next_incarnation`. As long as there are none:
   * OMEMO_OPTION_KEEPS_INCARNATIONS.
   */
  const omemo_incarnation *incarnations;
  /**
   * The number of `incarnations`.
   */
  size_t incarnation_count;
  /**
   * Says what is thought of a new key: returns an omemo_trust. For OMEMO_TRUST_POLICY_CUSTOM alone. It is
   * called from whatever thread uses the handle, and must not call the library.
   */
  uint32_t (*decide_trust)(void *user_data, const omemo_new_key *key);
  /**
   * For `decide_trust`. Must be there as long as any reference to the client or to its account.
   */
  void *decide_trust_data;
  /**
   * How long a message waits for device lists and bundles, in milliseconds; then it goes out with what is
   * there, or is refused. 0: three minutes.
   */
  uint64_t patience_ms;
  /**
   * How long a message waits for decisions about keys, in milliseconds; then it goes out without their
   * devices, or is refused. 0: until somebody decides.
   */
  uint64_t decision_patience_ms;
  /**
   * The most bytes of a stanza, which servers limit. 0: 256 KiB; or SIZE_MAX.
   */
  size_t stanza_limit;
  /**
   * An omemo_room_policy.
   */
  uint32_t rooms;
  /**
   * The elements that the application takes from beside a legacy message though nobody has authenticated them,
   * besides those that `omemo_content_reveal` names: written as `{jabber:x:oob}x`.
   */
  const char *const *kept_beside;
  /**
   * The number of `kept_beside`.
   */
  size_t kept_beside_count;
} omemo_options;

/**
 * What is known of a device in one version.
 */
typedef struct {
  /**
   * What its user calls it; NULL if nothing. Signed with the identity that the device has shown.
   */
  const char *label;
  /**
   * When it came to the account's list, or left it; 0 if never.
   */
  uint64_t listed_changed_ms;
  /**
   * The number of sessions, old ones among them.
   */
  uint32_t sessions;
  /**
   * 1 if it is on the list.
   */
  uint8_t is_listed;
  /**
   * 1 if it is known to read this version.
   */
  uint8_t speaks;
  /**
   * 1 if there is a session that can be sent on.
   */
  uint8_t has_session;
} omemo_device_version;

/**
 * What is known of a device. Later versions of the library may add fields at the end.
 */
typedef struct {
  /**
   * Its id.
   */
  uint32_t id;
  /**
   * 1 if its identity key was seen.
   */
  uint8_t has_fingerprint;
  /**
   * Its identity key; zeros if it was not seen.
   */
  omemo_fingerprint fingerprint;
  /**
   * When it was seen first, in milliseconds since 1970.
   */
  uint64_t first_seen_ms;
  /**
   * When something from it was decrypted last, to the hour; 0 if never.
   */
  uint64_t heard_ms;
  /**
   * What is known of it in the legacy version.
   */
  omemo_device_version legacy;
  /**
   * What is known of it in OMEMO 2.
   */
  omemo_device_version omemo2;
} omemo_device;

/**
 * What is known of a conversation. Later versions of the library may add fields at the end.
 */
typedef struct {
  /**
   * An omemo_conversation_state.
   */
  uint32_t state;
  /**
   * Opted out: 1 if this side has.
   */
  uint8_t is_ours;
  /**
   * Opted out: what was given as the reason; NULL if nothing.
   */
  const char *reason;
  /**
   * Encrypted: since when. Opted out: when. In milliseconds since 1970.
   */
  uint64_t since_ms;
  /**
   * Encrypted: the last encrypted message, to the hour.
   */
  uint64_t last_ms;
} omemo_conversation;

/**
 * Names a message that was delivered: the same each time that the same message is handed out. May be
 * stored.
 */
typedef struct {
  /**
   * The bytes.
   */
  uint8_t bytes[16];
} omemo_message_id;

/**
 * An occupant of a room.
 */
typedef struct {
  /**
   * The nickname, in UTF-8; ends with a zero byte.
   */
  const char *nick;
  /**
   * Whose it is; ends with a zero byte.
   */
  const char *jid;
} omemo_occupant;

/**
 * A message that was read. Later versions of the library may add fields at the end.
 */
typedef struct {
  /**
   * The device that wrote it.
   */
  uint32_t device;
  /**
   * The version in which it was read: an omemo_protocol.
   */
  uint32_t protocol;
  /**
   * The identity key of the device.
   */
  omemo_fingerprint fingerprint;
  /**
   * What is thought of the key: an omemo_trust.
   */
  uint32_t trust;
  /**
   * An omemo_listing.
   */
  uint32_t listing;
  /**
   * An omemo_origin.
   */
  uint32_t origin;
  /**
   * When it was sent, for sorting: as the archive says, or the envelope, or a server that has kept it; 0 if nobody
   * does. Not all of these are authenticated.
   */
  uint64_t sent_at_ms;
  /**
   * 1 if the key was not known before.
   */
  uint8_t is_new_key;
  /**
   * 1 if it may be an old message that somebody repeats.
   */
  uint8_t is_pre_key_reused;
  /**
   * 1 if the stanza had another text for devices that read the other version.
   */
  uint8_t has_other_text;
  /**
   * 1 if it was handed out before.
   */
  uint8_t is_again;
  /**
   * When it was sent, as its sender says in the envelope; 0 if nobody does. `sent_at_ms` is authenticated if it is
   * the same.
   */
  uint64_t written_at_ms;
} omemo_delivery;

/**
 * A request. Later versions of the library may add fields at the end, as to all structs that it makes and points
 * to; not to those that stand inside another or in an array.
 */
typedef struct {
  /**
   * For `omemo_client_answer`.
   */
  uint64_t id;
  /**
   * The same as text: the id of the `<iq/>`, for those who write their own.
   */
  const char *iq_id;
  /**
   * Who is asked; NULL: the account's own server.
   */
  const char *to;
  /**
   * 1 for an `<iq/>` of the type `set`, 0 for `get`.
   */
  uint8_t is_set;
  /**
   * The element in the `<iq/>`.
   */
  const char *payload;
  /**
   * The bytes of `payload`.
   */
  size_t payload_len;
} omemo_request;

/**
 * A message that could not be read.
 */
typedef struct {
  /**
   * An omemo_undecryptable_kind.
   */
  uint32_t kind;
  /**
   * How it came: an omemo_origin.
   */
  uint32_t origin;
  /**
   * The same as `kind` in English.
   */
  const char *reason;
  /**
   * The device that says it sent it; 0 if that is not known.
   */
  uint32_t device;
  /**
   * The version: an omemo_protocol; 0 if that is not known.
   */
  uint32_t protocol;
  /**
   * 1 if the same stanza may be read later, when something else has come.
   */
  uint8_t may_be_read_later;
} omemo_undecryptable;

/**
 * Something that the user may want to know. Later versions of the library may add fields at the end.
 */
typedef struct {
  /**
   * An omemo_notice_kind, which says what else is there.
   */
  uint32_t kind;
  /**
   * A device, or 0.
   */
  uint32_t device;
  /**
   * An address, or NULL.
   */
  const char *jid;
  /**
   * The name of a node, or NULL.
   */
  const char *text;
  /**
   * What was given as the reason, or NULL.
   */
  const char *reason;
  /**
   * What is to be known, in English, without names and numbers.
   */
  const char *message;
  /**
   * A number, or 0.
   */
  uint64_t count;
} omemo_notice;

/**
 * A member of a room who gets nothing of a message.
 */
typedef struct {
  /**
   * Who.
   */
  const char *jid;
  /**
   * Why: an omemo_absence.
   */
  uint32_t why;
  /**
   * The same in English.
   */
  const char *reason;
} omemo_left_out;

/**
 * A device list that could not be looked up: there may be devices that the report does not name.
 */
typedef struct {
  /**
   * Whose it is.
   */
  const char *jid;
  /**
   * The version for which it announces devices: an omemo_protocol.
   */
  uint32_t protocol;
  /**
   * 1 if an older list is known, and was used.
   */
  uint8_t is_known;
  /**
   * Why it could not be looked up, in English.
   */
  const char *reason;
} omemo_list_report;

/**
 * A key that somebody has to decide about.
 */
typedef struct {
  /**
   * Whose it is.
   */
  const char *jid;
  /**
   * A device that shows it.
   */
  uint32_t device;
  /**
   * The key.
   */
  omemo_fingerprint fingerprint;
} omemo_undecided_key;

/**
 * A device that shows another identity key than before.
 */
typedef struct {
  /**
   * Whose device it is.
   */
  const char *jid;
  /**
   * Its id.
   */
  uint32_t device;
  /**
   * The key that it has shown before.
   */
  omemo_fingerprint known;
  /**
   * The key in the bundle that its server has for it now.
   */
  omemo_fingerprint shown;
} omemo_changed_identity;

/**
 * An element in the stanza of a legacy message that names another message. Nobody has authenticated it. Apply it
 * only to a message of the same `omemo_action_sender`, in the same conversation: else a server lets anybody correct
 * what somebody else has written. A reply to a message of somebody else is to be shown as what the server says.
 */
typedef struct {
  /**
   * An omemo_mark_kind.
   */
  uint32_t kind;
  /**
   * The id of the other message; NULL if the element has none.
   */
  const char *id;
} omemo_mark;

/**
 * One entry of a device list. Later versions of the library may add fields at the end.
 */
typedef struct {
  /**
   * Its id.
   */
  uint32_t id;
  /**
   * What it says that its user calls it, whose signature is *not* verified; NULL if nothing. What is
   * verified is in omemo_device_version.
   */
  const char *label;
} omemo_listed_device;

/**
 * What a device list has changed. Later versions of the library may add fields at the end.
 */
typedef struct {
  /**
   * Devices that were not on it before; NULL if there are none, as for the others.
   */
  const uint32_t *added;
  /**
   * The number of `added`.
   */
  size_t added_count;
  /**
   * Devices that have left it.
   */
  const uint32_t *removed;
  /**
   * The number of `removed`.
   */
  size_t removed_count;
  /**
   * Devices that are announced for an older version only, and have spoken a newer one.
   */
  const uint32_t *downgraded;
  /**
   * The number of `downgraded`.
   */
  size_t downgraded_count;
  /**
   * 1 if it is the account's own list and lacks this device: publish it with it, at `announce_at_ms`.
   */
  uint8_t is_to_announce;
  /**
   * When. At once, and later and later if somebody takes the device off the list again and again.
   */
  uint64_t announce_at_ms;
} omemo_list_change;

/**
 * A device of somebody, in one version.
 */
typedef struct {
  /**
   * Whose device it is; ends with a zero byte.
   */
  const char *jid;
  /**
   * Its id.
   */
  uint32_t device;
  /**
   * The version that is spoken with it: an omemo_protocol.
   */
  uint32_t protocol;
} omemo_peer;

/**
 * What came of asking for a bundle.
 */
typedef struct {
  /**
   * Whose it is.
   */
  omemo_peer peer;
  /**
   * The bundle. NULL: there is none, or nobody answered.
   */
  const omemo_bundle *bundle;
  /**
   * Not 0, and `bundle` NULL: there is something that is no bundle.
   */
  uint8_t is_broken;
} omemo_fetched_bundle;

/**
 * What is to be sent. Set all of it to zero, then `struct_size` and what there is.
 */
typedef struct {
  /**
   * sizeof (omemo_outgoing).
   */
  size_t struct_size;
  /**
   * The accounts that are to read it; in a room, all that may. The account itself need not be among
   * them: its other devices always are.
   */
  const char *const *recipients;
  /**
   * The number of `recipients`.
   */
  size_t recipient_count;
  /**
   * What a legacy element is to contain: the text of the body (`omemo_plain_payload`). NULL: that version
   * is not used.
   */
  const uint8_t *legacy;
  /**
   * The bytes of `legacy`.
   */
  size_t legacy_len;
  /**
   * What an element of OMEMO 2 is to contain: an envelope (`omemo_plain_payload`). NULL: that version is
   * not used.
   */
  const uint8_t *omemo2;
  /**
   * The bytes of `omemo2`.
   */
  size_t omemo2_len;
  /**
   * The bundles that were fetched for it: see `omemo_account_missing`.
   */
  const omemo_fetched_bundle *bundles;
  /**
   * The number of `bundles`.
   */
  size_t bundle_count;
} omemo_outgoing;

/**
 * An `<encrypted/>` element without its keys. Later versions of the library may add fields at the end.
 */
typedef struct {
  /**
   * The version: an omemo_protocol.
   */
  uint32_t protocol;
  /**
   * The device that says it sent it.
   */
  uint32_t sender_device;
  /**
   * The nonce of a legacy payload; NULL if there is none.
   */
  const uint8_t *iv;
  /**
   * The bytes of `iv`.
   */
  size_t iv_len;
  /**
   * The encrypted payload; NULL if there is none: an empty message carries keys only.
   */
  const uint8_t *payload;
  /**
   * The bytes of `payload`.
   */
  size_t payload_len;
  /**
   * The number of its keys: of what was read, those for this device.
   */
  size_t key_count;
} omemo_element;

/**
 * A key message for a device of a recipient. Later versions of the library may add fields at the end.
 */
typedef struct {
  /**
   * Whose device it is for.
   */
  const char *jid;
  /**
   * The device.
   */
  uint32_t device;
  /**
   * 1 if it is a key exchange: the attribute `prekey` or `kex`.
   */
  uint8_t is_key_exchange;
  /**
   * The bytes, before base64.
   */
  const uint8_t *bytes;
  /**
   * The number of `bytes`.
   */
  size_t bytes_len;
} omemo_recipient_key;

/**
 * An empty message that is owed. Later versions of the library may add fields at the end.
 */
typedef struct {
  /**
   * The device that waits for it.
   */
  omemo_peer peer;
  /**
   * Since when, in milliseconds since 1970.
   */
  uint64_t since_ms;
  /**
   * 1 if it is a heartbeat: without it the other side's keys never change.
   */
  uint8_t is_heartbeat;
} omemo_due_answer;

/**
 * A key of a stanza for any device, as it is written. Later versions of the library may add fields at the end.
 */
typedef struct {
  /**
   * The version of its `<encrypted/>` element: an omemo_protocol.
   */
  uint32_t protocol;
  /**
   * The device that says it sent it.
   */
  uint32_t sender_device;
  /**
   * The account whose device it is for; NULL in legacy, which does not say.
   */
  const char *jid;
  /**
   * The device that it is for.
   */
  uint32_t device;
  /**
   * 1 if the sender says that it is a key exchange: the attribute `prekey` or `kex`.
   */
  uint8_t is_key_exchange;
  /**
   * Its base64, which was not looked at.
   */
  const char *text;
} omemo_listed_key;

/**
 * A stanza that is to be decrypted. Set all of it to zero, then `struct_size`, `senders` and `stanza`.
 */
typedef struct {
  /**
   * sizeof (omemo_incoming).
   */
  size_t struct_size;
  /**
   * Who sent it: the real account, also in a room. Several, where it is not known who: all who may have. A
   * nickname says who it was in a message that has just come, without a `<delay/>`, and not in a room's
   * history or archive.
   */
  const char *const *senders;
  /**
   * The number of `senders`: 1, as a rule.
   */
  size_t sender_count;
  /**
   * What was read of it.
   */
  const omemo_stanza *stanza;
  /**
   * What else you need of it: kept with the message, and handed out with it. NULL: nothing.
   */
  const uint8_t *attached;
  /**
   * The bytes of `attached`.
   */
  size_t attached_len;
  /**
   * How it came: an omemo_arrival. 0: OMEMO_ARRIVAL_LIVE.
   */
  uint32_t arrival;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * For OMEMO_ARRIVAL_ARCHIVED: the catch-up that it belongs to.
   */
  uint64_t catch_up;
  /**
   * Of several senders: what came of asking for the bundles that `omemo_account_bundles_to_tell` has named. Leave
   * out what nobody could be asked for.
   */
  const omemo_fetched_bundle *bundles;
  /**
   * The number of `bundles`.
   */
  size_t bundle_count;
  /**
   * An omemo_evidence. 0: OMEMO_EVIDENCE_ACCOUNT for one sender, OMEMO_EVIDENCE_CANDIDATES for several.
   */
  uint32_t evidence;
} omemo_incoming;

/**
 * A message that came inside another. Anybody can send such a thing: it means something only if `from` is
 * who may make copies (the own bare address, or NULL), or the archive that was asked. Later versions of the
 * library may add fields at the end.
 */
typedef struct {
  /**
   * The attribute `from` of the message around it; NULL if there is none.
   */
  const char *from;
  /**
   * An omemo_forward_reason.
   */
  uint32_t reason;
  /**
   * Which query of an archive it answers; NULL if it does not say.
   */
  const char *query_id;
  /**
   * The archive's id of the message; NULL if it does not say.
   */
  const char *archive_id;
  /**
   * When it is said to have been sent, in milliseconds since 1970; 0 if that is not said.
   */
  uint64_t sent_at_ms;
  /**
   * The message, as XML that stands on its own.
   */
  const char *message;
  /**
   * The bytes of `message`, without the zero.
   */
  size_t message_len;
  /**
   * The namespace of the archive's protocol, such as "urn:xmpp:mam:2" (XEP-0313); NULL if it is from no
   * archive.
   */
  const char *archive_namespace;
} omemo_forwarded;

/**
 * Takes the next bytes of a file, all of them. Returns 0, or anything else if they could not be written. It is
 * called during `*_update` and `*_finish`, and must not call the library.
 */
typedef int32_t (*omemo_file_sink)(void *user_data, const uint8_t *bytes, size_t len);

/**
 * What is to be told about a file that was encrypted. Later versions of the library may add fields at the end
 * (`omemo_file_encryptor_finish` is told how many there are).
 */
typedef struct {
  /**
   * sizeof (omemo_encrypted_file), before the call.
   */
  size_t struct_size;
  /**
   * The key: an object that is yours to free.
   */
  omemo_file_key *key;
  /**
   * The length of the plaintext, in bytes.
   */
  uint64_t size;
  /**
   * The SHA-256 of the plaintext.
   */
  uint8_t sha256[32];
} omemo_encrypted_file;

/**
 * What a message says about the plaintext of a file. Set all of it to zero, then `struct_size` and what is
 * known.
 */
typedef struct {
  /**
   * sizeof (omemo_file_claim).
   */
  size_t struct_size;
  /**
   * Its hash; NULL if none is told. OMEMO_CIPHER_AES_256_CBC is not decrypted without one.
   */
  const uint8_t *hash;
  /**
   * The bytes of `hash`.
   */
  size_t hash_len;
  /**
   * The name of the hash's function, as XEP-0300 has it; NULL if there is none. A hash of another than
   * "sha-256" and "sha-512" is none.
   */
  const char *hash_algorithm;
  /**
   * Not 0 if `size` is known.
   */
  uint64_t has_size;
  /**
   * Its length in bytes. What is longer is cut off (XEP-0448 §3.2).
   */
  uint64_t size;
} omemo_file_claim;

/**
 * A place from which a file can be fetched.
 */
typedef struct {
  /**
   * Where the ciphertext is.
   */
  const char *url;
  /**
   * Its key.
   */
  const omemo_file_key *key;
} omemo_file_source;

/**
 * A file that a message shares, and where it is: encrypted, with ciphers that are known here. Nothing of it is
 * checked: a name may be that of another folder. Where it goes in: set all of it to zero, then `struct_size`
 * and what is known.
 */
typedef struct {
  /**
   * sizeof (omemo_shared_file).
   */
  size_t struct_size;
  /**
   * Where the ciphertext is, the first place of all; NULL if no source can be read.
   */
  const char *url;
  /**
   * Its key; NULL if no source can be read.
   */
  const omemo_file_key *key;
  /**
   * The media type; NULL if it is not known.
   */
  const char *media_type;
  /**
   * The name; NULL if it is not known.
   */
  const char *name;
  /**
   * Words about it; NULL if there are none.
   */
  const char *description;
  /**
   * The id by which later sources refer to it; NULL if it has none.
   */
  const char *id;
  /**
   * The length of the plaintext, in bytes.
   */
  uint64_t size;
  /**
   * The name of the function of `hash`, as "sha-256"; NULL if there is no hash.
   */
  const char *hash_algorithm;
  /**
   * A hash of the plaintext.
   */
  const uint8_t *hash;
  /**
   * The bytes of `hash`.
   */
  size_t hash_len;
  /**
   * The width in pixels; 0 if it is not known.
   */
  uint32_t width;
  /**
   * The height in pixels; 0 if it is not known.
   */
  uint32_t height;
  /**
   * An omemo_file_disposition; 0 if it is not said.
   */
  uint32_t disposition;
  /**
   * Not 0 if `size` is known.
   */
  uint32_t has_size;
  /**
   * Where it is besides, for when the first place has it no more.
   */
  const omemo_file_source *others;
  /**
   * The number of `others`.
   */
  size_t other_count;
} omemo_shared_file;

/**
 * A device and its fingerprint.
 */
typedef struct {
  /**
   * The device.
   */
  uint32_t device;
  /**
   * Its identity key.
   */
  omemo_fingerprint fingerprint;
} omemo_device_fingerprint;

/**
 * How trust messages call a key: by its fingerprint, or by its Ed25519 form.
 */
typedef struct {
  /**
   * The bytes.
   */
  uint8_t bytes[32];
} omemo_key_id;

/**
 * An account's own side of a version. Later versions of the library may add fields at the end.
 */
typedef struct {
  /**
   * The version: an omemo_protocol.
   */
  uint32_t protocol;
  /**
   * Whether the server has the bundle: an omemo_bundle_state.
   */
  uint32_t bundle;
  /**
   * The number of pre-keys in the bundle.
   */
  size_t offered;
  /**
   * The number of pre-keys that were used, and are kept until a catch-up ends.
   */
  size_t used;
  /**
   * When the first of those was used; 0 if there is none. All times are in milliseconds since 1970.
   */
  uint64_t oldest_used_ms;
  /**
   * The id of the signed pre-key of the bundle.
   */
  uint32_t signed_pre_key;
  /**
   * How often this device was missing from its list since it last stayed there.
   */
  uint32_t put_back;
  /**
   * When the signed pre-key was made.
   */
  uint64_t signed_pre_key_created_ms;
  /**
   * The number of those before it that are kept for messages on their way.
   */
  size_t old_signed_pre_keys;
  /**
   * When the device list with this device on it was published last; 0 if never.
   */
  uint64_t announced_ms;
} omemo_version_survey;

/**
 * What waits for somebody who acknowledges messages. Later versions of the library may add fields at the end.
 */
typedef struct {
  /**
   * The name.
   */
  const char *name;
  /**
   * The number of messages.
   */
  size_t messages;
  /**
   * The sum of their texts, in bytes.
   */
  uint64_t bytes;
  /**
   * When the oldest was read; 0 if there is none.
   */
  uint64_t oldest_ms;
} omemo_consumer_survey;

/**
 * What there is between this device and another, in one version. Later versions of the library may add fields
 * at the end.
 */
typedef struct {
  /**
   * The other device.
   */
  omemo_peer peer;
  /**
   * The number of sessions: `omemo_peer_surveys_session`.
   */
  size_t session_count;
  /**
   * Since when an empty message is owed; 0 if none is. All times are in milliseconds since 1970.
   */
  uint64_t owed_since_ms;
  /**
   * The number of different messages that could not be read since the last that could. No more are counted
   * than a repair asks for.
   */
  size_t failed;
  /**
   * No repair before this; 0 if none was.
   */
  uint64_t no_repair_before_ms;
  /**
   * How often a broken session was replaced.
   */
  uint32_t repairs;
  /**
   * 1 if a message came for which there was no session.
   */
  uint8_t no_session;
} omemo_peer_survey;

/**
 * A session, as far as it is not secret. Later versions of the library may add fields at the end.
 */
typedef struct {
  /**
   * Its number: each new one of a device and version has the next.
   */
  uint32_t number;
  /**
   * What it is used for: an omemo_session_state.
   */
  uint32_t state;
  /**
   * When it was started.
   */
  uint64_t created_ms;
  /**
   * When it was replaced, for OMEMO_SESSION_OLD; else 0.
   */
  uint64_t replaced_ms;
  /**
   * The number of messages that were sent since the other side was heard last.
   */
  uint32_t sent;
  /**
   * The number of receiving chains so far: it grows each time that the other side answers.
   */
  uint32_t receiving_steps;
  /**
   * The number of keys that wait for messages that were skipped.
   */
  uint32_t skipped;
  /**
   * 1 if this side started it.
   */
  uint8_t is_initiated;
  /**
   * 1 if the other side has sent anything on it.
   */
  uint8_t is_answered;
} omemo_session_survey;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the library, as "0.2.0". The text is there as long as the library is.
 *
 * Threads: any.
 */
const char *omemo_version(void);

/**
 * The status that the function has returned, too. OMEMO_OK if `error` is NULL.
 */
omemo_status omemo_error_status(const omemo_error *error);

/**
 * What makes sense now: an omemo_remedy. OMEMO_REMEDY_FIX if `error` is NULL.
 */
omemo_remedy omemo_error_remedy(const omemo_error *error);

/**
 * Where it failed: "argument", "library", "random", "store", "account", "stanza", "encryption" or "file".
 * There as long as the library is; NULL if `error` is NULL.
 */
const char *omemo_error_stage(const omemo_error *error);

/**
 * What happened, in English. There as long as `error` is; NULL if that is NULL.
 */
const char *omemo_error_message(const omemo_error *error);

/**
 * Why a message may not go out, for OMEMO_ERROR_REFUSED. There as long as `error` is; else NULL.
 */
const omemo_refusal *omemo_error_refusal(const omemo_error *error);

/**
 * How many devices it concerns: those of the report, for OMEMO_ERROR_REFUSED; one, for OMEMO_ERROR_GAP.
 */
size_t omemo_error_device_count(const omemo_error *error);

/**
 * A device that it concerns, and why; NULL if there are not so many. There as long as `error` is.
 */
const omemo_device_report *omemo_error_device(const omemo_error *error, size_t index);

/**
 * Frees an error; nothing happens if it is NULL.
 */
void omemo_error_free(omemo_error *error);

/**
 * Frees text that the library has made, and overwrites it before. Nothing happens if it is NULL.
 * Only for text that a function says is yours to free with it.
 *
 * Threads: any.
 */
void omemo_string_free(char *text);

/**
 * Frees bytes that the library has made, and overwrites them before. Nothing happens if it is NULL.
 * Only for bytes that a function says are yours to free with it.
 *
 * Threads: any.
 */
void omemo_bytes_free(uint8_t *bytes);

/**
 * How many texts there are; 0 if `strings` is NULL.
 */
size_t omemo_strings_count(const omemo_strings *strings);

/**
 * One of the texts; NULL if there are not so many. There as long as `strings` is.
 */
const char *omemo_strings_get(const omemo_strings *strings, size_t index);

/**
 * Frees a list of texts; nothing happens if it is NULL.
 */
void omemo_strings_free(omemo_strings *strings);

/**
 * A store in memory: gone with the process. For tests, and as a mirror of a database of your own.
 *
 * `store` gets a reference, which is yours.
 */
omemo_status omemo_store_open_memory(omemo_store **store, omemo_error **error);

/**
 * A store in an SQLite file, which is made if it does not exist; its folder must. Any number of
 * processes may use it at the same time. After a fork, the child must open it again. What is in it is
 * not encrypted: see `omemo_store_seal`.
 *
 * `path` ends with a zero byte, in UTF-8. `options` may be NULL. `store` gets a reference, which is
 * yours. Errors: OMEMO_ERROR_STORE_...; OMEMO_ERROR_UNSUPPORTED.
 */
omemo_status omemo_store_open_sqlite(const char *path,
                                     const omemo_sqlite_options *options,
                                     omemo_store **store,
                                     omemo_error **error);

/**
 * The same for a file that exists, to look at it: whoever wants to store something is told
 * OMEMO_ERROR_STORE_READ_ONLY, and the file stays as it is. An account can only be opened in it if nothing is
 * due to be stored.
 *
 * `path` ends with a zero byte, in UTF-8. `store` gets a reference, which is yours. Errors:
 * OMEMO_ERROR_STORE_NO_FILE and other OMEMO_ERROR_STORE_...; OMEMO_ERROR_UNSUPPORTED.
 */
omemo_status omemo_store_open_sqlite_read_only(const char *path,
                                               omemo_store **store,
                                               omemo_error **error);

/**
 * A store that encrypts what it keeps in another one, names and all. If the other is empty, it is sealed
 * with this key; if not, it must have been sealed with it. Accounts are opened through nothing else
 * then; `omemo_store_check` and `omemo_store_checkpoint` take the one below. The key is copied: wipe yours.
 *
 * `sealed` gets a reference, which is yours; it keeps one to `store`. Errors:
 * OMEMO_ERROR_STORE_WRONG_KEY, OMEMO_ERROR_STORE_NOT_SEALED, those of the other store.
 */
omemo_status omemo_store_seal(const omemo_store *store,
                              const omemo_seal_key *key,
                              omemo_store **sealed,
                              omemo_error **error);

/**
 * Makes another key, or passphrase, the one that opens a sealed store. Nothing else is written again.
 * Handles that are open stay good.
 *
 * Errors: OMEMO_ERROR_VALUE if the store was not made by `omemo_store_seal`; OMEMO_ERROR_STORE_...: the
 * old key is the right one then.
 */
omemo_status omemo_store_change_key(omemo_store *sealed,
                                    const omemo_seal_key *key,
                                    omemo_error **error);

/**
 * Empties the `-wal` file of an SQLite store, so that old contents are gone from the disk as far as files
 * go. Done by itself from time to time; worth a call after something was forgotten.
 *
 * Errors: OMEMO_ERROR_VALUE if it is no store in a file; OMEMO_ERROR_STORE_BUSY if somebody uses it: it is
 * done later then.
 */
omemo_status omemo_store_checkpoint(omemo_store *store,
                                    omemo_error **error);

/**
 * Reads a whole SQLite store and says whether it is sound. Takes time.
 *
 * Errors: OMEMO_ERROR_STORE_CORRUPT if it is not; OMEMO_ERROR_VALUE if it is no store in a file.
 */
omemo_status omemo_store_check(omemo_store *store, omemo_error **error);

/**
 * The addresses of the accounts in a store. `accounts` gets a list that is yours to free.
 */
omemo_status omemo_store_accounts(const omemo_store *store,
                                  omemo_strings **accounts,
                                  omemo_error **error);

/**
 * Another reference to the same store, which is returned. NULL if `store` is.
 */
omemo_store *omemo_store_ref(omemo_store *store);

/**
 * Gives a reference back; the store is closed with the last of them. Nothing happens if it is NULL.
 */
void omemo_store_unref(omemo_store *store);

/**
 * A store of your own. `callbacks` is copied; all but `destroy` and the last two must be there, and of those both
 * or none. `user_data` is given to each
 * of them; it is yours until `destroy` was called with it, which does not happen if this fails.
 *
 * `store` gets a reference, which is yours.
 */
omemo_status omemo_store_open_callbacks(const omemo_store_callbacks *callbacks,
                                        void *user_data,
                                        omemo_store **store,
                                        omemo_error **error);

/**
 * Says what the value of a record is; it is copied. For `get` of a store of your own, once. Returns
 * OMEMO_OK, OMEMO_ERROR_NULL or OMEMO_ERROR_VALUE; then `get` fails, too.
 */
omemo_status omemo_store_sink_value(omemo_store_sink *sink, const uint8_t *value, size_t value_len);

/**
 * Gives a record that was found; all of it is copied. For `scan` of a store of your own, in the order of
 * the records. The table of `key` is not looked at. Returns OMEMO_OK, OMEMO_ERROR_NULL or
 * OMEMO_ERROR_VALUE; then `scan` fails, too.
 */
omemo_status omemo_store_sink_record(omemo_store_sink *sink,
                                     const omemo_store_key *key,
                                     const uint8_t *value,
                                     size_t value_len);

/**
 * The account of an address, with or without a resource, prepared (RFC 6122) as all addresses are that the library
 * hands out: two spellings of one account are the same bytes then.
 *
 * `bare` gets text that is yours to free with `omemo_string_free`. Errors: OMEMO_ERROR_JID. Threads: any.
 */
omemo_status omemo_jid_bare(const char *jid,
                            char **bare,
                            omemo_error **error);

/**
 * Writes a fingerprint as people compare it: eight groups of eight lower-case hexadecimal digits. `text`
 * has room for OMEMO_FINGERPRINT_SIZE bytes.
 *
 * Errors: OMEMO_ERROR_NULL. Threads: any.
 */
omemo_status omemo_fingerprint_format(const omemo_fingerprint *fingerprint,
                                      char *text,
                                      omemo_error **error);

/**
 * Reads a fingerprint as clients show it: 64 hexadecimal digits of either case, with white space, `-` or `:`
 * anywhere, or 66 that begin with 05.
 *
 * Errors: OMEMO_ERROR_FINGERPRINT. Threads: any.
 */
omemo_status omemo_fingerprint_parse(const char *text,
                                     omemo_fingerprint *fingerprint,
                                     omemo_error **error);

/**
 * The keys of an account that are known, and what is thought of them. `keys` gets a list that is yours to
 * free.
 */
omemo_status omemo_account_keys(const omemo_account *account,
                                const char *jid,
                                omemo_keys **keys,
                                omemo_error **error);

/**
 * How many keys there are; 0 if `keys` is NULL.
 */
size_t omemo_keys_count(const omemo_keys *keys);

/**
 * One of the keys; NULL if there are not so many. There as long as `keys` is.
 */
const omemo_key *omemo_keys_get(const omemo_keys *keys, size_t index);

/**
 * Frees a list of keys; nothing happens if it is NULL.
 */
void omemo_keys_free(omemo_keys *keys);

/**
 * What is thought of a key: `trust` gets an omemo_trust, OMEMO_TRUST_UNDECIDED if it was never seen.
 */
omemo_status omemo_account_trust(const omemo_account *account,
                                 const char *jid,
                                 const omemo_fingerprint *fingerprint,
                                 uint32_t *trust,
                                 omemo_error **error);

/**
 * Says what the user thinks of a key: an omemo_trust. It may be one that was not seen yet, as when its
 * fingerprint was scanned. With a client, `omemo_client_decide` does the same, and lets messages go on that
 * wait for it.
 */
omemo_status omemo_account_set_trust(omemo_account *account,
                                     const char *jid,
                                     const omemo_fingerprint *fingerprint,
                                     uint32_t trust,
                                     uint64_t now_ms,
                                     omemo_error **error);

/**
 * Opens the account of an address in a store, or makes it there. For a client that keeps its own XML and
 * traffic; others use `omemo_client_open`, which does this, too.
 *
 * `account` gets a reference, which is yours; it keeps one to the store. `options` is copied. `now_ms` is
 * the time in milliseconds since 1970, here and everywhere.
 */
omemo_status omemo_account_open(omemo_store *store,
                                const char *jid,
                                const omemo_options *options,
                                uint64_t now_ms,
                                omemo_account **account,
                                omemo_error **error);

/**
 * Another reference to the same account, which is returned. NULL if `account` is. Does not wait.
 */
omemo_account *omemo_account_ref(omemo_account *account);

/**
 * Gives a reference back; nothing happens if it is NULL.
 */
void omemo_account_unref(omemo_account *account);

/**
 * The address. `jid` gets text that is yours to free with `omemo_string_free`. Does not wait.
 */
omemo_status omemo_account_jid(const omemo_account *account, char **jid, omemo_error **error);

/**
 * This device's id, the same in both versions. It changes at most once, before the device was first
 * announced, if another device of the account has it. Does not wait.
 */
omemo_status omemo_account_device(const omemo_account *account,
                                  uint32_t *device,
                                  omemo_error **error);

/**
 * This device's fingerprint, the same in both versions. Does not wait.
 */
omemo_status omemo_account_fingerprint(const omemo_account *account,
                                       omemo_fingerprint *fingerprint,
                                       omemo_error **error);

/**
 * How the account was opened: `opening` gets an omemo_opening. Does not wait.
 */
omemo_status omemo_account_opening(const omemo_account *account,
                                   uint32_t *opening,
                                   omemo_error **error);

/**
 * When the account was made, in milliseconds since 1970. Does not wait.
 */
omemo_status omemo_account_created(const omemo_account *account,
                                   uint64_t *created_ms,
                                   omemo_error **error);

/**
 * The devices of an account that are known, those that have left its lists among them; of the own account
 * the others. `devices` gets a list that is yours to free.
 */
omemo_status omemo_account_devices(const omemo_account *account,
                                   const char *jid,
                                   omemo_devices **devices,
                                   omemo_error **error);

/**
 * How many devices there are; 0 if `devices` is NULL.
 */
size_t omemo_devices_count(const omemo_devices *devices);

/**
 * One of the devices; NULL if there are not so many. There as long as `devices` is.
 */
const omemo_device *omemo_devices_get(const omemo_devices *devices, size_t index);

/**
 * Frees a list of devices; nothing happens if it is NULL.
 */
void omemo_devices_free(omemo_devices *devices);

/**
 * Says that a device can read a version (an omemo_protocol), as an application may know.
 */
omemo_status omemo_account_set_speaks(omemo_account *account,
                                      const char *jid,
                                      uint32_t device,
                                      uint32_t protocol,
                                      uint64_t now_ms,
                                      omemo_error **error);

/**
 * Takes devices off the account's own lists: nothing is encrypted for them from now on. The lists are to be
 * published after it; `omemo_client_remove_own_devices` does both.
 */
omemo_status omemo_account_remove_own_devices(omemo_account *account,
                                              const uint32_t *devices,
                                              size_t count,
                                              uint64_t now_ms,
                                              omemo_error **error);

/**
 * Forgets the identity key and the sessions of a device that the user knows to have been set up anew under
 * its old id: the next key that it shows is a new one. What is thought of the old key stays.
 */
omemo_status omemo_account_forget_device(omemo_account *account,
                                         const char *jid,
                                         uint32_t device,
                                         omemo_error **error);

/**
 * Names this device for the user's other clients: at most 52 characters of one line. NULL: no name. Others
 * see it, so it should not be the name of a machine. Not a text of exactly 32 or 33 bytes, which would be signed
 * as keys are, and none with characters that are not seen or turn the direction. The list is to be published after it;
 * `omemo_client_set_label` does both.
 *
 * Errors: OMEMO_ERROR_ACCOUNT_LABEL.
 */
omemo_status omemo_account_set_label(omemo_account *account,
                                     const char *label,
                                     omemo_error **error);

/**
 * Whether a conversation is encrypted. `conversation` gets a struct that is yours to free.
 */
omemo_status omemo_account_conversation(const omemo_account *account,
                                        const char *jid,
                                        omemo_conversation **conversation,
                                        omemo_error **error);

/**
 * Frees what is known of a conversation; nothing happens if it is NULL.
 */
void omemo_conversation_free(omemo_conversation *conversation);

/**
 * Says that one side ends encryption: this one (`is_ours` is not 0) or the other. Nothing is encrypted for
 * the account until `omemo_account_opt_in`. `reason` may be NULL. A client does so by itself when the other
 * side says it.
 */
omemo_status omemo_account_opt_out(omemo_account *account,
                                   const char *jid,
                                   uint8_t is_ours,
                                   const char *reason,
                                   uint64_t now_ms,
                                   omemo_error **error);

/**
 * Says that the conversation is encrypted again, as the user wishes.
 */
omemo_status omemo_account_opt_in(omemo_account *account,
                                  const char *jid,
                                  uint64_t now_ms,
                                  omemo_error **error);

/**
 * Says whether the user has accepted an account (0 or not): a subscription, a place on the roster, a room in
 * common. Nothing is ever sent by itself to one that is not accepted. Writing to an account accepts it. With
 * a client: `omemo_client_set_contact`.
 */
omemo_status omemo_account_set_accepted(omemo_account *account,
                                        const char *jid,
                                        uint8_t is_accepted,
                                        uint64_t now_ms,
                                        omemo_error **error);

/**
 * Says whether the user has blocked an account (XEP-0191), or everybody at a domain: 0 or not. While it is
 * blocked nothing is sent to it by itself. With a client: `omemo_client_set_blocked`.
 */
omemo_status omemo_account_set_blocked(omemo_account *account,
                                       const char *jid,
                                       uint8_t is_blocked,
                                       omemo_error **error);

/**
 * What the user has blocked: accounts and domains. `jids` gets a list that is yours to free.
 */
omemo_status omemo_account_blocked(const omemo_account *account,
                                   omemo_strings **jids,
                                   omemo_error **error);

/**
 * Whether the user has accepted an account: `is_accepted` gets 1 or 0.
 */
omemo_status omemo_account_is_accepted(const omemo_account *account,
                                       const char *jid,
                                       uint8_t *is_accepted,
                                       omemo_error **error);

/**
 * The accounts that anything is known of, this one among them. `jids` gets a list that is yours to free.
 */
omemo_status omemo_account_contacts(const omemo_account *account,
                                    omemo_strings **jids,
                                    omemo_error **error);

/**
 * Removes all sessions and message keys with an account, and what waits from it to be acknowledged. What is
 * thought of its keys, and its devices, stay.
 */
omemo_status omemo_account_forget(omemo_account *account,
                                  const char *jid,
                                  omemo_error **error);

/**
 * The identity key and all trust decisions, for `omemo_account_import_identity`. Whoever has this is, to
 * others, the user: encrypt it.
 *
 * `exported` gets bytes that are yours to free with `omemo_bytes_free`, which overwrites them, and
 * `exported_len` their number.
 */
omemo_status omemo_account_export_identity(const omemo_account *account,
                                           uint8_t **exported,
                                           size_t *exported_len,
                                           omemo_error **error);

/**
 * Makes an account in a store that does not have it, as a new device with the identity and the trust
 * decisions of another one. `account` gets a reference, which is yours; a client of the account is opened
 * after it with `omemo_client_open`.
 *
 * Errors: OMEMO_ERROR_ACCOUNT_RECORD if these bytes were not exported; OMEMO_ERROR_ACCOUNT_GONE if the
 * store has the account already.
 */
omemo_status omemo_account_import_identity(omemo_store *store,
                                           const char *jid,
                                           const omemo_options *options,
                                           const uint8_t *exported,
                                           size_t exported_len,
                                           uint64_t now_ms,
                                           omemo_account **account,
                                           omemo_error **error);

/**
 * Removes the account from its store, with everything in it. After it all handles of it fail with
 * OMEMO_ERROR_ACCOUNT_GONE, also if it failed on the way: what is left then is removed when the account is opened
 * next. Take the device off the server before: `omemo_client_switch_off`.
 */
omemo_status omemo_account_remove(omemo_account *account,
                                  omemo_error **error);

/**
 * Whether so much was written that the marker should be renewed by which an old copy of the store is
 * noticed: `is_due` gets 1 or 0. For applications that keep markers outside of their backups.
 */
omemo_status omemo_account_is_incarnation_due(const omemo_account *account,
                                              uint8_t *is_due,
                                              omemo_error **error);

/**
 * Draws a marker; nothing is stored yet. Keep it beside the one that you have, where no backup is made of
 * it; then `omemo_account_enter_incarnation`; then forget the older one. Give those that you have to
 * `incarnations` of the options when the account is opened.
 */
omemo_status omemo_account_next_incarnation(const omemo_account *account,
                                            omemo_incarnation *incarnation,
                                            omemo_error **error);

/**
 * Puts a marker into the store that was kept.
 */
omemo_status omemo_account_enter_incarnation(omemo_account *account,
                                             const omemo_incarnation *incarnation,
                                             omemo_error **error);

/**
 * Opens the account of an address in a store, or makes it there.
 *
 * `client` gets a reference, which is yours; it keeps one to the store. `options` is copied. `now_ms` is the
 * time in milliseconds since 1970, here and everywhere.
 */
omemo_status omemo_client_open(omemo_store *store,
                               const char *jid,
                               const omemo_options *options,
                               uint64_t now_ms,
                               omemo_client **client,
                               omemo_error **error);

/**
 * Another reference to the same client, which is returned. NULL if `client` is.
 */
omemo_client *omemo_client_ref(omemo_client *client);

/**
 * Gives a reference back; the client is closed with the last of them. Nothing happens if it is NULL.
 * What is stored stays; messages that wait to be encrypted are forgotten.
 */
void omemo_client_unref(omemo_client *client);

/**
 * The account of the client: fingerprints, devices, trust, and all else that can be asked. `account` gets a
 * reference, which is yours.
 */
omemo_status omemo_client_account(const omemo_client *client,
                                  omemo_account **account,
                                  omemo_error **error);

/**
 * What your service discovery information has to contain (XEP-0030, XEP-0163), so that servers tell you of
 * changes of device lists. `features` gets a list that is yours to free.
 */
omemo_status omemo_client_features(const omemo_client *client,
                                   omemo_strings **features,
                                   omemo_error **error);

/**
 * There is a stream, and the account can send. What was asked on an older one is forgotten.
 */
omemo_status omemo_client_connected(omemo_client *client, uint64_t now_ms, omemo_error **error);

/**
 * The stream that was there before goes on (XEP-0198). Instead of `omemo_client_connected`: what was told or
 * answered on the stream counts as if it had not been interrupted.
 */
omemo_status omemo_client_resumed(omemo_client *client,
                                  uint64_t now_ms,
                                  omemo_error **error);

/**
 * The stream is gone, for good or until it is resumed. Messages wait for it.
 */
omemo_status omemo_client_disconnected(omemo_client *client, omemo_error **error);

/**
 * Takes a `<message/>` that came, as the stream had it: also carbons, results of an archive, and
 * notifications of nodes. `disposition` gets an omemo_disposition. Acknowledge the stanza to the server
 * (XEP-0198) when this has returned: what it contained is stored then.
 *
 * What is wrong with the stanza is no error, but an action. After an error nothing has changed: give it again.
 */
omemo_status omemo_client_receive(omemo_client *client,
                                  const char *xml,
                                  size_t xml_len,
                                  uint64_t now_ms,
                                  uint32_t *disposition,
                                  omemo_error **error);

/**
 * Which request an `<iq/>` answers: `request` gets what `omemo_client_answer` takes. `iq_id` is the id of the
 * `<iq/>`.
 *
 * Errors: OMEMO_ERROR_VALUE if the id is of a request that is not the library's. Threads: any.
 */
omemo_status omemo_request_parse_id(const char *iq_id,
                                    uint64_t *request,
                                    omemo_error **error);

/**
 * What came of a request: the whole `<iq/>` of the type `result` or `error`; NULL if nothing came, and
 * nothing will. Nothing happens if the request is not open any more, or if somebody answers who was not
 * asked.
 */
omemo_status omemo_client_answer(omemo_client *client,
                                 uint64_t request,
                                 const char *xml,
                                 size_t xml_len,
                                 uint64_t now_ms,
                                 omemo_error **error);

/**
 * Time has passed: to be called when OMEMO_ACTION_WAKE_AT said so, or more often.
 */
omemo_status omemo_client_tick(omemo_client *client, uint64_t now_ms, omemo_error **error);

/**
 * What is to be done next. `action` gets an action that is yours to free, or NULL if there is nothing.
 */
omemo_status omemo_client_next_action(omemo_client *client,
                                      omemo_action **action,
                                      omemo_error **error);

/**
 * You have stored messages that were delivered: they are not handed out again. `ids` are `count` of them, which may
 * be 0. All that came with a page, or with one call, are best given at once: one write takes up to 1,000 of them. What
 * was acknowledged before is passed over. After an error some may be acknowledged; give all of them again.
 */
omemo_status omemo_client_acknowledge(omemo_client *client,
                                      const omemo_message_id *ids,
                                      size_t count,
                                      omemo_error **error);

/**
 * Says of a contact whether the user has accepted it (only then is anything sent to it by itself), and
 * whether its server tells you when its device list changes: with a subscription to its presence, as a rule.
 * Both are 0 or not.
 */
omemo_status omemo_client_set_contact(omemo_client *client,
                                      const char *jid,
                                      uint8_t is_accepted,
                                      uint8_t is_subscribed,
                                      uint64_t now_ms,
                                      omemo_error **error);

/**
 * Says whether the user has blocked an account (XEP-0191), or everybody at a domain: 0 or not. Nothing is sent
 * to it by itself, and its device lists and bundles are not asked for. It is stored. After a login compare the
 * server's list with `omemo_account_blocked`.
 */
omemo_status omemo_client_set_blocked(omemo_client *client,
                                      const char *jid,
                                      uint8_t is_blocked,
                                      uint64_t now_ms,
                                      omemo_error **error);

/**
 * The user knows of so many messages that were lost (OMEMO_NOTICE_EVICTED): they are not told of again.
 */
omemo_status omemo_client_acknowledge_evicted(omemo_client *client,
                                              uint64_t count,
                                              omemo_error **error);

/**
 * The user knows that the store is an old copy of itself, or may be (OMEMO_NOTICE_ROLLED_BACK,
 * OMEMO_NOTICE_ROLLBACK_SUSPECTED): it is not told again. Nothing happens if it was not told.
 */
omemo_status omemo_client_acknowledge_rollback(omemo_client *client, omemo_error **error);

/**
 * Ends all sessions with an account, as the user wishes. The next message starts new ones.
 */
omemo_status omemo_client_reset(omemo_client *client,
                                const char *jid,
                                uint64_t now_ms,
                                omemo_error **error);

/**
 * Whether the server has the lists and the bundles of this device, so that others can find it:
 * `is_published` gets 1 or 0.
 */
omemo_status omemo_client_is_published(const omemo_client *client,
                                       uint8_t *is_published,
                                       omemo_error **error);

/**
 * Takes this device off the server: from the lists, and its bundles; then comes a notice. The account stays
 * in the store; `omemo_account_remove` wipes it.
 */
omemo_status omemo_client_switch_off(omemo_client *client,
                                     uint64_t now_ms,
                                     omemo_error **error);

/**
 * Takes a `<message/>` to be encrypted for accounts, or for a room that `omemo_client_set_room` has told of.
 * It is held until device lists, bundles and decisions about keys are there; then comes
 * OMEMO_ACTION_ENCRYPTED or OMEMO_ACTION_REFUSED. Messages of one conversation stay in their order.
 *
 * `recipients` are the accounts that are to read it. For a message to a room, or a private one to somebody in it,
 * the address of the room stands for them.
 *
 * `ticket` gets a number that names the message in the action; it means nothing after a restart: give the
 * message again then. Errors: OMEMO_ERROR_STANZA_..., OMEMO_ERROR_JID: the message was not taken.
 */
omemo_status omemo_client_encrypt(omemo_client *client,
                                  const char *xml,
                                  size_t xml_len,
                                  const char *const *recipients,
                                  size_t recipient_count,
                                  uint64_t now_ms,
                                  uint64_t *ticket,
                                  omemo_error **error);

/**
 * The same without waiting: what is not there is missing, and the report says so.
 */
omemo_status omemo_client_encrypt_now(omemo_client *client,
                                      const char *xml,
                                      size_t xml_len,
                                      const char *const *recipients,
                                      size_t recipient_count,
                                      uint64_t now_ms,
                                      uint64_t *ticket,
                                      omemo_error **error);

/**
 * Learns the devices and keys of accounts, or of the members of rooms, before there is a message to send:
 * when a conversation is opened, say. What is not known is asked for; then comes OMEMO_ACTION_PREPARED, with
 * the `ticket`. Nothing is sent to them.
 */
omemo_status omemo_client_prepare(omemo_client *client,
                                  const char *const *accounts,
                                  size_t account_count,
                                  uint64_t now_ms,
                                  uint64_t *ticket,
                                  omemo_error **error);

/**
 * The server has announced the most `bytes` of a stanza (XEP-0478, `<max-bytes/>`); 0: it has announced
 * nothing. It counts if it is less than `stanza_limit` of the options.
 */
omemo_status omemo_client_set_stanza_limit(omemo_client *client,
                                           size_t bytes,
                                           omemo_error **error);

/**
 * Forgets a message that waits to be encrypted; the next one of its conversation goes on. Nothing happens if
 * it is gone already.
 */
omemo_status omemo_client_cancel(omemo_client *client,
                                 uint64_t ticket,
                                 omemo_error **error);

/**
 * Sends a message that waits without the devices about whose keys nobody has decided. Nothing happens if it
 * is gone already.
 */
omemo_status omemo_client_send_anyway(omemo_client *client,
                                      uint64_t ticket,
                                      uint64_t now_ms,
                                      omemo_error **error);

/**
 * Somebody has decided about a key: `trust` is an omemo_trust. Messages that waited for it go on.
 */
omemo_status omemo_client_decide(omemo_client *client,
                                 const char *jid,
                                 const omemo_fingerprint *fingerprint,
                                 uint32_t trust,
                                 uint64_t now_ms,
                                 omemo_error **error);

/**
 * The user accepts the identity key that a device shows in the place of another one
 * (OMEMO_ACTION_DECIDE_IDENTITY: `shown`). Messages that waited for it go on, in new sessions.
 */
omemo_status omemo_client_accept_identity(omemo_client *client,
                                          const char *jid,
                                          uint32_t device,
                                          const omemo_fingerprint *fingerprint,
                                          uint64_t now_ms,
                                          omemo_error **error);

/**
 * Says who is to be told that there are actions: once, until all of them were taken; at once, if there are
 * some. NULL: nobody. It is called at the end of the call that has made the actions, on its thread, and must
 * not call the library: let it write to a pipe, or wake an event loop. One that was replaced may still be
 * running on another thread.
 */
omemo_status omemo_client_set_wakeup(omemo_client *client,
                                     void (*wakeup)(void *user_data),
                                     void *user_data,
                                     omemo_error **error);

/**
 * Says who gets the lines of a log: what was called, how it ended, and what is to be done. No line has a key,
 * an address or text of a message in it. NULL: nobody. It is called on any thread, must not call the library,
 * and one that was replaced may still be running on another thread: `user_data` must be there until every call has
 * returned that was under way then, or when the last reference went. `line` ends with a zero byte, and is
 * there during the call only; `level` is an omemo_log_level.
 */
omemo_status omemo_client_set_log(omemo_client *client,
                                  void (*log)(void *user_data, uint32_t level, const char *line),
                                  void *user_data,
                                  omemo_error **error);

/**
 * Says who is in a members-only room in which everybody's address is known, whenever that changes. `members`
 * are the addresses of its members, administrators and owners, also of those who are not there; `occupants`
 * those who are. All of it is copied.
 *
 * Messages to the room are encrypted for its members, who count as accepted. A message that comes from it live is
 * from the occupant of its nickname. Who wrote what is in its history or archive is found among the members and
 * the occupants; while that is not known the message waits (OMEMO_DISPOSITION_PENDING, `omemo_client_unnamed`).
 * So that the room's own address is not taken for an account before its members are known, say so as you enter
 * it, with no members.
 */
omemo_status omemo_client_set_room(omemo_client *client,
                                   const char *room,
                                   const char *const *members,
                                   size_t member_count,
                                   const omemo_occupant *occupants,
                                   size_t occupant_count,
                                   uint64_t now_ms,
                                   omemo_error **error);

/**
 * How many messages wait until it is known who wrote them. `count` gets it. They are in memory alone: before you
 * acknowledge to the server what has come (XEP-0198), or move your place in an archive, it has to be 0; else
 * they are lost in a crash. It becomes 0 in three times the timeout of requests at most.
 */
omemo_status omemo_client_unnamed(const omemo_client *client,
                                  size_t *count,
                                  omemo_error **error);

/**
 * The room is left: messages to it are messages to an account again.
 */
omemo_status omemo_client_leave_room(omemo_client *client, const char *room, omemo_error **error);

/**
 * Begins a catch-up: messages from a time of absence are going to come, from the server's offline storage or
 * from archives that are read in this order (an omemo_order). To be called before the first of them.
 * `catch_up` gets its number, for `omemo_client_end_catch_up`. Several may be open at once. One that is never ended
 * expires after seven days.
 */
omemo_status omemo_client_begin_catch_up(omemo_client *client,
                                         uint32_t order,
                                         uint64_t now_ms,
                                         uint64_t *catch_up,
                                         omemo_error **error);

/**
 * Announces a query to an archive, as a part of a catch-up: only results that are announced are read. `archive`
 * is the address of a room; NULL: the account's own archive. `query_id` is the `queryid` of the query; NULL takes
 * results without one, for old servers that leave it out. `query` gets a number for `omemo_client_end_page`. The
 * same query may be announced for each page anew, or once for all.
 */
omemo_status omemo_client_expect_archive(omemo_client *client,
                                         uint64_t catch_up,
                                         const char *archive,
                                         const char *query_id,
                                         uint64_t *query,
                                         omemo_error **error);

/**
 * A page of a query has come as a whole: it is decrypted, and stored at once. Keep the place in the
 * archive after this has returned. After an error the page still waits.
 */
omemo_status omemo_client_end_page(omemo_client *client,
                                   uint64_t query,
                                   uint64_t now_ms,
                                   omemo_error **error);

/**
 * Ends a catch-up: everything that belongs to it has come. Results of its queries are not taken any more. Other
 * catch-ups go on. What `omemo_client_maintain` does is done, and broken sessions are mended if no other is open.
 */
omemo_status omemo_client_end_catch_up(omemo_client *client,
                                       uint64_t catch_up,
                                       uint64_t now_ms,
                                       omemo_error **error);

/**
 * Does what is due once a day: keys are replaced, and what was kept for long enough goes. Those who are never
 * away call it once a day. It may be called at any time: it takes nothing from a catch-up that is open.
 */
omemo_status omemo_client_maintain(omemo_client *client,
                                   uint64_t now_ms,
                                   omemo_error **error);

/**
 * Says to an account without a client that messages from a time of absence are going to come: offline ones, or
 * an archive in this order (an omemo_order). `catch_up` gets its number, for `omemo_account_end_catch_up` and for
 * omemo_incoming. Several may be open at once. Until the last of them ends used pre-keys are kept, and nothing is
 * repaired.
 */
omemo_status omemo_account_begin_catch_up(omemo_account *account,
                                          uint32_t order,
                                          uint64_t now_ms,
                                          uint64_t *catch_up,
                                          omemo_error **error);

/**
 * Says to an account without a client that everything that belongs to a catch-up was decrypted. Then what
 * `omemo_account_maintain` does is done.
 */
omemo_status omemo_account_end_catch_up(omemo_account *account,
                                        uint64_t catch_up,
                                        uint64_t now_ms,
                                        omemo_error **error);

/**
 * Does for an account without a client what is due once a day. Used pre-keys are wiped, signed ones renewed if
 * they are old enough, and what was kept for long enough goes. What an open catch-up may need waits for its end.
 */
omemo_status omemo_account_maintain(omemo_account *account,
                                    uint64_t now_ms,
                                    omemo_error **error);

/**
 * Names this device for the user's other clients, as `omemo_account_set_label` does, and publishes the name:
 * now, or with the next connection.
 *
 * Errors: OMEMO_ERROR_ACCOUNT_LABEL.
 */
omemo_status omemo_client_set_label(omemo_client *client,
                                    const char *label,
                                    uint64_t now_ms,
                                    omemo_error **error);

/**
 * Takes devices that are gone off the account's own lists, and publishes them: now, or with the next
 * connection of this handle. Nothing is encrypted for them from now on. A device that is still in use puts
 * itself back. This one is passed over: it leaves by `omemo_client_switch_off`.
 */
omemo_status omemo_client_remove_own_devices(omemo_client *client,
                                             const uint32_t *devices,
                                             size_t count,
                                             uint64_t now_ms,
                                             omemo_error **error);

/**
 * The kind of an action: an omemo_action_type; 0 for NULL.
 */
uint32_t omemo_action_kind(const omemo_action *action);

/**
 * The stanza, and its bytes without the zero in `len`, which may be NULL. For actions that have one.
 */
const char *omemo_action_stanza(const omemo_action *action,
                                size_t *len);

/**
 * The message that an action is about: what `omemo_client_encrypt` gave.
 */
uint64_t omemo_action_ticket(const omemo_action *action);

/**
 * The time of OMEMO_ACTION_WAKE_AT, in milliseconds since 1970.
 */
uint64_t omemo_action_time_ms(const omemo_action *action);

/**
 * The address of the account that wrote a message: the real one, also in a room. Of a message that could not
 * be read it is the account, if that is certain; else the account or the room that `from` in the stanza names.
 * NULL only if `from` is no address.
 */
const char *omemo_action_sender(const omemo_action *action);

/**
 * The room of OMEMO_ACTION_ASK_MEMBERS.
 */
const char *omemo_action_room(const omemo_action *action);

/**
 * The id of a message that is delivered, for `omemo_client_acknowledge`.
 */
const omemo_message_id *omemo_action_message_id(const omemo_action *action);

/**
 * The archive's id of a message that came from one. `archive`, which may be NULL, gets the address of the archive:
 * the account's own, or a room's.
 */
const char *omemo_action_archive_id(const omemo_action *action,
                                    const char **archive);

/**
 * What else is known of a message that is delivered.
 */
const omemo_delivery *omemo_action_delivery(const omemo_action *action);

/**
 * The request that is to be sent.
 */
const omemo_request *omemo_action_request(const omemo_action *action);

/**
 * Why a message could not be read.
 */
const omemo_undecryptable *omemo_action_undecryptable(const omemo_action *action);

/**
 * Why a message will not go out.
 */
const omemo_refusal *omemo_action_refusal(const omemo_action *action);

/**
 * What happened.
 */
const omemo_notice *omemo_action_notice(const omemo_action *action);

/**
 * How many devices are in the report about a message.
 */
size_t omemo_action_device_count(const omemo_action *action);

/**
 * What became of a device; NULL if there are not so many. Every device of every recipient, and every other
 * one of the account, is in the report.
 */
const omemo_device_report *omemo_action_device(const omemo_action *action,
                                               size_t index);

/**
 * How many members of a room get nothing of a message.
 */
size_t omemo_action_left_out_count(const omemo_action *action);

/**
 * A member of a room who gets nothing of a message; NULL if there are not so many.
 */
const omemo_left_out *omemo_action_left_out(const omemo_action *action, size_t index);

/**
 * How many device lists could not be looked up for a message.
 */
size_t omemo_action_list_count(const omemo_action *action);

/**
 * A device list that could not be looked up, one of the account itself perhaps; NULL if there are not so
 * many. Where an older list is known, it was used.
 */
const omemo_list_report *omemo_action_list(const omemo_action *action,
                                           size_t index);

/**
 * How many keys somebody has to decide about.
 */
size_t omemo_action_key_count(const omemo_action *action);

/**
 * A key that somebody has to decide about; NULL if there are not so many.
 */
const omemo_undecided_key *omemo_action_key(const omemo_action *action, size_t index);

/**
 * Frees an action, and overwrites what it says. Nothing happens if it is NULL.
 */
void omemo_action_free(omemo_action *action);

/**
 * How many elements of a message some of its devices do not get.
 */
size_t omemo_action_lost_element_count(const omemo_action *action);

/**
 * An element of a message that some of its devices do not get, as legacy carries a text alone, in the form
 * `{namespace}name`; NULL if there are not so many. If the message is refused, they may be the reason.
 */
const char *omemo_action_lost_element(const omemo_action *action,
                                      size_t index);

/**
 * How many devices show another identity key than before.
 */
size_t omemo_action_changed_identity_count(const omemo_action *action);

/**
 * A device that shows another identity key than before; NULL if there are not so many.
 */
const omemo_changed_identity *omemo_action_changed_identity(const omemo_action *action,
                                                            size_t index);

/**
 * The elements that stood beside the encrypted part of a message that is delivered, and are not in its stanza: XML,
 * each element with its namespace, and its bytes without the zero in `len`, which may be NULL. Empty if there are none.
 * Nobody has authenticated them: do not show them as what the sender says.
 */
const char *omemo_action_unauthenticated(const omemo_action *action,
                                         size_t *len);

/**
 * How many elements in the stanza of a message that is delivered name another message without being authenticated.
 */
size_t omemo_action_mark_count(const omemo_action *action);

/**
 * One of them; NULL if there are not so many.
 */
const omemo_mark *omemo_action_mark(const omemo_action *action, size_t index);

/**
 * Reads the element `<bundle/>` of a version (an omemo_protocol). Of a whole stanza: `omemo_items_read`.
 *
 * `bundle` gets an object that is yours to free. Errors: OMEMO_ERROR_STANZA: what is there is no bundle.
 */
omemo_status omemo_bundle_read(uint32_t protocol,
                               const char *xml,
                               size_t xml_len,
                               omemo_bundle **bundle,
                               omemo_error **error);

/**
 * Writes the element. `xml` gets text that is yours to free with `omemo_string_free`, and `xml_len`, which
 * may be NULL, its bytes without the zero. To publish it: `omemo_iq_publish_bundle`.
 *
 * Errors: OMEMO_ERROR_STANZA: others could not read it.
 */
omemo_status omemo_bundle_write(const omemo_bundle *bundle,
                                char **xml,
                                size_t *xml_len,
                                omemo_error **error);

/**
 * The version: an omemo_protocol; 0 if `bundle` is NULL.
 */
uint32_t omemo_bundle_protocol(const omemo_bundle *bundle);

/**
 * The identity key that the bundle shows. There as long as `bundle` is; NULL if that is NULL.
 */
const omemo_fingerprint *omemo_bundle_fingerprint(const omemo_bundle *bundle);

/**
 * The number of pre-keys; 0 if `bundle` is NULL.
 */
size_t omemo_bundle_pre_key_count(const omemo_bundle *bundle);

/**
 * Frees a bundle; nothing happens if it is NULL.
 */
void omemo_bundle_free(omemo_bundle *bundle);

/**
 * This device's bundle for a version (an omemo_protocol). `bundle` gets an object that is yours to free,
 * `revision` a number for `omemo_account_bundle_published`, and `is_due`, which may be NULL, 1 if it is
 * another one than was published last.
 *
 * A client publishes its bundles itself; this, and all that follows in this part of the header, is for
 * those who have an account without one.
 */
omemo_status omemo_account_bundle(const omemo_account *account,
                                  uint32_t protocol,
                                  omemo_bundle **bundle,
                                  uint64_t *revision,
                                  uint8_t *is_due,
                                  omemo_error **error);

/**
 * Says that the server has taken this revision of the bundle.
 */
omemo_status omemo_account_bundle_published(omemo_account *account,
                                            uint32_t protocol,
                                            uint64_t revision,
                                            omemo_error **error);

/**
 * Says that what the server has is not the bundle, or may not be: it is due again.
 */
omemo_status omemo_account_bundle_lost(omemo_account *account,
                                       uint32_t protocol,
                                       omemo_error **error);

/**
 * Takes note of what the server has as this device's bundle; NULL: it has none. Call it with each new stream,
 * before anything is sent: that is how a device notices that its store is an old copy where nobody keeps markers
 * (`omemo_account_next_incarnation`). It is noticed if a signed pre-key was made since: one is made each week.
 *
 * `published` gets an omemo_published. A client does this itself.
 */
omemo_status omemo_account_check_published(omemo_account *account,
                                           uint32_t protocol,
                                           const omemo_bundle *bundle,
                                           uint64_t now_ms,
                                           uint32_t *published,
                                           omemo_error **error);

/**
 * Whether the store is an old copy of itself, or may be, and the user was not told: `rollback` gets an
 * omemo_rollback, and `since_ms`, which may be NULL, since when that is known, in milliseconds since 1970.
 */
omemo_status omemo_account_rollback(const omemo_account *account,
                                    uint32_t *rollback,
                                    uint64_t *since_ms,
                                    omemo_error **error);

/**
 * The user knows of what `omemo_account_rollback` said: it is not said again. A suspicion is never said a second
 * time, whatever the server shows.
 *
 * Errors: OMEMO_ERROR_VALUE if `rollback` is neither OMEMO_ROLLBACK_PROVEN nor OMEMO_ROLLBACK_SUSPECTED.
 */
omemo_status omemo_account_rollback_told(omemo_account *account,
                                         uint32_t rollback,
                                         uint64_t since_ms,
                                         omemo_error **error);

/**
 * Makes a list of ids, without labels; `count` may be 0. `list` gets an object that is yours to free.
 */
omemo_status omemo_device_list_new(uint32_t protocol,
                                   const uint32_t *devices,
                                   size_t count,
                                   omemo_device_list **list,
                                   omemo_error **error);

/**
 * Reads the element `<list/>` or `<devices/>` of a version (an omemo_protocol). Of a whole stanza:
 * `omemo_items_read`.
 *
 * `list` gets an object that is yours to free. Errors: OMEMO_ERROR_STANZA.
 */
omemo_status omemo_device_list_read(uint32_t protocol,
                                    const char *xml,
                                    size_t xml_len,
                                    omemo_device_list **list,
                                    omemo_error **error);

/**
 * Writes the element. `xml` gets text that is yours to free with `omemo_string_free`, and `xml_len`, which
 * may be NULL, its bytes without the zero. To publish it: `omemo_iq_publish_device_list`.
 */
omemo_status omemo_device_list_write(const omemo_device_list *list,
                                     char **xml,
                                     size_t *xml_len,
                                     omemo_error **error);

/**
 * The version: an omemo_protocol; 0 if `list` is NULL.
 */
uint32_t omemo_device_list_protocol(const omemo_device_list *list);

/**
 * How many devices are on it; 0 if `list` is NULL.
 */
size_t omemo_device_list_count(const omemo_device_list *list);

/**
 * One of its devices; NULL if there are not so many. There as long as `list` is.
 */
const omemo_listed_device *omemo_device_list_get(const omemo_device_list *list, size_t index);

/**
 * Frees a device list; nothing happens if it is NULL.
 */
void omemo_device_list_free(omemo_device_list *list);

/**
 * Takes in a device list of an account as its server gave it: the newest, whole. Also an empty one, for an
 * account that has none (`omemo_device_list_new`).
 *
 * `change`, which may be NULL, gets a struct that is yours to free.
 */
omemo_status omemo_account_set_device_list(omemo_account *account,
                                           const char *jid,
                                           const omemo_device_list *list,
                                           uint64_t now_ms,
                                           omemo_list_change **change,
                                           omemo_error **error);

/**
 * Frees what a device list has changed; nothing happens if it is NULL.
 */
void omemo_list_change_free(omemo_list_change *change);

/**
 * The account's own device list as it should be published: what is known to be on it, and this device.
 * `list` gets an object that is yours to free.
 */
omemo_status omemo_account_own_device_list(const omemo_account *account,
                                           uint32_t protocol,
                                           omemo_device_list **list,
                                           omemo_error **error);

/**
 * Says that the list with this device on it was published.
 */
omemo_status omemo_account_device_list_published(omemo_account *account,
                                                 uint32_t protocol,
                                                 uint64_t now_ms,
                                                 omemo_error **error);

/**
 * When the device list of an account was first seen as it is now, in milliseconds since 1970: `seen_ms` gets 0
 * if none was ever seen.
 */
omemo_status omemo_account_device_list_seen(const omemo_account *account,
                                            const char *jid,
                                            uint32_t protocol,
                                            uint64_t *seen_ms,
                                            omemo_error **error);

/**
 * Draws another device id, as this one is taken: a device of the account is on the list under it. Only
 * before anything was published under it. `taken` are ids that it must not be.
 *
 * Errors: OMEMO_ERROR_STATE if the account is that of a client, which does it itself.
 */
omemo_status omemo_account_change_device_id(omemo_account *account,
                                            const uint32_t *taken,
                                            size_t count,
                                            omemo_error **error);

/**
 * How many there are; 0 if `peers` is NULL.
 */
size_t omemo_peers_count(const omemo_peers *peers);

/**
 * One of them; NULL if there are not so many. There as long as `peers` is.
 */
const omemo_peer *omemo_peers_get(const omemo_peers *peers, size_t index);

/**
 * Frees a list of devices; nothing happens if it is NULL.
 */
void omemo_peers_free(omemo_peers *peers);

/**
 * What has to be asked for before a message to these accounts reaches all of their devices, and all others
 * of the account itself. Ask again when device lists have come.
 *
 * `legacy` and `omemo2` say with which versions the message could be written: 0 or not. `lists` gets the
 * accounts whose device list of a version was never seen (`device` is 0 in them), `bundles` the devices with
 * which there is no session; both are yours to free, and may be empty.
 */
omemo_status omemo_account_missing(const omemo_account *account,
                                   const char *const *recipients,
                                   size_t recipient_count,
                                   uint8_t legacy,
                                   uint8_t omemo2,
                                   omemo_peers **lists,
                                   omemo_peers **bundles,
                                   omemo_error **error);

/**
 * Takes note of the keys in bundles that were fetched, as `omemo_account_encrypt` would: so that the user
 * can be asked about them before (`omemo_account_undecided`). What is no good is passed over.
 */
omemo_status omemo_account_meet(omemo_account *account,
                                const omemo_fetched_bundle *bundles,
                                size_t bundle_count,
                                uint64_t now_ms,
                                omemo_error **error);

/**
 * The keys of devices that a message to these accounts would leave out, as nobody has decided about them;
 * those of own devices among them. `keys` gets a list that is yours to free.
 */
omemo_status omemo_account_undecided(const omemo_account *account,
                                     const char *const *recipients,
                                     size_t recipient_count,
                                     omemo_undecided_keys **keys,
                                     omemo_error **error);

/**
 * How many keys there are; 0 if `keys` is NULL.
 */
size_t omemo_undecided_keys_count(const omemo_undecided_keys *keys);

/**
 * One of the keys; NULL if there are not so many. There as long as `keys` is.
 */
const omemo_undecided_key *omemo_undecided_keys_get(const omemo_undecided_keys *keys, size_t index);

/**
 * Frees a list of keys; nothing happens if it is NULL.
 */
void omemo_undecided_keys_free(omemo_undecided_keys *keys);

/**
 * Encrypts a message for all devices of the recipients, and for the account's own other devices. `sent`
 * gets an object that is yours to free: what is to be sent, and a report about every device. It may be sent
 * as often as needed; encrypting again makes another message.
 *
 * Errors: OMEMO_ERROR_REFUSED: the message may not go out like this, and `omemo_error_refusal` and
 * `omemo_error_device` say why; keys that were seen for the first time are stored, so that the user can decide
 * about them. OMEMO_ERROR_PAYLOAD. No session has moved then.
 */
omemo_status omemo_account_encrypt(omemo_account *account,
                                   const omemo_outgoing *outgoing,
                                   uint64_t now_ms,
                                   omemo_sent **sent,
                                   omemo_error **error);

/**
 * All of it as XML for a stanza: each `<encrypted/>`, and, unless it goes into an `<iq/>` (`is_iq` is not 0),
 * what stands beside: how it is encrypted, the wish to store it, a body for clients that cannot read it. To
 * make an encrypted message of one in clear: `omemo_plain_seal`.
 *
 * `xml` gets text that is yours to free with `omemo_string_free`, and `xml_len`, which may be NULL, its bytes
 * without the zero. Errors: OMEMO_ERROR_STANZA: there are more keys than others read.
 */
omemo_status omemo_sent_write(const omemo_sent *sent,
                              uint8_t is_iq,
                              char **xml,
                              size_t *xml_len,
                              omemo_error **error);

/**
 * The element of a version (an omemo_protocol), for those who write XML themselves; NULL if there is none.
 */
const omemo_element *omemo_sent_element(const omemo_sent *sent,
                                        uint32_t protocol);

/**
 * A key of the element of a version, in the order in which they are to be written; NULL if there are not so
 * many.
 */
const omemo_recipient_key *omemo_sent_key(const omemo_sent *sent,
                                          uint32_t protocol,
                                          size_t index);

/**
 * How many devices are in the report; 0 if `sent` is NULL.
 */
size_t omemo_sent_device_count(const omemo_sent *sent);

/**
 * What became of a device; NULL if there are not so many. Every device of every recipient, and every other
 * one of the account, is in the report.
 */
const omemo_device_report *omemo_sent_device(const omemo_sent *sent,
                                             size_t index);

/**
 * How many device lists could not be looked up; 0 if `sent` is NULL.
 */
size_t omemo_sent_list_count(const omemo_sent *sent);

/**
 * A device list that could not be looked up; NULL if there are not so many.
 */
const omemo_list_report *omemo_sent_list(const omemo_sent *sent, size_t index);

/**
 * Frees an encrypted message; nothing happens if it is NULL.
 */
void omemo_sent_free(omemo_sent *sent);

/**
 * The empty messages that should be sent now, with `omemo_account_encrypt_empty`. While a history is being
 * caught up with: once for each page, after it was stored. `answers` gets a list that is yours to free.
 */
omemo_status omemo_account_answers_due(const omemo_account *account,
                                       omemo_due_answers **answers,
                                       omemo_error **error);

/**
 * How many there are; 0 if `answers` is NULL.
 */
size_t omemo_due_answers_count(const omemo_due_answers *answers);

/**
 * One of them; NULL if there are not so many. There as long as `answers` is.
 */
const omemo_due_answer *omemo_due_answers_get(const omemo_due_answers *answers, size_t index);

/**
 * Frees a list of what is owed; nothing happens if it is NULL.
 */
void omemo_due_answers_free(omemo_due_answers *answers);

/**
 * Makes an empty message for a device: on the session that it is owed on, else on the current one, else on
 * a new one from `bundle`, which may be NULL. Whether its key was decided about makes no difference, unless
 * the decision was against it. `sent` gets an object that is yours to free.
 *
 * Errors: OMEMO_ERROR_NOT_ACCEPTED, OMEMO_ERROR_GAP. No session has moved then.
 */
omemo_status omemo_account_encrypt_empty(omemo_account *account,
                                         const omemo_peer *peer,
                                         const omemo_bundle *bundle,
                                         uint64_t now_ms,
                                         omemo_sent **sent,
                                         omemo_error **error);

/**
 * The devices that should be sent an empty message on a new session now: fetch the bundle, then
 * `omemo_account_repair`. None while a history is being caught up with. `peers` gets a list that is yours
 * to free.
 */
omemo_status omemo_account_repairs_due(const omemo_account *account,
                                       uint64_t now_ms,
                                       omemo_peers **peers,
                                       omemo_error **error);

/**
 * Starts a new session with a device from its bundle, in the place of broken ones, and makes the empty
 * message that tells it so. The broken ones are read from for a while, and not written to. `sent` gets an
 * object that is yours to free.
 *
 * Errors: OMEMO_ERROR_NOT_ACCEPTED, OMEMO_ERROR_GAP. Nothing has changed then.
 */
omemo_status omemo_account_repair(omemo_account *account,
                                  const omemo_peer *peer,
                                  const omemo_bundle *bundle,
                                  uint64_t now_ms,
                                  omemo_sent **sent,
                                  omemo_error **error);

/**
 * Says that a repair was tried and there was no bundle: it is put off.
 */
omemo_status omemo_account_repair_failed(omemo_account *account,
                                         const omemo_peer *peer,
                                         uint64_t now_ms,
                                         omemo_error **error);

/**
 * Ends all sessions with the devices of an account, or with one of them (`device` is not 0), as the user
 * wishes: they are read from for a while, and not written to. The next message starts new ones;
 * `omemo_account_encrypt_empty` with their bundles starts them at once.
 *
 * `peers`, which may be NULL, gets the devices that had sessions: a list that is yours to free.
 */
omemo_status omemo_account_reset_sessions(omemo_account *account,
                                          const char *jid,
                                          uint32_t device,
                                          uint64_t now_ms,
                                          omemo_peers **peers,
                                          omemo_error **error);

/**
 * Reads a stanza as the stream had it, as the device `device` of the account `jid`: for
 * `omemo_account_decrypt`. One without `<encrypted/>`, or without a key for the device, is no error.
 *
 * `stanza` gets an object that is yours to free. Errors: OMEMO_ERROR_STANZA.
 */
omemo_status omemo_stanza_read(const char *jid,
                               uint32_t device,
                               const char *xml,
                               size_t xml_len,
                               omemo_stanza **stanza,
                               omemo_error **error);

/**
 * 1 if it is an `<iq/>`, 0 if it is a `<message/>`.
 */
uint8_t omemo_stanza_is_iq(const omemo_stanza *stanza);

/**
 * The attribute `from`; NULL if there is none.
 */
const char *omemo_stanza_from(const omemo_stanza *stanza);

/**
 * The attribute `to`; NULL if there is none.
 */
const char *omemo_stanza_to(const omemo_stanza *stanza);

/**
 * The attribute `type`; NULL if there is none. "error" is a stanza of ours that comes back.
 */
const char *omemo_stanza_type(const omemo_stanza *stanza);

/**
 * The attribute `id`; NULL if there is none.
 */
const char *omemo_stanza_id(const omemo_stanza *stanza);

/**
 * How many `<delay/>` elements are kept of it (XEP-0203), at most 8: when it was sent, as others say who have kept
 * it. Nobody authenticates them: the sender can have written them as well.
 */
size_t omemo_stanza_delay_count(const omemo_stanza *stanza);

/**
 * Who says to have kept it: the attribute `from` of a `<delay/>`; NULL if there is none.
 */
const char *omemo_stanza_delay_from(const omemo_stanza *stanza, size_t index);

/**
 * When it was sent, as a `<delay/>` says, in milliseconds since 1970; 0 if there is none.
 */
uint64_t omemo_stanza_delay_ms(const omemo_stanza *stanza, size_t index);

/**
 * Its first `<encrypted/>` element of a version (an omemo_protocol); NULL if there is none.
 */
const omemo_element *omemo_stanza_element(const omemo_stanza *stanza, uint32_t protocol);

/**
 * Frees a stanza; nothing happens if it is NULL.
 */
void omemo_stanza_free(omemo_stanza *stanza);

/**
 * What is left of an encrypted message without its encrypted part: short enough to be kept with the message
 * (`attached` of omemo_incoming), and what `omemo_content_reveal` wants.
 *
 * `shell` gets text that is yours to free with `omemo_string_free`, and `shell_len`, which may be NULL, its
 * bytes without the zero. Errors: OMEMO_ERROR_STANZA.
 */
omemo_status omemo_stanza_strip(const char *xml,
                                size_t xml_len,
                                char **shell,
                                size_t *shell_len,
                                omemo_error **error);

/**
 * Lists the keys of a stanza, `<message/>` or `<iq/>`, as the stream had it: to see whom it is for, as where it
 * cannot be read. To decrypt it: `omemo_stanza_read`. Keys without a valid device are left out.
 *
 * `keys` gets a list that is yours to free; it may be empty. Errors: OMEMO_ERROR_STANZA.
 */
omemo_status omemo_listed_keys_read(const char *xml,
                                    size_t xml_len,
                                    omemo_listed_keys **keys,
                                    omemo_error **error);

/**
 * How many keys there are; 0 if `keys` is NULL.
 */
size_t omemo_listed_keys_count(const omemo_listed_keys *keys);

/**
 * One of the keys, in the order of the stanza; NULL if there are not so many.
 */
const omemo_listed_key *omemo_listed_keys_get(const omemo_listed_keys *keys, size_t index);

/**
 * Frees a list of keys; nothing happens if it is NULL.
 */
void omemo_listed_keys_free(omemo_listed_keys *keys);

/**
 * Decrypts a stanza. `reading` gets an object that is yours to free: what became of it. What is wrong with
 * the stanza is no error, but an outcome.
 *
 * After an error nothing has changed: give the stanza again.
 */
omemo_status omemo_account_decrypt(omemo_account *account,
                                   const omemo_incoming *incoming,
                                   uint64_t now_ms,
                                   omemo_reading **reading,
                                   omemo_error **error);

/**
 * Decrypts stanzas one after the other, and stores what they change at once: a page of an archive. `page`
 * are pointers to them.
 *
 * `readings` gets a list that is yours to free, in the order of the stanzas. It can be shorter than the page,
 * if more would not fit into one write, but has at least one (if the page has): *give the stanzas that are
 * behind it again*. After an error nothing has changed: give all of them again.
 */
omemo_status omemo_account_decrypt_page(omemo_account *account,
                                        const omemo_incoming *const *page,
                                        size_t count,
                                        uint64_t now_ms,
                                        omemo_readings **readings,
                                        omemo_error **error);

/**
 * The bundles that are to be fetched before a stanza of several senders can be read, whose outcome was
 * OMEMO_UNDECRYPTABLE_AMBIGUOUS_SENDER: of devices that may have made it, and whose identity key nobody knows.
 * Give it again with what came of them. `peers` gets a list that is yours to free; it is empty if they would not
 * help.
 */
omemo_status omemo_account_bundles_to_tell(const omemo_account *account,
                                           const omemo_incoming *incoming,
                                           omemo_peers **peers,
                                           omemo_error **error);

/**
 * What became of it: an omemo_outcome.
 */
uint32_t omemo_reading_outcome(const omemo_reading *reading);

/**
 * The address of the account that wrote it. Of what was not read: who is said to have.
 */
const char *omemo_reading_sender(const omemo_reading *reading);

/**
 * The id of a message, also of a duplicate.
 */
const omemo_message_id *omemo_reading_message_id(const omemo_reading *reading);

/**
 * What else is known of a message, or of an empty one: the device, its key, what is thought of it. `origin`,
 * `sent_at_ms` and `has_other_text` are 0: the stanza, the envelope and `omemo_reading_other` say them.
 */
const omemo_delivery *omemo_reading_delivery(const omemo_reading *reading);

/**
 * What was decrypted, and its bytes in `len`, which may be NULL; a zero follows it. For legacy the text of a
 * body, for OMEMO 2 an envelope, which `omemo_content_read` reads and checks.
 */
const uint8_t *omemo_reading_payload(const omemo_reading *reading,
                                     size_t *len);

/**
 * What the stanza has for another version, if that was read too, and its bytes in `len`, which may be NULL.
 * `protocol`, which may be NULL, gets an omemo_protocol, or 0. The text should be the same.
 */
const uint8_t *omemo_reading_other(const omemo_reading *reading,
                                   uint32_t *protocol,
                                   size_t *len);

/**
 * What came with the stanza: `attached` of omemo_incoming, and its bytes in `len`, which may be NULL; a zero
 * follows it.
 */
const uint8_t *omemo_reading_attached(const omemo_reading *reading,
                                      size_t *len);

/**
 * Why it was not read. `origin` is 0.
 */
const omemo_undecryptable *omemo_reading_failure(const omemo_reading *reading);

/**
 * 1 if there was something to read in it, whether or not it could be; 0 for a duplicate.
 */
uint8_t omemo_reading_has_payload(const omemo_reading *reading);

/**
 * Frees it, and overwrites what it says. Nothing happens if it is NULL.
 */
void omemo_reading_free(omemo_reading *reading);

/**
 * How many there are; 0 if `readings` is NULL.
 */
size_t omemo_readings_count(const omemo_readings *readings);

/**
 * One of them; NULL if there are not so many. There as long as `readings` is: not to be freed apart.
 */
const omemo_reading *omemo_readings_get(const omemo_readings *readings,
                                        size_t index);

/**
 * Frees them, and overwrites what they say. Nothing happens if it is NULL.
 */
void omemo_readings_free(omemo_readings *readings);

/**
 * The messages that a consumer has not acknowledged, in the order in which they were read. `consumer` is the
 * name of one who was added, or NULL: the application, which every account has.
 *
 * `waiting` gets a list that is yours to free; all of it are messages. Nothing waits for a name that was not
 * added.
 */
omemo_status omemo_account_inbox(const omemo_account *account,
                                 const char *consumer,
                                 omemo_readings **waiting,
                                 omemo_error **error);

/**
 * Says that a consumer (NULL: the application) has taken messages over. `ids` are `count` of them, which may be 0.
 * When all consumers have, their texts are removed; what was removed already is passed over. One write takes up to
 * 1,000 of them. After an error some may be acknowledged; give all of them again.
 */
omemo_status omemo_account_acknowledge(omemo_account *account,
                                       const omemo_message_id *ids,
                                       size_t count,
                                       const char *consumer,
                                       omemo_error **error);

/**
 * Adds somebody who acknowledges messages besides the application, such as an extension that shows
 * notifications. Messages wait for it from now on.
 *
 * Errors: OMEMO_ERROR_ACCOUNT_NO_ID if there are eight already; OMEMO_ERROR_VALUE if the name is empty.
 */
omemo_status omemo_account_add_consumer(omemo_account *account,
                                        const char *consumer,
                                        omemo_error **error);

/**
 * Removes a consumer that was added: nothing waits for it any more. Nothing happens if there is none of that
 * name.
 *
 * Errors: OMEMO_ERROR_VALUE for the application, which every account has (OMEMO_OPTION_NO_INBOX: nothing waits).
 */
omemo_status omemo_account_remove_consumer(omemo_account *account,
                                           const char *consumer,
                                           omemo_error **error);

/**
 * How many messages went because of the limits of the inbox before the application had acknowledged them, since
 * `omemo_account_evictions_told`. `count` gets the number. With a client: OMEMO_NOTICE_EVICTED.
 */
omemo_status omemo_account_evicted(const omemo_account *account,
                                   uint64_t *count,
                                   omemo_error **error);

/**
 * The user knows of so many messages that were lost: `omemo_account_evicted` counts them no more.
 */
omemo_status omemo_account_evictions_told(omemo_account *account,
                                          uint64_t count,
                                          omemo_error **error);

/**
 * Takes a `<message/>` apart, as you would send it in clear: receipts, corrections and all.
 *
 * `plain` gets an object that is yours to free. Errors: OMEMO_ERROR_STANZA.
 */
omemo_status omemo_plain_read(const char *xml,
                              size_t xml_len,
                              omemo_plain **plain,
                              omemo_error **error);

/**
 * The text; NULL if there is none. There as long as `plain` is.
 */
const char *omemo_plain_body(const omemo_plain *plain);

/**
 * An attribute of the message, as `to` and `id`. `value` gets text that is yours to free with
 * `omemo_string_free`, its references resolved, or NULL if there is none.
 */
omemo_status omemo_plain_attribute(const omemo_plain *plain,
                                   const char *name,
                                   char **value,
                                   omemo_error **error);

/**
 * The names of its elements that a legacy message cannot encrypt, each once, at most 16: what becomes of them an
 * omemo_unprotected says. Without a body it can encrypt nothing. Names are written `{namespace}name`, as in
 * `{urn:xmpp:reactions:0}reactions`. `names` gets a list that is yours to free.
 */
omemo_status omemo_plain_unprotected(const omemo_plain *plain,
                                     omemo_strings **names,
                                     omemo_error **error);

/**
 * Whether the message can be written in a version (an omemo_protocol), if `unprotected` (an
 * omemo_unprotected; 0: as recommended) is done with what legacy cannot protect: `fits` gets 1 or 0. Legacy
 * has nothing but a body.
 */
omemo_status omemo_plain_fits(const omemo_plain *plain,
                              uint32_t protocol,
                              uint32_t unprotected,
                              uint8_t *fits,
                              omemo_error **error);

/**
 * What to encrypt in a version (an omemo_protocol): the body, or an envelope around the elements. `from` is
 * the own account, `to` the one in the stanza's `to`, or the room. `sent_at_ms` may be 0: then the envelope
 * does not say when it was written.
 *
 * `payload` gets bytes that are yours to free with `omemo_bytes_free`, which overwrites them, and
 * `payload_len` their number. Errors: OMEMO_ERROR_STANZA_EMPTY if the version cannot say anything of the
 * message; OMEMO_ERROR_STANZA_ENVELOPE.
 */
omemo_status omemo_plain_payload(const omemo_plain *plain,
                                 uint32_t protocol,
                                 const char *from,
                                 const char *to,
                                 uint64_t sent_at_ms,
                                 uint8_t **payload,
                                 size_t *payload_len,
                                 omemo_error **error);

/**
 * The message with what was encrypted in the place of what that contains. `unprotected` is an
 * omemo_unprotected; 0: as recommended.
 *
 * `xml` gets the stanza, which is yours to free with `omemo_string_free`, and `xml_len`, which may be NULL,
 * its bytes without the zero. Errors: OMEMO_ERROR_STANZA: there are more keys than others read.
 */
omemo_status omemo_plain_seal(const omemo_plain *plain,
                              const omemo_sent *sent,
                              uint32_t unprotected,
                              char **xml,
                              size_t *xml_len,
                              omemo_error **error);

/**
 * Frees a message, and overwrites it. Nothing happens if it is NULL.
 */
void omemo_plain_free(omemo_plain *plain);

/**
 * Writes an envelope around elements that are to be encrypted in OMEMO 2 (XEP-0420): well-formed XML, each
 * element with its own `xmlns`, and none of those that servers process. `from`, `to` and `sent_at_ms` are as
 * for `omemo_plain_payload`. A short envelope does not show how long its content is.
 *
 * `envelope` gets text that is yours to free with `omemo_string_free`, and `envelope_len`, which may be NULL,
 * its bytes without the zero. Errors: OMEMO_ERROR_STANZA_ENVELOPE.
 */
omemo_status omemo_envelope_write(const char *content,
                                  size_t content_len,
                                  const char *from,
                                  const char *to,
                                  uint64_t sent_at_ms,
                                  char **envelope,
                                  size_t *envelope_len,
                                  omemo_error **error);

/**
 * Writes the wish for no encryption, for the content of an envelope (XEP-0384 §5.7). `reason` is for the
 * user, and may be NULL. Say it to the account, too: `omemo_account_opt_out`.
 *
 * `xml` gets text that is yours to free with `omemo_string_free`, and `xml_len`, which may be NULL, its bytes
 * without the zero. Errors: OMEMO_ERROR_STANZA.
 */
omemo_status omemo_opt_out_write(const char *reason,
                                 char **xml,
                                 size_t *xml_len,
                                 omemo_error **error);

/**
 * Reads what was decrypted in a version (an omemo_protocol): `omemo_reading_payload`. An envelope is checked
 * against the stanza that it came in: `sender` is the real account that wrote it, also in a room
 * (`omemo_reading_sender`), and `addressee` the account in the stanza's `to`, or the room of a group message
 * (`is_room` is not 0).
 *
 * `content` gets an object that is yours to free. Errors: OMEMO_ERROR_STANZA_CONTENT: it is no text, or was
 * meant for somebody else, or written by somebody else, than the stanza says. Show nothing of it.
 */
omemo_status omemo_content_read(uint32_t protocol,
                                const uint8_t *payload,
                                size_t payload_len,
                                const char *sender,
                                const char *addressee,
                                uint8_t is_room,
                                omemo_content **content,
                                omemo_error **error);

/**
 * The text; NULL if there is none.
 */
const char *omemo_content_body(const omemo_content *content);

/**
 * All elements of an envelope, as XML that stands on its own; NULL if the version has a text only.
 */
const char *omemo_content_elements(const omemo_content *content);

/**
 * 1 if it is the wish to end encryption: `omemo_account_opt_out`, and tell the user.
 */
uint8_t omemo_content_has_opt_out(const omemo_content *content);

/**
 * The reason for that; NULL if there is none.
 */
const char *omemo_content_opt_out_reason(const omemo_content *content);

/**
 * When it was written, as it says itself, in milliseconds since 1970; 0 if it does not.
 */
uint64_t omemo_content_sent_at_ms(const omemo_content *content);

/**
 * The encrypted message as if it had come in clear: `shell` is the stanza, or what `omemo_stanza_strip` has
 * left of it. What stands beside the encrypted part was not encrypted, and may be anybody's. Beside an envelope only
 * that stays which servers and rooms make: delays, stanza and origin ids, occupants, hints, addresses, errors.
 * Beside a legacy text threads, receipts, markers and chat states stay as well, and `<replace/>`, `<retract/>` and
 * `<reply/>`, which are to be applied only to messages of the same authenticated sender. `omemo_content_unauthenticated`
 * has the rest.
 *
 * `xml` gets the stanza, which is yours to free with `omemo_string_free`, and `xml_len`, which may be NULL,
 * its bytes without the zero. Errors: OMEMO_ERROR_STANZA.
 */
omemo_status omemo_content_reveal(const omemo_content *content,
                                  const char *shell,
                                  size_t shell_len,
                                  char **xml,
                                  size_t *xml_len,
                                  omemo_error **error);

/**
 * The elements of `shell` that `omemo_content_reveal` leaves out, but for bodies: XML, each element with its namespace.
 * Nobody has authenticated them: do not show them as what the sender says.
 *
 * `xml` gets text that is yours to free with `omemo_string_free`, empty if there are none, and `xml_len`, which may be
 * NULL, its bytes without the zero. Errors: OMEMO_ERROR_STANZA.
 */
omemo_status omemo_content_unauthenticated(const omemo_content *content,
                                           const char *shell,
                                           size_t shell_len,
                                           char **xml,
                                           size_t *xml_len,
                                           omemo_error **error);

/**
 * Frees it, and overwrites what it says. Nothing happens if it is NULL.
 */
void omemo_content_free(omemo_content *content);

/**
 * Reads a stanza, `<message/>` or `<iq/>`, that may show items of a node of OMEMO. `items` gets an object
 * that is yours to free, or NULL if there is nothing such in it.
 *
 * Errors: OMEMO_ERROR_STANZA. What is wrong with an item, the functions say that ask for it.
 */
omemo_status omemo_items_read(const char *xml,
                              size_t xml_len,
                              omemo_items **items,
                              omemo_error **error);

/**
 * What kind of stanza it was: an omemo_source; 0 if `items` is NULL.
 */
uint32_t omemo_items_source(const omemo_items *items);

/**
 * The node: an omemo_node; 0 if `items` is NULL.
 */
uint32_t omemo_items_node(const omemo_items *items);

/**
 * The version of the node: an omemo_protocol; 0 if `items` is NULL.
 */
uint32_t omemo_items_protocol(const omemo_items *items);

/**
 * The attribute `from` of the stanza: whose node it is. There as long as `items` is; NULL if there is none:
 * the own account's.
 */
const char *omemo_items_from(const omemo_items *items);

/**
 * 1 if the item `current` is among them: the only one of a node for one item. Some servers send the item that
 * was made last instead of the one that was published last. If what came is not `current`, there may be one all
 * the same: `omemo_iq_fetch_current_device_list`.
 */
uint8_t omemo_items_has_current(const omemo_items *items);

/**
 * The device list in it. `list` gets an object that is yours to free, or NULL if there is none.
 *
 * Errors: OMEMO_ERROR_STANZA: what is there is no device list.
 */
omemo_status omemo_items_device_list(const omemo_items *items,
                                     omemo_device_list **list,
                                     omemo_error **error);

/**
 * How many bundles are in it, readable or not; 0 if `items` is NULL.
 */
size_t omemo_items_bundle_count(const omemo_items *items);

/**
 * The device whose bundle it is; 0 if there are not so many.
 */
uint32_t omemo_items_bundle_device(const omemo_items *items, size_t index);

/**
 * The bundle of a device. `bundle` gets an object that is yours to free, or NULL if there is none.
 *
 * Errors: OMEMO_ERROR_STANZA: what is there is no bundle (`is_broken` of omemo_fetched_bundle).
 */
omemo_status omemo_items_bundle(const omemo_items *items,
                                uint32_t device,
                                omemo_bundle **bundle,
                                omemo_error **error);

/**
 * Frees what a node held; nothing happens if it is NULL.
 */
void omemo_items_free(omemo_items *items);

/**
 * The namespace of a version (an omemo_protocol): there as long as the library is; NULL if there is no such
 * version.
 */
const char *omemo_protocol_namespace(uint32_t protocol);

/**
 * What a client has among its features (XEP-0115, XEP-0163) to be told when a device list of a version (an
 * omemo_protocol) changes: there as long as the library is; NULL if there is no such version.
 */
const char *omemo_protocol_feature(uint32_t protocol);

/**
 * Writes what publishes a device list: for an `<iq type='set'/>` without a `to`. A server that answers with
 * `precondition-not-met` has a node that is configured differently: `omemo_iq_configure`, then once more.
 *
 * `payload` gets text that is yours to free with `omemo_string_free`, and `payload_len`, which may be NULL,
 * its bytes without the zero; as everywhere here.
 */
omemo_status omemo_iq_publish_device_list(const omemo_device_list *list,
                                          char **payload,
                                          size_t *payload_len,
                                          omemo_error **error);

/**
 * Writes what publishes the bundle of the own device: for an `<iq type='set'/>` without a `to`. `max_items`
 * is an omemo_max_items, which counts in OMEMO 2 only; 0 leaves it to the node, for servers that do not know
 * the option: then `omemo_iq_configure` after it.
 *
 * Errors: OMEMO_ERROR_STANZA: others could not read the bundle.
 */
omemo_status omemo_iq_publish_bundle(const omemo_bundle *bundle,
                                     uint32_t device,
                                     uint32_t max_items,
                                     char **payload,
                                     size_t *payload_len,
                                     omemo_error **error);

/**
 * Writes what configures a node of the own account (an omemo_node of a version) as publishing demands it: for
 * an `<iq type='set'/>` without a `to`. `device` counts for legacy bundles only, `max_items` (an
 * omemo_max_items) for those of OMEMO 2 only; 0: OMEMO_MAX_ITEMS_MAX.
 */
omemo_status omemo_iq_configure(uint32_t node,
                                uint32_t protocol,
                                uint32_t device,
                                uint32_t max_items,
                                char **payload,
                                size_t *payload_len,
                                omemo_error **error);

/**
 * Writes what asks for a device list: for an `<iq type='get'/>` to the bare address of the account. If what
 * comes is not the item `current` (`omemo_items_has_current`), ask for that too.
 */
omemo_status omemo_iq_fetch_device_list(uint32_t protocol,
                                        char **payload,
                                        size_t *payload_len,
                                        omemo_error **error);

/**
 * Writes what asks for the item `current` of a device list: for an `<iq type='get'/>` to the bare address of the
 * account.
 */
omemo_status omemo_iq_fetch_current_device_list(uint32_t protocol,
                                                char **payload,
                                                size_t *payload_len,
                                                omemo_error **error);

/**
 * Writes what asks for the bundle of a device: for an `<iq type='get'/>` to the bare address of the account.
 */
omemo_status omemo_iq_fetch_bundle(uint32_t protocol,
                                   uint32_t device,
                                   char **payload,
                                   size_t *payload_len,
                                   omemo_error **error);

/**
 * Writes what takes the bundle of an own device away: for an `<iq type='set'/>` without a `to`. The device is
 * taken off the list by publishing a list without it.
 */
omemo_status omemo_iq_remove_bundle(uint32_t protocol,
                                    uint32_t device,
                                    char **payload,
                                    size_t *payload_len,
                                    omemo_error **error);

/**
 * Reads an answer. `answer` gets an object that is yours to free, or NULL if the stanza is none. What it
 * holds: `omemo_items_read`.
 *
 * Errors: OMEMO_ERROR_STANZA.
 */
omemo_status omemo_iq_answer_read(const char *xml,
                                  size_t xml_len,
                                  omemo_iq_answer **answer,
                                  omemo_error **error);

/**
 * 1 if it is an error.
 */
uint8_t omemo_iq_answer_is_error(const omemo_iq_answer *answer);

/**
 * Who says so; NULL if the own server does.
 */
const char *omemo_iq_answer_from(const omemo_iq_answer *answer);

/**
 * The id of the request; NULL if there is none.
 */
const char *omemo_iq_answer_id(const omemo_iq_answer *answer);

/**
 * 1 if it is an error with this condition, as "item-not-found" or "precondition-not-met".
 */
uint8_t omemo_iq_answer_has(const omemo_iq_answer *answer, const char *condition);

/**
 * Frees an answer; nothing happens if it is NULL.
 */
void omemo_iq_answer_free(omemo_iq_answer *answer);

/**
 * Reads a message that may have another inside. `forwarded` gets a struct that is yours to free, or NULL if
 * it has none.
 *
 * Errors: OMEMO_ERROR_STANZA.
 */
omemo_status omemo_forwarded_read(const char *xml,
                                  size_t xml_len,
                                  omemo_forwarded **forwarded,
                                  omemo_error **error);

/**
 * Frees a message that came inside another; nothing happens if it is NULL.
 */
void omemo_forwarded_free(omemo_forwarded *forwarded);

/**
 * The name of a cipher (an omemo_cipher) in XEP-0448: there as long as the library is; NULL if there is none
 * of that number.
 */
const char *omemo_cipher_uri(uint32_t cipher);

/**
 * The cipher of a name; 0 if there is none, or `uri` is NULL.
 */
uint32_t omemo_cipher_of_uri(const char *uri);

/**
 * The length of what is uploaded, for a file of `len` bytes: a server wants to know it before (XEP-0363).
 *
 * Errors: OMEMO_ERROR_FILE_TOO_LONG: about 64 GiB are the most.
 */
omemo_status omemo_file_encrypted_len(uint32_t cipher,
                                      uint64_t len,
                                      uint64_t *encrypted_len,
                                      omemo_error **error);

/**
 * The key that a message tells, as in XEP-0448. For GCM the initialisation vector has 12 bytes, or 16 as older
 * clients draw it; for CBC it has 16.
 *
 * `file_key` gets an object that is yours to free. Errors: OMEMO_ERROR_FILE_KEY: a length is another.
 */
omemo_status omemo_file_key_new(uint32_t cipher,
                                const uint8_t *key,
                                size_t key_len,
                                const uint8_t *iv,
                                size_t iv_len,
                                omemo_file_key **file_key,
                                omemo_error **error);

/**
 * The cipher that it is for: an omemo_cipher; 0 if `file_key` is NULL.
 */
uint32_t omemo_file_key_cipher(const omemo_file_key *file_key);

/**
 * The bytes of the key, for the message that tells it, and their number in `len`, which may be NULL.
 */
const uint8_t *omemo_file_key_bytes(const omemo_file_key *file_key,
                                    size_t *len);

/**
 * The initialisation vector, and its bytes in `len`, which may be NULL.
 */
const uint8_t *omemo_file_key_iv(const omemo_file_key *file_key, size_t *len);

/**
 * Frees a key, and overwrites it. Nothing happens if it is NULL.
 */
void omemo_file_key_free(omemo_file_key *file_key);

/**
 * Makes the `aesgcm://` URI of a file that was uploaded to `url` (XEP-0454): it is the body of an encrypted
 * message. Who sees it can read the file: never show it as a link.
 *
 * `uri` gets text that is yours to free with `omemo_string_free`, which overwrites it. Errors:
 * OMEMO_ERROR_FILE_URI: the URL has to begin with `https://` and have no fragment, and the key has to be for
 * OMEMO_CIPHER_AES_256_GCM.
 */
omemo_status omemo_aesgcm_write(const char *url,
                                const omemo_file_key *file_key,
                                char **uri,
                                omemo_error **error);

/**
 * Reads an `aesgcm://` URI. `url` gets where the ciphertext is, an `https://` URL that is yours to free with
 * `omemo_string_free`, and `file_key` an object that is yours to free.
 *
 * Errors: OMEMO_ERROR_FILE_URI.
 */
omemo_status omemo_aesgcm_read(const char *uri,
                               char **url,
                               omemo_file_key **file_key,
                               omemo_error **error);

/**
 * Reads the body of a message, which may be a file: a URI, and perhaps a thumbnail as a `data:` URI in a
 * second line. `url` and `file_key` get what they get in `omemo_aesgcm_read`, and `thumbnail` a text that is
 * yours to free, or NULL if there is none.
 *
 * All three get NULL if the body is anything else: it is a text then, and nothing in it is to be fetched.
 */
omemo_status omemo_aesgcm_of_body(const char *text,
                                  size_t text_len,
                                  char **url,
                                  omemo_file_key **file_key,
                                  char **thumbnail,
                                  omemo_error **error);

/**
 * Begins to encrypt a file with a cipher (an omemo_cipher). `sink` gets the ciphertext, what is uploaded, with
 * `user_data`. `encryptor` gets an object that is yours to free.
 */
omemo_status omemo_file_encryptor_new(uint32_t cipher,
                                      omemo_file_sink sink,
                                      void *user_data,
                                      omemo_file_encryptor **encryptor,
                                      omemo_error **error);

/**
 * Encrypts the next bytes of the file, as many as there are.
 *
 * Errors: OMEMO_ERROR_FILE_SINK, OMEMO_ERROR_FILE_TOO_LONG: begin again with another encryptor.
 * OMEMO_ERROR_STATE: it has ended, or failed before.
 */
omemo_status omemo_file_encryptor_update(omemo_file_encryptor *encryptor,
                                         const uint8_t *plaintext,
                                         size_t len,
                                         omemo_error **error);

/**
 * Ends the file, and says what is to be told about it. `file` must have its `struct_size`, and nothing
 * else. Free the encryptor after it.
 *
 * Errors: as for `omemo_file_encryptor_update`; OMEMO_ERROR_STRUCT.
 */
omemo_status omemo_file_encryptor_finish(omemo_file_encryptor *encryptor,
                                         omemo_encrypted_file *file,
                                         omemo_error **error);

/**
 * Frees an encryptor, whether or not its file has ended. Nothing happens if it is NULL.
 */
void omemo_file_encryptor_free(omemo_file_encryptor *encryptor);

/**
 * Begins to decrypt a file. `claim` may be NULL. `sink` gets the plaintext with `user_data`. `decryptor` gets
 * an object that is yours to free.
 *
 * Errors: OMEMO_ERROR_FILE_NO_HASH; OMEMO_ERROR_VALUE: the hash has another length than those of its function.
 */
omemo_status omemo_file_decryptor_new(const omemo_file_key *file_key,
                                      const omemo_file_claim *claim,
                                      omemo_file_sink sink,
                                      void *user_data,
                                      omemo_file_decryptor **decryptor,
                                      omemo_error **error);

/**
 * Decrypts the next bytes of the file, as many as there are.
 *
 * Errors: OMEMO_ERROR_FILE_SINK, OMEMO_ERROR_FILE_TOO_LONG; OMEMO_ERROR_STATE: it has ended, or failed before.
 */
omemo_status omemo_file_decryptor_update(omemo_file_decryptor *decryptor,
                                         const uint8_t *ciphertext,
                                         size_t len,
                                         omemo_error **error);

/**
 * Ends the file. If this succeeds, everything that the sink got is authentic. Free the decryptor after it.
 *
 * Errors: OMEMO_ERROR_FILE_AUTHENTICATION: it is not the file that was encrypted: remove what is there.
 * OMEMO_ERROR_FILE_SINK, OMEMO_ERROR_STATE.
 */
omemo_status omemo_file_decryptor_finish(omemo_file_decryptor *decryptor,
                                         omemo_error **error);

/**
 * Frees a decryptor, whether or not its file has ended. Nothing happens if it is NULL.
 */
void omemo_file_decryptor_free(omemo_file_decryptor *decryptor);

/**
 * Writes the element that shares a file, for the content of an envelope, or a message in clear that is going to
 * be encrypted. `file` must have `url`, `key`, a size and a hash: `omemo_file_encryptor_finish` says the last
 * three.
 *
 * `xml` gets text that is yours to free with `omemo_string_free`, which overwrites it, and `xml_len`, which may
 * be NULL, its bytes without the zero. Errors: OMEMO_ERROR_STANZA: the size or the hash is missing;
 * OMEMO_ERROR_VALUE: `disposition` is none.
 */
omemo_status omemo_shared_file_write(const omemo_shared_file *file,
                                     char **xml,
                                     size_t *xml_len,
                                     omemo_error **error);

/**
 * The files that the content of an envelope shares (`omemo_content_elements`), in order. `files` gets a list
 * that is yours to free; it may be empty.
 *
 * Errors: OMEMO_ERROR_STANZA.
 */
omemo_status omemo_shared_files_read(const char *content,
                                     size_t content_len,
                                     omemo_shared_files **files,
                                     omemo_error **error);

/**
 * How many files there are; 0 if `files` is NULL.
 */
size_t omemo_shared_files_count(const omemo_shared_files *files);

/**
 * One of the files; NULL if there are not so many. There as long as `files` is, with its key.
 */
const omemo_shared_file *omemo_shared_files_get(const omemo_shared_files *files, size_t index);

/**
 * Frees a list of files, and overwrites their keys. Nothing happens if it is NULL.
 */
void omemo_shared_files_free(omemo_shared_files *files);

/**
 * Writes an address with fingerprints, `xmpp:...?omemo-sid-...`, as for a QR code. `uri` gets text that is
 * yours to free with `omemo_string_free`.
 *
 * Errors: OMEMO_ERROR_URI: there is no device, or one twice, or more than 1,000.
 */
omemo_status omemo_fingerprint_uri_write(const char *jid,
                                         const omemo_device_fingerprint *keys,
                                         size_t count,
                                         char **uri,
                                         omemo_error **error);

/**
 * Reads an address with fingerprints, as it was scanned. `uri` gets an object that is yours to free.
 *
 * Errors: OMEMO_ERROR_URI.
 */
omemo_status omemo_fingerprint_uri_read(const char *text,
                                        size_t text_len,
                                        omemo_fingerprint_uri **uri,
                                        omemo_error **error);

/**
 * Whose devices they are. There as long as `uri` is; NULL if that is NULL.
 */
const char *omemo_fingerprint_uri_jid(const omemo_fingerprint_uri *uri);

/**
 * How many devices there are; 0 if `uri` is NULL.
 */
size_t omemo_fingerprint_uri_count(const omemo_fingerprint_uri *uri);

/**
 * One of the devices; NULL if there are not so many. There as long as `uri` is.
 */
const omemo_device_fingerprint *omemo_fingerprint_uri_get(const omemo_fingerprint_uri *uri,
                                                          size_t index);

/**
 * Frees it; nothing happens if it is NULL.
 */
void omemo_fingerprint_uri_free(omemo_fingerprint_uri *uri);

/**
 * Writes a trust message, `xmpp:...?trust-message...`, for keys of the account `owner`. `uri` gets text that is
 * yours to free with `omemo_string_free`.
 *
 * Errors: OMEMO_ERROR_URI: there is no key, or one twice, or more than 1,000.
 */
omemo_status omemo_trust_message_write(const char *owner,
                                       const omemo_key_id *trusted,
                                       size_t trusted_count,
                                       const omemo_key_id *distrusted,
                                       size_t distrusted_count,
                                       char **uri,
                                       omemo_error **error);

/**
 * Reads a trust message, as it was scanned. `message` gets an object that is yours to free.
 *
 * Errors: OMEMO_ERROR_URI.
 */
omemo_status omemo_trust_message_read(const char *text,
                                      size_t text_len,
                                      omemo_trust_message **message,
                                      omemo_error **error);

/**
 * Whose keys they are. There as long as `message` is; NULL if that is NULL.
 */
const char *omemo_trust_message_owner(const omemo_trust_message *message);

/**
 * A key that is said to be the owner's; NULL if there are not so many. There as long as `message` is.
 */
const omemo_key_id *omemo_trust_message_trusted(const omemo_trust_message *message,
                                                size_t index);

/**
 * A key that is not to be used any more; NULL if there are not so many. There as long as `message` is.
 */
const omemo_key_id *omemo_trust_message_distrusted(const omemo_trust_message *message,
                                                   size_t index);

/**
 * Frees it; nothing happens if it is NULL.
 */
void omemo_trust_message_free(omemo_trust_message *message);

/**
 * 1 if the key with that fingerprint is meant: the id is the fingerprint itself, or an Ed25519 form that has it.
 * 0 if not, or if one of them is NULL.
 */
uint8_t omemo_key_id_calls(const omemo_key_id *id,
                           const omemo_fingerprint *fingerprint);

/**
 * What there is of the account besides its contacts. Nothing is written. `survey` gets an object that is yours
 * to free.
 */
omemo_status omemo_account_survey(const omemo_account *account,
                                  omemo_survey **survey,
                                  omemo_error **error);

/**
 * The side of a version, in order; NULL if there are not so many.
 */
const omemo_version_survey *omemo_survey_version(const omemo_survey *survey, size_t index);

/**
 * Somebody who acknowledges messages; NULL if there are not so many.
 */
const omemo_consumer_survey *omemo_survey_consumer(const omemo_survey *survey, size_t index);

/**
 * Since when a history is being caught up with, or nobody has said its end; 0 if there is none, and of several the
 * first. `order`, which may be NULL, gets an omemo_order, or 0.
 */
uint64_t omemo_survey_catch_up(const omemo_survey *survey,
                               uint32_t *order);

/**
 * How often the store was written since its marker was renewed (`omemo_account_next_incarnation`); UINT64_MAX
 * if it has none.
 */
uint64_t omemo_survey_written(const omemo_survey *survey);

/**
 * Frees a survey; nothing happens if it is NULL.
 */
void omemo_survey_free(omemo_survey *survey);

/**
 * What there is between this device and those of an account: one entry for each device and version of which
 * anything is known. Nothing is written. `peers` gets a list that is yours to free.
 */
omemo_status omemo_account_peers(const omemo_account *account,
                                 const char *jid,
                                 omemo_peer_surveys **peers,
                                 omemo_error **error);

/**
 * How many there are; 0 if `peers` is NULL.
 */
size_t omemo_peer_surveys_count(const omemo_peer_surveys *peers);

/**
 * One of them; NULL if there are not so many. There as long as `peers` is.
 */
const omemo_peer_survey *omemo_peer_surveys_get(const omemo_peer_surveys *peers, size_t index);

/**
 * A session of one of them: the one that is sent on first, then the newest; NULL if there are not so many.
 * There as long as `peers` is.
 */
const omemo_session_survey *omemo_peer_surveys_session(const omemo_peer_surveys *peers,
                                                       size_t index,
                                                       size_t session);

/**
 * Frees them; nothing happens if it is NULL.
 */
void omemo_peer_surveys_free(omemo_peer_surveys *peers);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* OMEMO_H */
