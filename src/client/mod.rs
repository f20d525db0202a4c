//! The whole protocol between an XMPP stream and plaintext: stanzas in, actions out.
//!
//! A [`Client`] owns no socket, thread or clock. It is given the stanzas that come, transforms those that
//! go, and says what else is to be done. Ids, retries, stream management, history and the outbox stay the
//! application's.
//!
//! ```text
//! connected, resumed, disconnected  the stream
//! receive                           each <message/> that comes     → what became of it
//! encrypt                           each <message/> that goes      → a ticket
//! answer                            what came of a request
//! set_contact, set_room, …          what only the application knows
//! tick                              time has passed
//! begin_catch_up, expect_archive,
//! end_page, end_catch_up            what was written while nobody was there
//! maintain                          a day is over
//!
//! next_action                       requests to send, messages to send, messages to show, questions
//! ```
//!
//! After each call, and until there is none, actions are to be taken with [`Client::next_action`].
//!
//! It does on its own what a device of OMEMO has to (XEP-0384 §4 to §7): publish bundles and its place on
//! the device list, and again when they change or were lost; follow device lists; fetch bundles when a
//! message is about to be sent; answer first messages, send signs of life, mend broken sessions. It never
//! sends plaintext. What must survive a crash is in the store: after the next start it is due again.

mod action;
mod announce;
mod inbound;
mod knowledge;
mod options;
mod outbox;
mod requests;
mod rooms;
mod upkeep;

use core::fmt;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use getrandom::SysRng;
use rand_core::TryCryptoRng;

pub use action::{
    Action, ArchiveId, Archived, ArchivedMessage, Delivery, Disposition, EncryptedMessage,
    IdentityQuestion, Notice, Origin, Prepared, RefusalReason, Refused, Ticket, TrustQuestion,
    Undecryptable, UndecryptableReason,
};
pub use inbound::QueryId;
pub use options::Options;
pub use outbox::EncryptRequestError;
pub use requests::{Answer, IqRequest, NotOurs, RequestId};
pub use rooms::Room;

use self::announce::{Announcements, Removals};
use self::inbound::{Archives, Evictions, PendingOptOut, Unnamed};
use self::knowledge::Knowledge;
use self::outbox::Outbox;
use self::requests::{Open, Purpose, Requests};
use self::upkeep::Upkeep;
use crate::account::{APPLICATION, Account, AccountError, MessageId, Opening, Trust};
use crate::model::{BareJid, DeviceId, Fingerprint, Timestamp};
use crate::stanza::{IqAnswer, Node, Request};
use crate::store::Store;

/// A device of an account, between the stream and the application.
///
/// `R` is where randomness comes from: the operating system, unless somebody says otherwise.
pub struct Client<R = SysRng> {
    account: Account,
    options: Options,
    rng: R,
    is_connected: bool,
    actions: VecDeque<Action>,
    requests: Requests,
    announcements: Announcements,
    removals: Removals,
    knowledge: Knowledge,
    outbox: Outbox,
    rooms: BTreeMap<BareJid, Room>,
    archives: Archives,
    unnamed: Unnamed,
    opt_outs: VecDeque<PendingOptOut>,
    upkeep: Upkeep,
    evictions: Evictions,
    wake_at: Option<Timestamp>,
    /// What the server has announced: the most bytes of a stanza (XEP-0478).
    stanza_limit: Option<usize>,
    /// The time of the last call.
    now: Timestamp,
}

impl Client {
    /// Opens the account of an address in a store, or makes it there.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn open(
        store: Arc<dyn Store>,
        jid: BareJid,
        options: Options,
        now: Timestamp,
    ) -> Result<Self, AccountError> {
        Self::open_with_rng(store, jid, options, SysRng, now)
    }
}

