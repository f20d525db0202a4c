/*
 * omemo.h for C++11: handles that free themselves, and errors as exceptions or, with -DOMEMO_NO_EXCEPTIONS, as a
 * value that is looked at (omemo::result). Header only; nothing of it crosses the ABI of the library.
 *
 *     auto store = omemo::store::sqlite("omemo.db");
 *     auto client = omemo::client::open(store, "juliet@capulet.example", options, now);
 *     client.connected(now);
 *     while (omemo::action action = client.next_action()) { … }
 *
 * Texts and payloads come as copies in std::string, which are not overwritten when they go: what is secret in them stays in
 * memory until that is used again. The functions of omemo.h hand out what overwrites itself.
 *
 * All files of a program choose the same. What has no method here is called with get(): client.get() is the omemo_client *.
 */
#ifndef OMEMO_HPP
#define OMEMO_HPP

#include <omemo.h>

#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace omemo {

/* What is known of a call that failed. Copies share it. */
class error : public std::exception {
public:
  explicit error(omemo_error *given) : error_(given, omemo_error_free) {}
  omemo_status status() const noexcept { return omemo_error_status(error_.get()); }
  omemo_remedy remedy() const noexcept { return omemo_error_remedy(error_.get()); }
  std::string stage() const { return omemo_error_stage(error_.get()); }
  const char *what() const noexcept override { return omemo_error_message(error_.get()); }
  /* Why a message may not go out, and the devices that it concerns; null and none if it is not that. */
  const omemo_refusal *refusal() const noexcept { return omemo_error_refusal(error_.get()); }
  std::size_t device_count() const noexcept { return omemo_error_device_count(error_.get()); }
  const omemo_device_report *device(std::size_t i) const noexcept { return omemo_error_device(error_.get(), i); }

private:
  std::shared_ptr<omemo_error> error_;
};

namespace detail {
struct freer {
  void operator()(omemo_action *p) const noexcept { omemo_action_free(p); }
  void operator()(omemo_strings *p) const noexcept { omemo_strings_free(p); }
  void operator()(omemo_devices *p) const noexcept { omemo_devices_free(p); }
  void operator()(omemo_keys *p) const noexcept { omemo_keys_free(p); }
  void operator()(omemo_conversation *p) const noexcept { omemo_conversation_free(p); }
  void operator()(omemo_bundle *p) const noexcept { omemo_bundle_free(p); }
  void operator()(omemo_device_list *p) const noexcept { omemo_device_list_free(p); }
  void operator()(omemo_peers *p) const noexcept { omemo_peers_free(p); }
  void operator()(omemo_sent *p) const noexcept { omemo_sent_free(p); }
  void operator()(omemo_stanza *p) const noexcept { omemo_stanza_free(p); }
  void operator()(omemo_reading *p) const noexcept { omemo_reading_free(p); }
  void operator()(omemo_readings *p) const noexcept { omemo_readings_free(p); }
  void operator()(omemo_due_answers *p) const noexcept { omemo_due_answers_free(p); }
  void operator()(omemo_undecided_keys *p) const noexcept { omemo_undecided_keys_free(p); }
  void operator()(omemo_list_change *p) const noexcept { omemo_list_change_free(p); }
  void operator()(omemo_plain *p) const noexcept { omemo_plain_free(p); }
  void operator()(omemo_content *p) const noexcept { omemo_content_free(p); }
  void operator()(omemo_items *p) const noexcept { omemo_items_free(p); }
  void operator()(omemo_listed_keys *p) const noexcept { omemo_listed_keys_free(p); }
  void operator()(omemo_iq_answer *p) const noexcept { omemo_iq_answer_free(p); }
  void operator()(omemo_forwarded *p) const noexcept { omemo_forwarded_free(p); }
  void operator()(omemo_file_key *p) const noexcept { omemo_file_key_free(p); }
  void operator()(omemo_file_encryptor *p) const noexcept { omemo_file_encryptor_free(p); }
  void operator()(omemo_file_decryptor *p) const noexcept { omemo_file_decryptor_free(p); }
  void operator()(omemo_shared_files *p) const noexcept { omemo_shared_files_free(p); }
  void operator()(omemo_fingerprint_uri *p) const noexcept { omemo_fingerprint_uri_free(p); }
  void operator()(omemo_trust_message *p) const noexcept { omemo_trust_message_free(p); }
  void operator()(omemo_survey *p) const noexcept { omemo_survey_free(p); }
  void operator()(omemo_peer_surveys *p) const noexcept { omemo_peer_surveys_free(p); }
  void operator()(omemo_store *p) const noexcept { omemo_store_unref(p); }
  void operator()(omemo_account *p) const noexcept { omemo_account_unref(p); }
  void operator()(omemo_client *p) const noexcept { omemo_client_unref(p); }
};
inline omemo_store *ref(omemo_store *p) noexcept { return omemo_store_ref(p); }
inline omemo_account *ref(omemo_account *p) noexcept { return omemo_account_ref(p); }
inline omemo_client *ref(omemo_client *p) noexcept { return omemo_client_ref(p); }
inline std::string text(const char *given) { return given == nullptr ? std::string() : std::string(given); }
/* Text and bytes that the library has made: copied, and freed. */
inline std::string taken(char *given, std::size_t length) {
  const std::string copy(given, length);
  omemo_string_free(given);
  return copy;
}
inline std::string taken(uint8_t *given, std::size_t length) {
  const std::string copy(reinterpret_cast<const char *>(given), length);
  omemo_bytes_free(given);
  return copy;
}
/* Text that the library keeps: copied. */
template <typename T> std::string kept(const T *owner, const char *(*text)(const T *, std::size_t *)) {
  std::size_t length = 0;
  const char *given = text(owner, &length);
  return given == nullptr ? std::string() : std::string(given, length);
}
/* What an object has several of. What the structs point to lives as long as the object does. */
template <typename T, typename Item>
std::vector<Item> all(const T *owner, std::size_t (*count)(const T *), const Item *(*get)(const T *, std::size_t)) {
  std::vector<Item> items;
  for (std::size_t i = 0; i < count(owner); i++) {
    items.push_back(*get(owner, i));
  }
  return items;
}
inline std::vector<std::string> taken(omemo_strings *given) {
  const std::unique_ptr<omemo_strings, freer> freed(given);
  std::vector<std::string> copies;
  for (std::size_t i = 0; i < omemo_strings_count(given); i++) {
    copies.push_back(omemo_strings_get(given, i));
  }
  return copies;
}
inline std::vector<const char *> pointers(const std::vector<std::string> &texts) {
  std::vector<const char *> pointers;
  for (const std::string &text : texts) {
    pointers.push_back(text.c_str());
  }
  return pointers;
}
} // namespace detail

