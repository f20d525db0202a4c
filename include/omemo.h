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
 *   and checked; flags that are uint8_t are 0 or 1 when they come out, 0 or not when they go in.
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
#define OMEMO_VERSION_MINOR 1

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
 * `flags` of the options: `incarnations` was kept outside of backups, even if it is empty.
 */
#define OMEMO_OPTION_KEEPS_INCARNATIONS 8

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
   * A callback has called the library. It must not, except where the header says so.
   */
  OMEMO_ERROR_REENTERED = 200,
  /**
   * A mistake in the library. What was under way was not stored; the handle is used up.
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
   * A mistake in the program that calls.
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
   * each start. `omemo_action_sender`, `omemo_action_message_id`, `omemo_action_delivery`.
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
   * The server did not take what this device has to publish to the node `text`; `reason` is its
   * condition. Others cannot start conversations with the device. It is tried again after the next
   * connection.
   */
  OMEMO_NOTICE_NOT_PUBLISHED = 3,
  /**
   * The store is an old copy of itself: messages of the time in between may not be readable.
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
   * Something that this version of the header has no name for.
   */
  OMEMO_NOTICE_OTHER = 7,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_notice_kind omemo_notice_kind;
#else
typedef uint32_t omemo_notice_kind;
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
  /**
   * Something that this version of the header has no name for: see `reason`.
   */
  OMEMO_UNDECRYPTABLE_OTHER = 99,
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
   * It does not concern OMEMO: handle it as ever.
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
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_disposition omemo_disposition;
#else
typedef uint32_t omemo_disposition;
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
   * It has published no bundle, or nobody answered.
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
   * Something that this version of the header has no name for: see `reason`.
   */
  OMEMO_GAP_OTHER = 13,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_gap omemo_gap;
#else
typedef uint32_t omemo_gap;
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
   * Some devices would get nothing, and the policy does not allow it; or there is no device at all.
   */
  OMEMO_REFUSAL_GAPS = 4,
  /**
   * It cannot be encrypted or written: see `reason`.
   */
  OMEMO_REFUSAL_CONTENT = 5,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum omemo_refusal_kind omemo_refusal_kind;
#else
typedef uint32_t omemo_refusal_kind;
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
 * One device of one account: everything but XML and traffic.
 *
 * A client has one (`omemo_client_account`), of which all that is known can be asked, and where the user's
 * decisions go. Nothing of it waits for what the client is doing.
 *
 * It is reference counted: `omemo_account_unref` gives a reference back. Threads: any number at the same
 * time. All functions that use it may wait for the disk, except those that say otherwise. All fail
 * with OMEMO_ERROR_STORE_... and OMEMO_ERROR_ACCOUNT_...; nothing has changed then. Addresses are
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
 * The whole protocol between an XMPP stream and plaintext, for one account: stanzas in, actions out. It has
 * no socket, thread or clock. After each call, and until there is none, take actions with
 * `omemo_client_next_action`, or when the wake-up callback has said that there are some.
 *
 * Threads: any number at the same time; changes wait for each other. `omemo_client_account` is for questions,
 * which do not wait. All functions but `omemo_client_unref` may wait for the disk. All fail with
 * OMEMO_ERROR_STORE_..., OMEMO_ERROR_ACCOUNT_... (nothing has changed: call again when the remedy says so),
 * and, after OMEMO_ERROR_INTERNAL, with OMEMO_ERROR_USED_UP. XML is UTF-8 with a length, and need not end
 * with a zero byte; addresses are UTF-8, end with a zero byte, and may have a resource.
 */
typedef struct omemo_client omemo_client;

/**
 * The devices of an account. Threads: one at a time, or several that only read.
 */
typedef struct omemo_devices omemo_devices;

/**
 * What is known of a call that failed. It has no key, no address and no text of a message in it, so it
 * may be logged.
 *
 * A function that fails makes one if its last argument is not NULL; it is yours to free. One that
 * succeeds leaves that argument as it is. Threads: one at a time.
 */
typedef struct omemo_error omemo_error;

/**
 * The keys of an account. Threads: one at a time, or several that only read.
 */
typedef struct omemo_keys omemo_keys;

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
   * The records that are scanned together.
   */
  const uint8_t *partition;
  /**
   * The bytes of `partition`, at most 4,096.
   */
  size_t partition_len;
  /**
   * The place in the partition; compared byte by byte, a shorter one before those that begin with it.
   */
  const uint8_t *sort;
  /**
   * The bytes of `sort`, at most 4,096.
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
   * No more records than that.
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
 * A store of your own. Each function returns an omemo_status: OMEMO_OK, or one of
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
   * Says in which state the store is: 0 at first, and a larger number after each batch that was not
   * empty.
   */
  uint32_t (*generation)(void *user_data, uint64_t *generation);
  /**
   * Makes all changes, one after the other, or none: if the store is still in the state `generation`,
   * into which the new state is written then; OMEMO_CONFLICT if it is not. When it has returned
   * OMEMO_OK, the changes are to survive a crash.
   */
  uint32_t (*apply)(void *user_data,
                    const omemo_store_change *changes,
                    size_t count,
                    uint64_t *generation);
  /**
   * Called when the last reference is gone. May be NULL.
   */
  void (*destroy)(void *user_data);
} omemo_store_callbacks;

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
   * The markers that were kept: see `omemo_account_next_incarnation`.
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
   * For `decide_trust`. Must be there as long as the handle.
   */
  void *decide_trust_data;
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
 * A message that was read.
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
   * When it was sent, as the archive says, or the envelope; 0 if nobody does.
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
} omemo_delivery;