impl<R: TryCryptoRng> Client<R> {
    /// Opens an account with a generator of the caller's.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn open_with_rng(
        store: Arc<dyn Store>,
        jid: BareJid,
        options: Options,
        mut rng: R,
        now: Timestamp,
    ) -> Result<Self, AccountError> {
        let account = Account::open(store, jid, options.account.clone(), now, &mut rng)?;
        let mut client = Self {
            account,
            options,
            rng,
            is_connected: false,
            actions: VecDeque::new(),
            requests: Requests::default(),
            announcements: Announcements::default(),
            removals: Removals::default(),
            knowledge: Knowledge::default(),
            outbox: Outbox::default(),
            rooms: BTreeMap::new(),
            archives: Archives::default(),
            unnamed: Unnamed::default(),
            opt_outs: VecDeque::new(),
            upkeep: Upkeep::default(),
            evictions: Evictions::default(),
            wake_at: None,
            stanza_limit: None,
            now,
        };
        if client.account.opening() == Opening::RolledBack {
            client.notice(Notice::RolledBack);
        }
        for message in client.account.inbox(APPLICATION)? {
            client.deliver(message)?;
        }
        client.evictions.check();
        client.tell_of_evictions()?;
        Ok(client)
    }

    /// The account: fingerprints, devices, trust, and everything else that can be asked.
    #[must_use]
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// What the client's service discovery information has to contain (XEP-0030, XEP-0163 §4.3), so that
    /// servers tell it of changes of device lists.
    #[must_use]
    pub fn features(&self) -> Vec<String> {
        self.options.versions().map(Node::notify_feature).collect()
    }

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

    /// What came of a request. Nothing happens if it is not open any more, or if somebody answers who
    /// was not asked.
    ///
    /// # Errors
    /// [`AccountError`]: the answer may be taken in all the same. Give it again; if nobody does, the time of the
    /// request runs on.
    pub fn answer(
        &mut self,
        id: RequestId,
        answer: Answer<'_>,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let (xml, read) = match answer {
            Answer::None => (None, None),
            // What is no answer counts as one without meaning, from who was asked.
            Answer::Stanza(xml) => (Some(xml), IqAnswer::read(xml).ok().flatten()),
        };
        let own = self.account.jid();
        if let Some(open) = self.requests.close(id, read.as_ref(), own) {
            self.settle(id, open, xml.zip(read.as_ref()), now)?;
        }
        self.go_on(now)
    }

    /// Takes in what came of a request, and tells the messages that wait for it.
    fn settle(
        &mut self,
        id: RequestId,
        open: Open,
        answer: Option<(&str, &IqAnswer<'_>)>,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        if let Err(error) = self.answered(&open.purpose, answer, now) {
            self.requests.reopen(id, open);
            return Err(error);
        }
        if let Some(resource) = open.purpose.asked()
            && !self.requests.is_asked(&resource)
        {
            self.outbox.has_come(&resource);
        }
        Ok(())
    }

    /// If the stream has broken while this device was asking for, or publishing, what is its own, that is done
    /// again from the beginning.
    fn note_interruption(&mut self) {
        let own = self.account.jid();
        if self.requests.is_open(|purpose| purpose.is_own(own)) {
            self.announcements.interrupt();
        }
    }

    fn answered(
        &mut self,
        purpose: &Purpose,
        answer: Option<(&str, &IqAnswer<'_>)>,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        match purpose {
            Purpose::FetchList(jid, version) => self.list_answered(jid, *version, answer, now),
            Purpose::FetchCurrentList(jid, version, other) => {
                self.current_list_answered(jid, *version, other, answer, now)
            }
            Purpose::FetchBundle(peer) => self.bundle_answered(peer, answer, now),
            Purpose::FetchOwnBundle(version) => self.own_bundle_answered(*version, answer),
            Purpose::PublishBundle(publication) => {
                self.bundle_was_published(*publication, answer.map(|(_, answer)| answer), now)
            }
            Purpose::PublishList(publication) => {
                self.list_was_published(*publication, answer.map(|(_, answer)| answer), now)
            }
            Purpose::ConfigureBundles(publication) => {
                self.node_was_configured(*publication, true, now)
            }
            Purpose::WidenBundles(version, max_items) => self.bundles_were_widened(
                *version,
                *max_items,
                answer.map(|(_, answer)| answer),
                now,
            ),
            Purpose::ConfigureList(publication) => {
                self.node_was_configured(*publication, false, now)
            }
            Purpose::LeaveList(version) => {
                self.list_was_left(*version, answer.map(|(_, answer)| answer), now)
            }
            Purpose::RemoveBundle(version) => {
                self.bundle_was_removed(*version, answer.map(|(_, answer)| answer));
                Ok(())
            }
        }
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

    /// What is to be done next; `None` if there is nothing.
    pub fn next_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Whether [`Self::next_action`] has something.
    #[must_use]
    pub fn has_actions(&self) -> bool {
        !self.actions.is_empty()
    }

    /// The application has stored a message that was delivered: it is not handed out again.
    ///
    /// # Errors
    /// [`AccountError`]: it may be handed out again.
    pub fn acknowledge(&self, id: &MessageId) -> Result<(), AccountError> {
        self.account.acknowledge(id, APPLICATION)
    }

    /// Somebody has decided about a key. Messages that waited for it go on. If it is the key that a device
    /// shows in the place of another one ([`Action::DecideIdentity`]), to trust it is to accept it as the
    /// device's key, and to distrust it is to keep the one before.
    ///
    /// # Errors
    /// [`AccountError`]: it may be decided all the same; calling again is safe.
    pub fn decide(
        &mut self,
        jid: &BareJid,
        key: &Fingerprint,
        trust: Trust,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        self.account.set_trust(jid, key, trust, now)?;
        if trust.allows_sending() {
            self.account.accept_identities(jid, key, now)?;
        }
        self.outbox.was_decided(jid, key);
        self.go_on(now)
    }

    /// The user accepts the identity key that a device shows in the place of another one
    /// ([`Action::DecideIdentity`]). Messages that waited for it go on, in new sessions. To keep the old key,
    /// distrust the new one: [`Self::decide`].
    ///
    /// # Errors
    /// [`AccountError`]: it may be accepted all the same; calling again is safe.
    pub fn accept_identity(
        &mut self,
        jid: &BareJid,
        device: DeviceId,
        key: &Fingerprint,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        self.account.accept_identity(jid, device, key, now)?;
        self.outbox.was_decided(jid, key);
        self.go_on(now)
    }

    /// Says of a contact whether the user has accepted it (only then is anything sent to it by itself),
    /// and whether its server tells this client when its device list changes: with a subscription to its
    /// presence, as a rule. Lists of others are asked for before a message.
    ///
    /// # Errors
    /// [`AccountError`]: it may be entered all the same; calling again is safe.
    pub fn set_contact(
        &mut self,
        jid: &BareJid,
        is_accepted: bool,
        is_subscribed: bool,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        self.knowledge.set_subscribed(jid, is_subscribed);
        if self.account.is_accepted(jid)? != is_accepted {
            self.account.set_accepted(jid, is_accepted, now)?;
        }
        self.go_on(now)
    }

    /// Says whether the user has blocked an account (XEP-0191), or everybody at a domain: nothing is sent to it
    /// by itself, and its device lists and bundles are not asked for. It is stored. After a login compare the
    /// server's list with [`Account::blocked`](crate::account::Account::blocked).
    ///
    /// # Errors
    /// [`AccountError`]: it may be entered all the same; calling again is safe.
    pub fn set_blocked(
        &mut self,
        jid: &BareJid,
        is_blocked: bool,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        self.account.set_blocked(jid, is_blocked)?;
        self.go_on(now)
    }

    /// What the server has announced as the most bytes of a stanza (XEP-0478, `<max-bytes/>`); `None`: it has
    /// announced nothing. It counts if it is less than [`Options::stanza_limit`].
    pub const fn set_stanza_limit(&mut self, bytes: Option<usize>) {
        self.stanza_limit = bytes;
    }

    /// Does what can be done now.
    fn go_on(&mut self, now: Timestamp) -> Result<(), AccountError> {
        self.now = now;
        self.read_unnamed(now)?;
        self.enter_opt_outs(now)?;
        self.tell_of_evictions()?;
        if self.is_connected {
            self.knowledge.forget_old(now);
            self.announce(now)?;
            // A repair comes first: its session is the one for the messages that wait.
            self.attend(now);
            self.send_outbox(now)?;
        }
        self.set_alarm(now);
        Ok(())
    }

    /// Says when something is to be done without anybody calling.
    fn set_alarm(&mut self, now: Timestamp) {
        let next = [
            self.requests.next_expiry(),
            self.unnamed.next_deadline(),
            self.announcements.next(now),
            self.own_list_retry(),
            self.upkeep.next(),
            self.outbox.next_deadline(),
        ];
        let next = next.into_iter().flatten().min();
        if next.is_some() && next != self.wake_at {
            self.actions
                .retain(|action| !matches!(action, Action::WakeAt(_)));
            self.actions.extend(next.map(Action::WakeAt));
        }
        self.wake_at = next;
    }

    fn request(
        &mut self,
        purpose: Purpose,
        to: Option<&BareJid>,
        request: Request,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let until = now.after(self.options.request_timeout);
        // Our own nodes are our server's, which needs no address.
        let to = to.filter(|to| *to != self.account.jid()).cloned();
        let request = self
            .requests
            .open(purpose, to, request, until, &mut self.rng)?;
        self.actions.push_back(Action::Request(request));
        Ok(())
    }

    fn notice(&mut self, notice: Notice) {
        self.actions.push_back(Action::Notice(notice));
    }
}

impl<R> fmt::Debug for Client<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("account", &self.account)
            .field("is_connected", &self.is_connected)
            .field("actions", &self.actions.len())
            .finish_non_exhaustive()
    }
}