/* Has an object of the library: one owner. */
template <typename T> using owned = std::unique_ptr<T, detail::freer>;

/* Has a reference to a handle of the library; copies have references of their own. */
template <typename T> class handle {
public:
  handle() noexcept = default;
  explicit handle(T *taken) noexcept : pointer_(taken) {}
  handle(const handle &other) noexcept : pointer_(detail::ref(other.get())) {}
  handle(handle &&other) noexcept = default;
  handle &operator=(handle other) noexcept {
    pointer_ = std::move(other.pointer_);
    return *this;
  }
  T *get() const noexcept { return pointer_.get(); }
  explicit operator bool() const noexcept { return static_cast<bool>(pointer_); }

private:
  owned<T> pointer_;
};

#ifndef OMEMO_NO_EXCEPTIONS
/* Throws what has failed. */
inline void check(omemo_status status, omemo_error *failed) {
  if (status != OMEMO_OK) {
    throw error(failed);
  }
}
template <typename T> using result = T;
#define OMEMO_HPP_TRY(call)                                                                                            \
  do {                                                                                                                 \
    omemo_error *failed = nullptr;                                                                                     \
    const omemo_status status_ = (call);                                                                               \
    ::omemo::check(status_, failed);                                                                                   \
  } while (0)
typedef void done;
#define OMEMO_HPP_DONE
#else
/* A value, or the error in its place. Asking for the value of a failure ends the process. */
template <typename T> class result {
public:
  result(T value) : value_(new T(std::move(value))) {}
  result(error failed) : error_(new ::omemo::error(std::move(failed))) {}
  explicit operator bool() const noexcept { return static_cast<bool>(value_); }
  T &value() {
    if (!value_) {
      std::terminate();
    }
    return *value_;
  }
  const ::omemo::error &failure() const {
    if (!error_) {
      std::terminate();
    }
    return *error_;
  }

private:
  std::unique_ptr<T> value_;
  std::unique_ptr<::omemo::error> error_;
};
struct nothing {};
#define OMEMO_HPP_TRY(call)                                                                                            \
  do {                                                                                                                 \
    omemo_error *failed = nullptr;                                                                                     \
    const omemo_status status_ = (call);                                                                               \
    if (status_ != OMEMO_OK) {                                                                                         \
      return ::omemo::error(failed);                                                                                   \
    }                                                                                                                  \
  } while (0)
typedef result<nothing> done;
#define OMEMO_HPP_DONE return nothing()
#endif

/* A fingerprint, as people compare it. */
inline result<std::string> format(const omemo_fingerprint &fingerprint) {
  char text[OMEMO_FINGERPRINT_SIZE];
  OMEMO_HPP_TRY(omemo_fingerprint_format(&fingerprint, text, &failed));
  return std::string(text);
}

/* Options that are as recommended, but for the policy that you choose. */
inline omemo_options recommended(omemo_trust_policy trust) {
  omemo_options options;
  std::memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.trust = trust;
  return options;
}

class store : public handle<omemo_store> {
public:
  using handle::handle;
  static result<store> memory() {
    omemo_store *made = nullptr;
    OMEMO_HPP_TRY(omemo_store_open_memory(&made, &failed));
    return store(made);
  }
  static result<store> sqlite(const std::string &path) {
    omemo_store *made = nullptr;
    OMEMO_HPP_TRY(omemo_store_open_sqlite(path.c_str(), nullptr, &made, &failed));
    return store(made);
  }
  result<store> seal(const omemo_seal_key &key) const {
    omemo_store *made = nullptr;
    OMEMO_HPP_TRY(omemo_store_seal(get(), &key, &made, &failed));
    return store(made);
  }
};