/**
 * A request. Later versions of the library may add fields at the end, as to all structs that it makes.
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
 * Something that the user may want to know.
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
} omemo_notice;

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

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the library, as "0.1.0". The text is there as long as the library is.
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
 * Where it failed: "argument", "library", "random", "store", "account" or "stanza". There as long as
 * the library is; NULL if `error` is NULL.
 */
const char *omemo_error_stage(const omemo_error *error);

/**
 * What happened, in English. There as long as `error` is; NULL if that is NULL.
 */
const char *omemo_error_message(const omemo_error *error);

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
 * A store that encrypts what it keeps in another one, names and all. If the other is empty, it is sealed
 * with this key; if not, it must have been sealed with it. Use it through nothing else then. The key is
 * copied: wipe yours.
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
 * A store of your own. `callbacks` is copied; all but `destroy` must be there. `user_data` is given to each
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
 * Takes devices off the account's own lists: nothing is encrypted for them from now on. The client
 * publishes the lists when it connects next.
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
 * Names this device for the user's other clients: at most 53 characters of one line. NULL: no name. Others
 * see it, so it should not be the name of a machine.
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
 * OMEMO_ERROR_ACCOUNT_GONE. Take the device off the server before: `omemo_client_switch_off`.
 */
omemo_status omemo_account_remove(omemo_account *account, omemo_error **error);

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
 * The stream is gone. Messages wait for the next one.
 */
omemo_status omemo_client_disconnected(omemo_client *client, omemo_error **error);

/**
 * Whether others can find this device: on this stream the server has said, or taken, that its bundles and its
 * place on the device lists are there, in every version that is used. `is_published` gets 1 or 0.
 */
omemo_status omemo_client_is_published(const omemo_client *client,
                                       uint8_t *is_published,
                                       omemo_error **error);

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
 * Takes a `<message/>` to be encrypted for accounts, or for a room that `omemo_client_set_room` has told of.
 * It is held until device lists, bundles and decisions about keys are there; then comes
 * OMEMO_ACTION_ENCRYPTED or OMEMO_ACTION_REFUSED. Messages of one conversation stay in their order.
 *
 * `ticket` gets a number that names the message in the action; it means nothing after a restart: give the
 * message again then. Errors: OMEMO_ERROR_STANZA_...: the message was not taken.
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
 * Forgets a message that waits to be encrypted. Nothing happens if it is gone already.
 */
omemo_status omemo_client_cancel(omemo_client *client, uint64_t ticket, omemo_error **error);

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
 * You have stored a message that was delivered: it is not handed out again.
 */
omemo_status omemo_client_acknowledge(omemo_client *client,
                                      const omemo_message_id *id,
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
 * Ends all sessions with an account, as the user wishes. The next message starts new ones.
 */
omemo_status omemo_client_reset(omemo_client *client,
                                const char *jid,
                                uint64_t now_ms,
                                omemo_error **error);

/**
 * Takes this device off the server: from the lists, and its bundles; then comes a notice. The account stays
 * in the store; `omemo_account_remove` wipes it.
 */
omemo_status omemo_client_switch_off(omemo_client *client,
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
 * and one that was replaced may still be running on another thread. `line` ends with a zero byte, and is
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
 * Messages to the room are encrypted for its members, who count as accepted.
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
 * The room is left: messages to it are messages to an account again.
 */
omemo_status omemo_client_leave_room(omemo_client *client, const char *room, omemo_error **error);

/**
 * Says that messages from a time of absence are coming: offline ones, and those of an archive in this order
 * (an omemo_order). Before the first of them; `omemo_client_end_catch_up` ends it.
 */
omemo_status omemo_client_begin_catch_up(omemo_client *client,
                                         uint32_t order,
                                         uint64_t now_ms,
                                         omemo_error **error);

/**
 * Says that an archive was asked, and with which `queryid`: only results with both are taken. `archive` is
 * the address of a room; NULL: the account's own archive.
 */
omemo_status omemo_client_expect_archive(omemo_client *client,
                                         const char *archive,
                                         const char *query_id,
                                         omemo_error **error);

/**
 * A page of an archive has come as a whole: it is decrypted, and stored at once. Keep the place in the
 * archive after this has returned. After an error the page still waits.
 */
omemo_status omemo_client_end_page(omemo_client *client,
                                   uint64_t now_ms,
                                   omemo_error **error);

/**
 * Everything that was written during the absence has come. Bundles are renewed, and broken sessions mended.
 * Those who are never away call it once a day or so.
 */
omemo_status omemo_client_end_catch_up(omemo_client *client,
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
 * be read it is whoever is said to have written it, if that is known.
 */
const char *omemo_action_sender(const omemo_action *action);

/**
 * The id of a message that is delivered, for `omemo_client_acknowledge`.
 */
const omemo_message_id *omemo_action_message_id(const omemo_action *action);

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

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* OMEMO_H */
