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
mod answers;
mod inbound;
mod knowledge;
mod options;
mod outbox;
mod people;
mod requests;
mod rooms;
mod stream;
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
use self::requests::Requests;
use self::upkeep::Upkeep;
use crate::account::{APPLICATION, Account, AccountError, MessageId, Rollback};
use crate::model::{BareJid, Timestamp};
use crate::stanza::Node;
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
    /// What the user was told of the store as an old copy.
    told_rollback: Option<Rollback>,
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
            told_rollback: None,
            wake_at: None,
            stanza_limit: None,
            now,
        };
        client.tell_of_rollback()?;
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

    /// What is to be done next; `None` if there is nothing.
    pub fn next_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Whether [`Self::next_action`] has something.
    #[must_use]
    pub fn has_actions(&self) -> bool {
        !self.actions.is_empty()
    }

    /// The application has stored messages that were delivered: they are not handed out again. Those of a page, or
    /// of all actions that came with one call, are best given at once: one write takes up to 1,000 of them.
    ///
    /// # Errors
    /// [`AccountError`]: they may be handed out again. To give them once more is safe.
    pub fn acknowledge(&self, ids: &[MessageId]) -> Result<(), AccountError> {
        self.account.acknowledge(ids, APPLICATION)
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
            if self.announcements.are_bundles_known() {
                // A repair comes first: its session is the one for the messages that wait.
                self.attend(now);
                self.send_outbox(now)?;
            }
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