/* Something to do. What its methods return lives as long as it does. False if there is nothing. */
class action : public owned<omemo_action> {
public:
  using owned<omemo_action>::owned;
  omemo_action_type kind() const { return static_cast<omemo_action_type>(omemo_action_kind(get())); }
  std::string stanza() const { return detail::kept(get(), omemo_action_stanza); }
  std::string sender() const { return detail::text(omemo_action_sender(get())); }
  std::string room() const { return detail::text(omemo_action_room(get())); }
  /* Where an archive has a message that came from one, and whose archive it is. */
  std::string archive_id() const { return detail::text(omemo_action_archive_id(get(), nullptr)); }
  std::string archive() const {
    const char *archive = nullptr;
    omemo_action_archive_id(get(), &archive);
    return detail::text(archive);
  }
  /* What nobody has authenticated of a message that is delivered: not to be shown as what its sender says. */
  std::string unauthenticated() const { return detail::kept(get(), omemo_action_unauthenticated); }
  std::vector<omemo_mark> marks() const {
    return detail::all(get(), omemo_action_mark_count, omemo_action_mark);
  }
  /* The report about a message: each device, the members of a room who get nothing, the device lists that could not be
     looked up, and the elements that some devices do not get. */
  std::vector<omemo_device_report> devices() const {
    return detail::all(get(), omemo_action_device_count, omemo_action_device);
  }
  std::vector<omemo_left_out> left_out() const {
    return detail::all(get(), omemo_action_left_out_count, omemo_action_left_out);
  }
  std::vector<omemo_list_report> lists() const {
    return detail::all(get(), omemo_action_list_count, omemo_action_list);
  }
  std::vector<std::string> lost_elements() const {
    std::vector<std::string> elements;
    for (std::size_t i = 0; i < omemo_action_lost_element_count(get()); i++) {
      elements.push_back(omemo_action_lost_element(get(), i));
    }
    return elements;
  }
  /* What the user has to decide about. */
  std::vector<omemo_undecided_key> keys() const {
    return detail::all(get(), omemo_action_key_count, omemo_action_key);
  }
  std::vector<omemo_changed_identity> changed_identities() const {
    return detail::all(get(), omemo_action_changed_identity_count, omemo_action_changed_identity);
  }
  uint64_t ticket() const { return omemo_action_ticket(get()); }
  uint64_t time_ms() const { return omemo_action_time_ms(get()); }
  const omemo_request *request() const { return omemo_action_request(get()); }
  const omemo_message_id *message_id() const { return omemo_action_message_id(get()); }
  const omemo_delivery *delivery() const { return omemo_action_delivery(get()); }
  const omemo_undecryptable *undecryptable() const { return omemo_action_undecryptable(get()); }
  const omemo_refusal *refusal() const { return omemo_action_refusal(get()); }
  const omemo_notice *notice() const { return omemo_action_notice(get()); }
};

/* What a device publishes. */
class bundle : public owned<omemo_bundle> {
public:
  using owned<omemo_bundle>::owned;
  static result<bundle> read(omemo_protocol protocol, const std::string &xml) {
    omemo_bundle *made = nullptr;
    OMEMO_HPP_TRY(omemo_bundle_read(protocol, xml.data(), xml.size(), &made, &failed));
    return bundle(made);
  }
  result<std::string> write() const {
    char *xml = nullptr;
    std::size_t length = 0;
    OMEMO_HPP_TRY(omemo_bundle_write(get(), &xml, &length, &failed));
    return detail::taken(xml, length);
  }
  omemo_protocol protocol() const { return static_cast<omemo_protocol>(omemo_bundle_protocol(get())); }
  omemo_fingerprint fingerprint() const { return *omemo_bundle_fingerprint(get()); }
};

/* The devices that an account announces. */
class device_list : public owned<omemo_device_list> {
public:
  using owned<omemo_device_list>::owned;
  static result<device_list> of(omemo_protocol protocol, const std::vector<uint32_t> &ids) {
    omemo_device_list *made = nullptr;
    OMEMO_HPP_TRY(omemo_device_list_new(protocol, ids.data(), ids.size(), &made, &failed));
    return device_list(made);
  }
  static result<device_list> read(omemo_protocol protocol, const std::string &xml) {
    omemo_device_list *made = nullptr;
    OMEMO_HPP_TRY(omemo_device_list_read(protocol, xml.data(), xml.size(), &made, &failed));
    return device_list(made);
  }
  result<std::string> write() const {
    char *xml = nullptr;
    std::size_t length = 0;
    OMEMO_HPP_TRY(omemo_device_list_write(get(), &xml, &length, &failed));
    return detail::taken(xml, length);
  }
  std::vector<uint32_t> ids() const {
    std::vector<uint32_t> ids;
    for (std::size_t i = 0; i < omemo_device_list_count(get()); i++) {
      ids.push_back(omemo_device_list_get(get(), i)->id);
    }
    return ids;
  }
};

/* A stanza that came, as one device reads it. */
class stanza : public owned<omemo_stanza> {
public:
  using owned<omemo_stanza>::owned;
  static result<stanza> read(const std::string &jid, uint32_t device, const std::string &xml) {
    omemo_stanza *made = nullptr;
    OMEMO_HPP_TRY(omemo_stanza_read(jid.c_str(), device, xml.data(), xml.size(), &made, &failed));
    return stanza(made);
  }
  std::string from() const { return detail::text(omemo_stanza_from(get())); }
  std::string to() const { return detail::text(omemo_stanza_to(get())); }
  const omemo_element *element(omemo_protocol protocol) const { return omemo_stanza_element(get(), protocol); }
};

/* What is left of a message without its encrypted part. */
inline result<std::string> strip(const std::string &xml) {
  char *shell = nullptr;
  std::size_t length = 0;
  OMEMO_HPP_TRY(omemo_stanza_strip(xml.data(), xml.size(), &shell, &length, &failed));
  return detail::taken(shell, length);
}

