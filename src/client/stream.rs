//! The stream: when it begins, goes on and ends, and what time does to what waits for it.

use rand_core::TryCryptoRng;

use super::Client;
use super::action::Action;
use crate::account::AccountError;
use crate::model::Timestamp;

impl<R: TryCryptoRng> Client<R> {
    /// There is a new stream, and the account can send. What was asked on an older one is forgotten.
    ///
    /// # Errors
    /// [`AccountError`]: call it again.
    pub fn connected(&mut self, now: Timestamp) -> Result<(), AccountError> {
        self.requests.clear();
        self.knowledge.begin_stream(self.account.jid(), now);
        self.outbox.begin_stream();
        self.is_connected = true;
        self.upkeep.begin_stream();
        self.announcements.begin(self.options.versions());
        self.go_on(now)
    }

    /// The stream that was there before goes on (XEP-0198 §5). To be called instead of
    /// [`Self::connected`]: what was pushed or answered on the stream is as fresh as if it had not been
    /// interrupted, so nobody is asked again but for what was not answered yet.
    ///
    /// # Errors
    /// [`AccountError`]: call it again.
    pub fn resumed(&mut self, now: Timestamp) -> Result<(), AccountError> {
        self.note_interruption();
        self.requests.clear();
        self.outbox.begin_stream();
        self.is_connected = true;
        if self.announcements.is_interrupted() {
            self.knowledge.forget_lists(self.account.jid());
            self.announcements.begin(self.options.versions());
        }
        self.go_on(now)
    }

    /// The stream is gone, for good or until it is resumed. Messages wait for it.
    pub fn disconnected(&mut self) {
        self.note_interruption();
        self.is_connected = false;
        self.requests.clear();
        self.outbox.end_stream();
        let is_request = |action: &Action| matches!(action, Action::Request(_));
        self.actions.retain(|action| !is_request(action));
    }

    /// What the server has announced as the most bytes of a stanza (XEP-0478, `<max-bytes/>`); `None`: it has
    /// announced nothing. It counts if it is less than [`Options::stanza_limit`](super::Options::stanza_limit).
    pub const fn set_stanza_limit(&mut self, bytes: Option<usize>) {
        self.stanza_limit = bytes;
    }

    /// Time has passed: to be called when [`Action::WakeAt`] said so, or more often.
    ///
    /// # Errors
    /// [`AccountError`]: call it again.
    pub fn tick(&mut self, now: Timestamp) -> Result<(), AccountError> {
        while let Some((id, open)) = self.requests.expire(now) {
            self.settle(id, open, None, now)?;
        }
        self.outbox.pass_time(now);
        self.go_on(now)
    }

    /// Does what is due once a day: signed pre-keys are replaced, used ones wiped, and old sessions, skipped
    /// keys and messages that nobody has taken removed; bundles that have changed are published. To be called
    /// once a day by a client that is never away, as nothing else does this but
    /// [`Self::end_catch_up`]. It may be called at any time: it takes nothing from a catch-up that is open.
    ///
    /// # Errors
    /// [`AccountError`]: call it again.
    pub fn maintain(&mut self, now: Timestamp) -> Result<(), AccountError> {
        self.account.maintain(now, &mut self.rng)?;
        self.evictions.check();
        self.go_on(now)
    }

    /// If the stream has broken while this device was asking for, or publishing, what is its own, that is done
    /// again from the beginning.
    fn note_interruption(&mut self) {
        let own = self.account.jid();
        if self.requests.is_open(|purpose| purpose.is_own(own)) {
            self.announcements.interrupt();
        }
    }
}
