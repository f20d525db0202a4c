/*
 * omemo.h for C++11: handles that free themselves, and errors as exceptions or, with -DOMEMO_NO_EXCEPTIONS, as a
 * value that is looked at (omemo::result). Header only; nothing of it crosses the ABI of the library.
 *
 *     auto store = omemo::store::sqlite("omemo.db");
 *     auto client = omemo::client::open(store, "juliet@capulet.example", options, now);
 *     client.connected(now);
 *     while (omemo::action action = client.next_action()) { … }
 *
 * All files of a program choose the same. What has no method here is called with get(): client.get() is the omemo_client *.
 */
#ifndef OMEMO_HPP
#define OMEMO_HPP

#include <omemo.h>

#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace omemo {

/* What is known of a call that failed. */
class error : public std::exception {
public:
  explicit error(omemo_error *given)
      : status_(omemo_error_status(given)), remedy_(omemo_error_remedy(given)), stage_(text(omemo_error_stage(given))),
        message_(text(omemo_error_message(given))) {
    omemo_error_free(given);
  }
  omemo_status status() const noexcept { return status_; }
  omemo_remedy remedy() const noexcept { return remedy_; }
  const std::string &stage() const noexcept { return stage_; }
  const char *what() const noexcept override { return message_.c_str(); }

private:
  static std::string text(const char *given) { return given == nullptr ? std::string() : std::string(given); }
  omemo_status status_;
  omemo_remedy remedy_;
  std::string stage_, message_;
};

namespace detail {
struct freer {
  void operator()(omemo_action *p) const noexcept { omemo_action_free(p); }
  void operator()(omemo_strings *p) const noexcept { omemo_strings_free(p); }
  void operator()(omemo_devices *p) const noexcept { omemo_devices_free(p); }
  void operator()(omemo_keys *p) const noexcept { omemo_keys_free(p); }
  void operator()(omemo_conversation *p) const noexcept { omemo_conversation_free(p); }
  void operator()(omemo_store *p) const noexcept { omemo_store_unref(p); }
  void operator()(omemo_account *p) const noexcept { omemo_account_unref(p); }
  void operator()(omemo_client *p) const noexcept { omemo_client_unref(p); }
};
inline omemo_store *ref(omemo_store *p) noexcept { return omemo_store_ref(p); }
inline omemo_account *ref(omemo_account *p) noexcept { return omemo_account_ref(p); }
inline omemo_client *ref(omemo_client *p) noexcept { return omemo_client_ref(p); }
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
  std::string stanza() const {
    std::size_t length = 0;
    const char *text = omemo_action_stanza(get(), &length);
    return text == nullptr ? std::string() : std::string(text, length);
  }
  std::string sender() const {
    const char *text = omemo_action_sender(get());
    return text == nullptr ? std::string() : std::string(text);
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

class account : public handle<omemo_account> {
public:
  using handle::handle;
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
    std::vector<omemo_key> keys;
    for (std::size_t i = 0; i < omemo_keys_count(list); i++) {
      keys.push_back(*omemo_keys_get(list, i));
    }
    return keys;
  }
  done set_trust(const std::string &jid, const omemo_fingerprint &key, omemo_trust trust, uint64_t now) {
    OMEMO_HPP_TRY(omemo_account_set_trust(get(), jid.c_str(), &key, trust, now, &failed));
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
    const owned<omemo_strings> freed(list);
    std::vector<std::string> features;
    for (std::size_t i = 0; i < omemo_strings_count(list); i++) {
      features.push_back(omemo_strings_get(list, i));
    }
    return features;
  }
  done connected(uint64_t now) {
    OMEMO_HPP_TRY(omemo_client_connected(get(), now, &failed));
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
    std::vector<const char *> jids;
    for (const std::string &jid : recipients) {
      jids.push_back(jid.c_str());
    }
    uint64_t ticket = 0;
    OMEMO_HPP_TRY(
        omemo_client_encrypt(get(), xml.data(), xml.size(), jids.data(), jids.size(), now, &ticket, &failed));
    return ticket;
  }
  done cancel(uint64_t ticket) {
    OMEMO_HPP_TRY(omemo_client_cancel(get(), ticket, &failed));
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
  done acknowledge(const omemo_message_id &id) {
    OMEMO_HPP_TRY(omemo_client_acknowledge(get(), &id, &failed));
    OMEMO_HPP_DONE;
  }
  done decide(const std::string &jid, const omemo_fingerprint &key, omemo_trust trust, uint64_t now) {
    OMEMO_HPP_TRY(omemo_client_decide(get(), jid.c_str(), &key, trust, now, &failed));
    OMEMO_HPP_DONE;
  }
  done set_contact(const std::string &jid, bool is_accepted, bool is_subscribed, uint64_t now) {
    OMEMO_HPP_TRY(omemo_client_set_contact(get(), jid.c_str(), is_accepted, is_subscribed, now, &failed));
    OMEMO_HPP_DONE;
  }
};

} // namespace omemo

#undef OMEMO_HPP_TRY
#undef OMEMO_HPP_DONE

#endif