/* A message that was encrypted. */
class sent : public owned<omemo_sent> {
public:
  using owned<omemo_sent>::owned;
  result<std::string> write(bool is_iq = false) const {
    char *xml = nullptr;
    std::size_t length = 0;
    OMEMO_HPP_TRY(omemo_sent_write(get(), is_iq, &xml, &length, &failed));
    return detail::taken(xml, length);
  }
  std::size_t device_count() const { return omemo_sent_device_count(get()); }
  const omemo_device_report *device(std::size_t index) const { return omemo_sent_device(get(), index); }
};

/* A message in clear that is going to be encrypted. */
class plain : public owned<omemo_plain> {
public:
  using owned<omemo_plain>::owned;
  static result<plain> read(const std::string &xml) {
    omemo_plain *made = nullptr;
    OMEMO_HPP_TRY(omemo_plain_read(xml.data(), xml.size(), &made, &failed));
    return plain(made);
  }
  std::string body() const { return detail::text(omemo_plain_body(get())); }
  result<std::string> payload(omemo_protocol protocol, const std::string &from, const std::string &to,
                              uint64_t sent_at) const {
    uint8_t *payload = nullptr;
    std::size_t length = 0;
    OMEMO_HPP_TRY(
        omemo_plain_payload(get(), protocol, from.c_str(), to.c_str(), sent_at, &payload, &length, &failed));
    return detail::taken(payload, length);
  }
  result<std::string> seal(const sent &message, uint32_t unprotected = 0) const {
    char *xml = nullptr;
    std::size_t length = 0;
    OMEMO_HPP_TRY(omemo_plain_seal(get(), message.get(), unprotected, &xml, &length, &failed));
    return detail::taken(xml, length);
  }
};

/* What a payload says that was decrypted. */
class content : public owned<omemo_content> {
public:
  using owned<omemo_content>::owned;
  static result<content> read(omemo_protocol protocol, const std::string &payload, const std::string &sender,
                              const std::string &addressee, bool is_room = false) {
    omemo_content *made = nullptr;
    OMEMO_HPP_TRY(omemo_content_read(protocol, reinterpret_cast<const uint8_t *>(payload.data()), payload.size(),
                                     sender.c_str(), addressee.c_str(), is_room, &made, &failed));
    return content(made);
  }
  std::string body() const { return detail::text(omemo_content_body(get())); }
  std::string elements() const { return detail::text(omemo_content_elements(get())); }
  bool has_opt_out() const { return omemo_content_has_opt_out(get()) != 0; }
  uint64_t sent_at_ms() const { return omemo_content_sent_at_ms(get()); }
  result<std::string> reveal(const std::string &shell) const {
    char *xml = nullptr;
    std::size_t length = 0;
    OMEMO_HPP_TRY(omemo_content_reveal(get(), shell.data(), shell.size(), &xml, &length, &failed));
    return detail::taken(xml, length);
  }
  result<std::string> unauthenticated(const std::string &shell) const {
    char *xml = nullptr;
    std::size_t length = 0;
    OMEMO_HPP_TRY(omemo_content_unauthenticated(get(), shell.data(), shell.size(), &xml, &length, &failed));
    return detail::taken(xml, length);
  }
};

/* What became of a stanza. What its methods point to lives as long as it does. */
class reading : public owned<omemo_reading> {
public:
  using owned<omemo_reading>::owned;
  omemo_outcome outcome() const { return static_cast<omemo_outcome>(omemo_reading_outcome(get())); }
  std::string sender() const { return detail::text(omemo_reading_sender(get())); }
  std::string payload() const {
    std::size_t length = 0;
    const uint8_t *bytes = omemo_reading_payload(get(), &length);
    return bytes == nullptr ? std::string() : std::string(reinterpret_cast<const char *>(bytes), length);
  }
  std::string attached() const {
    std::size_t length = 0;
    const uint8_t *bytes = omemo_reading_attached(get(), &length);
    return bytes == nullptr ? std::string() : std::string(reinterpret_cast<const char *>(bytes), length);
  }
  const omemo_message_id *message_id() const { return omemo_reading_message_id(get()); }
  const omemo_delivery *delivery() const { return omemo_reading_delivery(get()); }
  const omemo_undecryptable *failure() const { return omemo_reading_failure(get()); }
};

/* What is to be sent: nothing is set but the size. */
inline omemo_outgoing outgoing() {
  omemo_outgoing outgoing;
  std::memset(&outgoing, 0, sizeof outgoing);
  outgoing.struct_size = sizeof outgoing;
  return outgoing;
}

/* What is to be decrypted: nothing is set but the size. */
inline omemo_incoming incoming() {
  omemo_incoming incoming;
  std::memset(&incoming, 0, sizeof incoming);
  incoming.struct_size = sizeof incoming;
  return incoming;
}

class account : public handle<omemo_account> {
public:
  using handle::handle;
  /* For a client that keeps its own XML and traffic; others have omemo::client. */
  static result<account> open(const store &store, const std::string &jid, const omemo_options &options,
                              uint64_t now) {
    omemo_account *made = nullptr;
    OMEMO_HPP_TRY(omemo_account_open(store.get(), jid.c_str(), &options, now, &made, &failed));
    return account(made);
  }
  result<std::string> jid() const {
    char *jid = nullptr;
    OMEMO_HPP_TRY(omemo_account_jid(get(), &jid, &failed));
    return detail::taken(jid, std::strlen(jid));
  }
  /* This device's bundle; what was published goes to bundle_published with its revision. */
  result<omemo::bundle> bundle(omemo_protocol protocol, uint64_t &revision) const {
    omemo_bundle *made = nullptr;
    OMEMO_HPP_TRY(omemo_account_bundle(get(), protocol, &made, &revision, nullptr, &failed));
    return omemo::bundle(made);
  }
  done bundle_published(omemo_protocol protocol, uint64_t revision) {
    OMEMO_HPP_TRY(omemo_account_bundle_published(get(), protocol, revision, &failed));
    OMEMO_HPP_DONE;
  }
  result<device_list> own_device_list(omemo_protocol protocol) const {
    omemo_device_list *made = nullptr;
    OMEMO_HPP_TRY(omemo_account_own_device_list(get(), protocol, &made, &failed));
    return device_list(made);
  }
  done device_list_published(omemo_protocol protocol, uint64_t now) {
    OMEMO_HPP_TRY(omemo_account_device_list_published(get(), protocol, now, &failed));
    OMEMO_HPP_DONE;
  }
  done set_device_list(const std::string &jid, const device_list &list, uint64_t now) {
    OMEMO_HPP_TRY(omemo_account_set_device_list(get(), jid.c_str(), list.get(), now, nullptr, &failed));
    OMEMO_HPP_DONE;
  }
  /* What has to be asked for: the accounts whose lists are missing, then the devices whose bundles are. */
  result<std::pair<owned<omemo_peers>, owned<omemo_peers>>> missing(const std::vector<std::string> &recipients,
                                                                    bool legacy = true, bool omemo2 = true) const {
    const std::vector<const char *> jids = detail::pointers(recipients);
    omemo_peers *lists = nullptr, *bundles = nullptr;
    OMEMO_HPP_TRY(
        omemo_account_missing(get(), jids.data(), jids.size(), legacy, omemo2, &lists, &bundles, &failed));
    return std::make_pair(owned<omemo_peers>(lists), owned<omemo_peers>(bundles));
  }
  result<sent> encrypt(const omemo_outgoing &message, uint64_t now) {
    omemo_sent *made = nullptr;
    OMEMO_HPP_TRY(omemo_account_encrypt(get(), &message, now, &made, &failed));
    return sent(made);
  }
  result<sent> encrypt_empty(const omemo_peer &peer, const omemo::bundle &fetched, uint64_t now) {
    omemo_sent *made = nullptr;
    OMEMO_HPP_TRY(omemo_account_encrypt_empty(get(), &peer, fetched.get(), now, &made, &failed));
    return sent(made);
  }
  result<reading> decrypt(const std::string &sender, const stanza &stanza, const std::string &attached,
                          uint64_t now) {
    const char *const senders[] = {sender.c_str()};
    omemo_incoming incoming = omemo::incoming();
    incoming.senders = senders;
    incoming.sender_count = 1;
    incoming.stanza = stanza.get();
    incoming.attached = reinterpret_cast<const uint8_t *>(attached.data());
    incoming.attached_len = attached.size();
    return decrypt(incoming, now);
  }
  /* One that may be from several accounts, or came from an archive. */
  result<reading> decrypt(const omemo_incoming &incoming, uint64_t now) {
    omemo_reading *made = nullptr;
    OMEMO_HPP_TRY(omemo_account_decrypt(get(), &incoming, now, &made, &failed));
    return reading(made);
  }
  /* The bundles that show which of several accounts has sent it. */
  result<owned<omemo_peers>> bundles_to_tell(const omemo_incoming &incoming) const {
    omemo_peers *made = nullptr;
    OMEMO_HPP_TRY(omemo_account_bundles_to_tell(get(), &incoming, &made, &failed));
    return owned<omemo_peers>(made);
  }
  done acknowledge(const std::vector<omemo_message_id> &ids) {
    OMEMO_HPP_TRY(omemo_account_acknowledge(get(), ids.data(), ids.size(), nullptr, &failed));
    OMEMO_HPP_DONE;
  }
  result<omemo_fingerprint> fingerprint() const {
    omemo_fingerprint fingerprint;
    OMEMO_HPP_TRY(omemo_account_fingerprint(get(), &fingerprint, &failed));
    return fingerprint;
  }
  result<uint32_t> device() const {
    uint32_t device = 0;
    OMEMO_HPP_TRY(omemo_account_device(get(), &device, &failed));
    return device;
  }
  result<std::vector<omemo_key>> keys(const std::string &jid) const {
    omemo_keys *list = nullptr;
    OMEMO_HPP_TRY(omemo_account_keys(get(), jid.c_str(), &list, &failed));
    const owned<omemo_keys> freed(list);
    return detail::all(freed.get(), omemo_keys_count, omemo_keys_get);
  }
  done set_trust(const std::string &jid, const omemo_fingerprint &key, omemo_trust trust, uint64_t now) {
    OMEMO_HPP_TRY(omemo_account_set_trust(get(), jid.c_str(), &key, trust, now, &failed));
    OMEMO_HPP_DONE;
  }
  /* With a client: omemo::client::set_contact and set_blocked. */
  done set_accepted(const std::string &jid, bool is_accepted, uint64_t now) {
    OMEMO_HPP_TRY(omemo_account_set_accepted(get(), jid.c_str(), is_accepted, now, &failed));
    OMEMO_HPP_DONE;
  }
  done set_blocked(const std::string &jid, bool is_blocked) {
    OMEMO_HPP_TRY(omemo_account_set_blocked(get(), jid.c_str(), is_blocked, &failed));
    OMEMO_HPP_DONE;
  }
  /* Accounts and domains. */
  result<std::vector<std::string>> blocked() const {
    omemo_strings *list = nullptr;
    OMEMO_HPP_TRY(omemo_account_blocked(get(), &list, &failed));
    return detail::taken(list);
  }
  done opt_in(const std::string &jid, uint64_t now) {
    OMEMO_HPP_TRY(omemo_account_opt_in(get(), jid.c_str(), now, &failed));
    OMEMO_HPP_DONE;
  }
  /* Without a client: the number goes to end_catch_up, and to omemo_incoming. */
  result<uint64_t> begin_catch_up(omemo_order order, uint64_t now) {
    uint64_t catch_up = 0;
    OMEMO_HPP_TRY(omemo_account_begin_catch_up(get(), order, now, &catch_up, &failed));
    return catch_up;
  }
  done end_catch_up(uint64_t catch_up, uint64_t now) {
    OMEMO_HPP_TRY(omemo_account_end_catch_up(get(), catch_up, now, &failed));
    OMEMO_HPP_DONE;
  }
  /* Once a day. */
  done maintain(uint64_t now) {
    OMEMO_HPP_TRY(omemo_account_maintain(get(), now, &failed));
    OMEMO_HPP_DONE;
  }
};

class client : public handle<omemo_client> {
public:
  using handle::handle;
  static result<client> open(const store &store, const std::string &jid, const omemo_options &options, uint64_t now) {
    omemo_client *made = nullptr;
    OMEMO_HPP_TRY(omemo_client_open(store.get(), jid.c_str(), &options, now, &made, &failed));
    return client(made);
  }
  result<omemo::account> account() const {
    omemo_account *made = nullptr;
    OMEMO_HPP_TRY(omemo_client_account(get(), &made, &failed));
    return omemo::account(made);
  }
  result<std::vector<std::string>> features() const {
    omemo_strings *list = nullptr;
    OMEMO_HPP_TRY(omemo_client_features(get(), &list, &failed));
    return detail::taken(list);
  }
  done connected(uint64_t now) {
    OMEMO_HPP_TRY(omemo_client_connected(get(), now, &failed));
    OMEMO_HPP_DONE;
  }
  /* Instead of connected, where the stream that was there before goes on (XEP-0198). */
  done resumed(uint64_t now) {
    OMEMO_HPP_TRY(omemo_client_resumed(get(), now, &failed));
    OMEMO_HPP_DONE;
  }
  done disconnected() {
    OMEMO_HPP_TRY(omemo_client_disconnected(get(), &failed));
    OMEMO_HPP_DONE;
  }
  result<omemo_disposition> receive(const std::string &xml, uint64_t now) {
    uint32_t disposition = 0;
    OMEMO_HPP_TRY(omemo_client_receive(get(), xml.data(), xml.size(), now, &disposition, &failed));
    return static_cast<omemo_disposition>(disposition);
  }
  result<uint64_t> encrypt(const std::string &xml, const std::vector<std::string> &recipients, uint64_t now) {
    const std::vector<const char *> jids = detail::pointers(recipients);
    uint64_t ticket = 0;
    OMEMO_HPP_TRY(
        omemo_client_encrypt(get(), xml.data(), xml.size(), jids.data(), jids.size(), now, &ticket, &failed));
    return ticket;
  }
  /* Without waiting: what is not there is missing, and the report says so. */
  result<uint64_t> encrypt_now(const std::string &xml, const std::vector<std::string> &recipients, uint64_t now) {
    const std::vector<const char *> jids = detail::pointers(recipients);
    uint64_t ticket = 0;
    OMEMO_HPP_TRY(
        omemo_client_encrypt_now(get(), xml.data(), xml.size(), jids.data(), jids.size(), now, &ticket, &failed));
    return ticket;
  }
  /* Learns keys before there is a message; then comes OMEMO_ACTION_PREPARED with this ticket. */
  result<uint64_t> prepare(const std::vector<std::string> &accounts, uint64_t now) {
    const std::vector<const char *> jids = detail::pointers(accounts);
    uint64_t ticket = 0;
    OMEMO_HPP_TRY(omemo_client_prepare(get(), jids.data(), jids.size(), now, &ticket, &failed));
    return ticket;
  }
  /* What the server announces (XEP-0478, <max-bytes/>); 0: nothing. */
  done set_stanza_limit(std::size_t bytes) {
    OMEMO_HPP_TRY(omemo_client_set_stanza_limit(get(), bytes, &failed));
    OMEMO_HPP_DONE;
  }
  done cancel(uint64_t ticket) {
    OMEMO_HPP_TRY(omemo_client_cancel(get(), ticket, &failed));
    OMEMO_HPP_DONE;
  }
  /* Without the devices about whose keys nobody has decided. */
  done send_anyway(uint64_t ticket, uint64_t now) {
    OMEMO_HPP_TRY(omemo_client_send_anyway(get(), ticket, now, &failed));
    OMEMO_HPP_DONE;
  }
  /* The whole <iq/> that came. */
  done answer(uint64_t request, const std::string &xml, uint64_t now) {
    OMEMO_HPP_TRY(omemo_client_answer(get(), request, xml.data(), xml.size(), now, &failed));
    OMEMO_HPP_DONE;
  }
  /* Nothing came, and nothing will. */
  done no_answer(uint64_t request, uint64_t now) {
    OMEMO_HPP_TRY(omemo_client_answer(get(), request, nullptr, 0, now, &failed));
    OMEMO_HPP_DONE;
  }
  done tick(uint64_t now) {
    OMEMO_HPP_TRY(omemo_client_tick(get(), now, &failed));
    OMEMO_HPP_DONE;
  }
  /* False if there is nothing to do. */
  result<action> next_action() {
    omemo_action *next = nullptr;
    OMEMO_HPP_TRY(omemo_client_next_action(get(), &next, &failed));
    return action(next);
  }
  done acknowledge(const std::vector<omemo_message_id> &ids) {
    OMEMO_HPP_TRY(omemo_client_acknowledge(get(), ids.data(), ids.size(), &failed));
    OMEMO_HPP_DONE;
  }
  done decide(const std::string &jid, const omemo_fingerprint &key, omemo_trust trust, uint64_t now) {
    OMEMO_HPP_TRY(omemo_client_decide(get(), jid.c_str(), &key, trust, now, &failed));
    OMEMO_HPP_DONE;
  }
  /* The user accepts the key that a device shows in the place of another: OMEMO_ACTION_DECIDE_IDENTITY. */
  done accept_identity(const std::string &jid, uint32_t device, const omemo_fingerprint &shown, uint64_t now) {
    OMEMO_HPP_TRY(omemo_client_accept_identity(get(), jid.c_str(), device, &shown, now, &failed));
    OMEMO_HPP_DONE;
  }
  done set_contact(const std::string &jid, bool is_accepted, bool is_subscribed, uint64_t now) {
    OMEMO_HPP_TRY(omemo_client_set_contact(get(), jid.c_str(), is_accepted, is_subscribed, now, &failed));
    OMEMO_HPP_DONE;
  }
  /* An account or a domain (XEP-0191). */
  done set_blocked(const std::string &jid, bool is_blocked, uint64_t now) {
    OMEMO_HPP_TRY(omemo_client_set_blocked(get(), jid.c_str(), is_blocked, now, &failed));
    OMEMO_HPP_DONE;
  }
  done acknowledge_evicted(uint64_t count) {
    OMEMO_HPP_TRY(omemo_client_acknowledge_evicted(get(), count, &failed));
    OMEMO_HPP_DONE;
  }
  done acknowledge_rollback() {
    OMEMO_HPP_TRY(omemo_client_acknowledge_rollback(get(), &failed));
    OMEMO_HPP_DONE;
  }
  /* Ends all sessions with an account, as the user wishes. */
  done reset(const std::string &jid, uint64_t now) {
    OMEMO_HPP_TRY(omemo_client_reset(get(), jid.c_str(), now, &failed));
    OMEMO_HPP_DONE;
  }
  /* Pairs of a nickname and the address of whoever has it. */
  typedef std::vector<std::pair<std::string, std::string>> occupants;
  /* Also the answer to OMEMO_ACTION_ASK_MEMBERS. */
  done set_room(const std::string &room, const std::vector<std::string> &members, const occupants &present,
                uint64_t now) {
    const std::vector<const char *> jids = detail::pointers(members);
    std::vector<omemo_occupant> there;
    for (const auto &occupant : present) {
      there.push_back(omemo_occupant{occupant.first.c_str(), occupant.second.c_str()});
    }
    OMEMO_HPP_TRY(omemo_client_set_room(get(), room.c_str(), jids.data(), jids.size(), there.data(), there.size(), now,
                                        &failed));
    OMEMO_HPP_DONE;
  }
  done leave_room(const std::string &room) {
    OMEMO_HPP_TRY(omemo_client_leave_room(get(), room.c_str(), &failed));
    OMEMO_HPP_DONE;
  }
  /* How many messages wait until it is known who wrote them: acknowledge nothing to the server before it is 0. */
  result<std::size_t> unnamed() const {
    std::size_t count = 0;
    OMEMO_HPP_TRY(omemo_client_unnamed(get(), &count, &failed));
    return count;
  }
  /* Around an absence: begin_catch_up, expect_archive and end_page for each page, end_catch_up. */
  result<uint64_t> begin_catch_up(omemo_order order, uint64_t now) {
    uint64_t catch_up = 0;
    OMEMO_HPP_TRY(omemo_client_begin_catch_up(get(), order, now, &catch_up, &failed));
    return catch_up;
  }
  /* archive: the address of a room, or "" for the account's own. query_id: "" takes results without one, of old servers. */
  result<uint64_t> expect_archive(uint64_t catch_up, const std::string &archive, const std::string &query_id) {
    uint64_t query = 0;
    OMEMO_HPP_TRY(omemo_client_expect_archive(get(), catch_up, archive.empty() ? nullptr : archive.c_str(),
                                              query_id.empty() ? nullptr : query_id.c_str(), &query, &failed));
    return query;
  }
  done end_page(uint64_t query, uint64_t now) {
    OMEMO_HPP_TRY(omemo_client_end_page(get(), query, now, &failed));
    OMEMO_HPP_DONE;
  }
  done end_catch_up(uint64_t catch_up, uint64_t now) {
    OMEMO_HPP_TRY(omemo_client_end_catch_up(get(), catch_up, now, &failed));
    OMEMO_HPP_DONE;
  }
  /* Once a day. */
  done maintain(uint64_t now) {
    OMEMO_HPP_TRY(omemo_client_maintain(get(), now, &failed));
    OMEMO_HPP_DONE;
  }
  /* Whether others can find this device. */
  result<bool> is_published() const {
    uint8_t is_published = 0;
    OMEMO_HPP_TRY(omemo_client_is_published(get(), &is_published, &failed));
    return is_published != 0;
  }
  /* "": no label. */
  done set_label(const std::string &label, uint64_t now) {
    OMEMO_HPP_TRY(omemo_client_set_label(get(), label.empty() ? nullptr : label.c_str(), now, &failed));
    OMEMO_HPP_DONE;
  }
  done remove_own_devices(const std::vector<uint32_t> &devices, uint64_t now) {
    OMEMO_HPP_TRY(omemo_client_remove_own_devices(get(), devices.data(), devices.size(), now, &failed));
    OMEMO_HPP_DONE;
  }
  /* Takes this device off the server. */
  done switch_off(uint64_t now) {
    OMEMO_HPP_TRY(omemo_client_switch_off(get(), now, &failed));
    OMEMO_HPP_DONE;
  }
  /* What they call must not call the library, nor throw. nullptr: nobody is called. */
  done set_wakeup(void (*wakeup)(void *user_data), void *user_data) {
    OMEMO_HPP_TRY(omemo_client_set_wakeup(get(), wakeup, user_data, &failed));
    OMEMO_HPP_DONE;
  }
  done set_log(void (*log)(void *user_data, uint32_t level, const char *line), void *user_data) {
    OMEMO_HPP_TRY(omemo_client_set_log(get(), log, user_data, &failed));
    OMEMO_HPP_DONE;
  }
};

/* The key of an encrypted file. */
class file_key : public owned<omemo_file_key> {
public:
  using owned<omemo_file_key>::owned;
  /* Of an aesgcm:// URI; url gets where the ciphertext is. */
  static result<file_key> read(const std::string &uri, std::string &url) {
    char *made_url = nullptr;
    omemo_file_key *made = nullptr;
    OMEMO_HPP_TRY(omemo_aesgcm_read(uri.c_str(), &made_url, &made, &failed));
    url = detail::taken(made_url, std::strlen(made_url));
    return file_key(made);
  }
  result<std::string> uri(const std::string &url) const {
    char *made = nullptr;
    OMEMO_HPP_TRY(omemo_aesgcm_write(url.c_str(), get(), &made, &failed));
    return detail::taken(made, std::strlen(made));
  }
};

/* Takes the next bytes of a file; false, or an exception, if they could not be written. Must not call the library. */
typedef std::function<bool(const uint8_t *, std::size_t)> file_sink;

namespace detail {
inline int32_t write(void *sink, const uint8_t *bytes, std::size_t length) {
#ifndef OMEMO_NO_EXCEPTIONS
  try {
    return (*static_cast<file_sink *>(sink))(bytes, length) ? 0 : -1;
  } catch (...) { /* as from memory that is full: it must not cross the library */
    return -1;
  }
#else
  return (*static_cast<file_sink *>(sink))(bytes, length) ? 0 : -1;
#endif
}
} // namespace detail

/* What is to be told about a file that was encrypted. */
struct encrypted_file {
  file_key key;
  uint64_t size;
  std::vector<uint8_t> sha256;
};

/* Encrypts one file, piece by piece. */
class file_encryptor {
public:
  static result<file_encryptor> open(file_sink sink, omemo_cipher cipher = OMEMO_CIPHER_AES_256_GCM) {
    file_encryptor made(std::move(sink));
    omemo_file_encryptor *encryptor = nullptr;
    OMEMO_HPP_TRY(omemo_file_encryptor_new(cipher, detail::write, made.sink_.get(), &encryptor, &failed));
    made.encryptor_.reset(encryptor);
    return made;
  }
  done update(const void *bytes, std::size_t length) {
    const uint8_t *given = static_cast<const uint8_t *>(bytes);
    OMEMO_HPP_TRY(omemo_file_encryptor_update(encryptor_.get(), given, length, &failed));
    OMEMO_HPP_DONE;
  }
  result<encrypted_file> finish() {
    omemo_encrypted_file file;
    std::memset(&file, 0, sizeof file);
    file.struct_size = sizeof file;
    OMEMO_HPP_TRY(omemo_file_encryptor_finish(encryptor_.get(), &file, &failed));
    encrypted_file made;
    made.key.reset(file.key);
    made.size = file.size;
    made.sha256.assign(file.sha256, file.sha256 + sizeof file.sha256);
    return made;
  }

private:
  explicit file_encryptor(file_sink sink) : sink_(new file_sink(std::move(sink))) {}
  std::unique_ptr<file_sink> sink_;
  owned<omemo_file_encryptor> encryptor_;
};

/* Decrypts one file, piece by piece. What the sink got is authentic when finish has succeeded, not before. */
class file_decryptor {
public:
  static result<file_decryptor> open(const omemo_file_key *key, file_sink sink,
                                     const omemo_file_claim *claim = nullptr) {
    file_decryptor made(std::move(sink));
    omemo_file_decryptor *decryptor = nullptr;
    OMEMO_HPP_TRY(omemo_file_decryptor_new(key, claim, detail::write, made.sink_.get(), &decryptor, &failed));
    made.decryptor_.reset(decryptor);
    return made;
  }
  done update(const void *bytes, std::size_t length) {
    const uint8_t *given = static_cast<const uint8_t *>(bytes);
    OMEMO_HPP_TRY(omemo_file_decryptor_update(decryptor_.get(), given, length, &failed));
    OMEMO_HPP_DONE;
  }
  done finish() {
    OMEMO_HPP_TRY(omemo_file_decryptor_finish(decryptor_.get(), &failed));
    OMEMO_HPP_DONE;
  }

private:
  explicit file_decryptor(file_sink sink) : sink_(new file_sink(std::move(sink))) {}
  std::unique_ptr<file_sink> sink_;
  owned<omemo_file_decryptor> decryptor_;
};

} // namespace omemo

#undef OMEMO_HPP_TRY
#undef OMEMO_HPP_DONE

#endif
