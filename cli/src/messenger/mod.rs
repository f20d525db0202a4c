//! An XMPP client that is online: a stream, [`omemo::client::Client`] over it, and roster, carbons, archive
//! and rooms.
//!
//! ```text
//! log in → archive from where we were → presence → archive again → OMEMO: publish, send → ready
//! ```
//!
//! The second look is short. What came in between is in the archive or was kept by the server, and its
//! answer comes behind what the server had kept.

mod acknowledged;
mod actions;
mod blocking;
mod caps;
mod catch_up;
mod entering;
mod error;
mod event;
mod folder;
mod incoming;
mod iq;
mod outgoing;
mod recipient;
mod references;
#[cfg(test)]
mod rehearsal;
mod requests;
mod rooms;
mod roster;
mod sent;
mod shared_file;
mod slots;
mod transfer;
mod transfer_error;
mod transfers;
mod trouble;

use core::fmt;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use omemo::account::{CatchUpId, MessageId};
use omemo::client::{Client, Options, QueryId};
use omemo::model::{BareJid, Timestamp};
use roxmltree::Node;
use tokio::time::timeout_at;

pub use error::MessengerError;
pub use event::{Event, Message, Plain, Unreadable};
pub use folder::{Folder, Position};
pub use recipient::Recipient;
pub use references::{Answered, Reaction, References};
pub use shared_file::SharedFile;
pub use transfer::{MAX_DOWNLOAD, Progress};
pub use transfer_error::TransferError;
pub use transfers::TransferId;
pub use trouble::Trouble;

use self::acknowledged::Acknowledged;
use self::blocking::BLOCKING;
use self::caps::Caps;
use self::requests::{Asked, Requests};
use self::rooms::Entered;
use self::roster::Contacts;
use self::sent::Sent;
use self::transfers::Transfers;
use crate::xmpp::element::condition;
use crate::xmpp::{Login, Stream, StreamError};

/// How long a silent server is believed to be there, and then how long it has to say that it is.
const SILENCE: Duration = Duration::from_secs(60);

/// Asks a server for a sign of life (XEP-0199).
const PING: &str = "<ping xmlns='urn:xmpp:ping'/>";

/// An account that is online.
pub struct Messenger {
    login: Login,
    folder: Folder,
    stream: Stream,
    omemo: Client,
    caps: Caps,
    requests: Requests,
    rooms: BTreeMap<BareJid, Entered>,
    transfers: Transfers,
    contacts: Contacts,
    events: VecDeque<Event>,
    /// When the server was heard last, and whether it was asked for a sign of life since.
    heard: (Instant, bool),
    sent: Sent,
    /// Delivered, and not acknowledged yet.
    shown: BTreeSet<MessageId>,
    acknowledged: Acknowledged,
    wake_at: Option<Timestamp>,
    /// What is being caught up with, the query of it, and how far its pages went.
    catch_up: Option<CatchUpId>,
    query: Option<QueryId>,
    pages: BTreeSet<String>,
    /// The archive was asked for everything up to now.
    is_caught_up: bool,
    /// And has given it: from here on the place in it moves with what comes.
    keeps_position: bool,
    is_ready: bool,
    /// When this device is put back on its list, as was told.
    put_back_at: Option<Timestamp>,
}

impl Messenger {
    /// Logs in.
    ///
    /// # Errors
    /// [`MessengerError`].
    pub async fn open(
        login: Login,
        folder: Folder,
        options: Options,
    ) -> Result<Self, MessengerError> {
        // The store first: what is wrong with it should not need a network to be found.
        let omemo = Client::open(folder.store()?, login.jid.clone(), options, now())?;
        let mut login = login;
        let stream = log_in(&mut login, &folder).await?;
        Self::over(stream, omemo, login, folder)
    }

    fn over(
        stream: Stream,
        omemo: Client,
        login: Login,
        folder: Folder,
    ) -> Result<Self, MessengerError> {
        let caps = Caps::new(omemo.features());
        let acknowledged = Acknowledged::new(omemo.account().clone());
        let mut messenger = Self {
            acknowledged,
            login,
            folder,
            stream,
            omemo,
            caps,
            requests: Requests::default(),
            rooms: BTreeMap::new(),
            transfers: Transfers::default(),
            contacts: Contacts::default(),
            events: VecDeque::new(),
            heard: (Instant::now(), false),
            sent: Sent::default(),
            shown: BTreeSet::new(),
            wake_at: None,
            catch_up: None,
            query: None,
            pages: BTreeSet::new(),
            is_caught_up: false,
            keeps_position: false,
            is_ready: false,
            put_back_at: None,
        };
        messenger.begin()?;
        Ok(messenger)
    }

    /// Logs in again after [`MessengerError::Stream`]. Rooms have to be entered again.
    ///
    /// # Errors
    /// [`MessengerError`].
    pub async fn reopen(&mut self) -> Result<(), MessengerError> {
        self.omemo.disconnected();
        for room in core::mem::take(&mut self.rooms).into_keys() {
            self.omemo.leave_room(&room);
        }
        self.stream = log_in(&mut self.login, &self.folder).await?;
        self.begin()
    }

    /// The device: fingerprints, trust, and what else can be asked and said.
    pub const fn omemo(&mut self) -> &mut Client {
        &mut self.omemo
    }

    /// What happens next. Nothing is lost if the caller stops waiting.
    ///
    /// # Errors
    /// [`MessengerError`]; after one of the stream, [`Self::reopen`].
    pub async fn next(&mut self) -> Result<Event, MessengerError> {
        loop {
            self.act()?;
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            self.store_acknowledged()?;
            if self.wake_at.is_some_and(|at| at <= now()) {
                self.wake_at = None;
                self.omemo.tick(now())?;
                continue;
            }
            let due = self.requests.next_expiry();
            if due.is_some_and(|due| due <= Instant::now()) {
                self.give_up_requests(Instant::now())?;
                continue;
            }
            // Kept from call to call: whoever has much to say calls often.
            let (heard, is_asked) = self.heard;
            let silent_at = heard + SILENCE * if is_asked { 2 } else { 1 };
            let alarm = self.wake_at.map(|at| Instant::now() + at.since(now()));
            let times = [alarm, due].into_iter().flatten();
            let until = times.fold(silent_at, Instant::min);
            let stanza = tokio::select! {
                stanza = timeout_at(until.into(), self.stream.next()) => stanza,
                // It never ends: an end of it is held here.
                Some(event) = self.transfers.results.recv() => return Ok(event),
            };
            match stanza {
                Ok(stanza) => {
                    self.heard = (Instant::now(), false);
                    self.take(&stanza?)?;
                }
                Err(_) if silent_at > Instant::now() => {}
                Err(_) if is_asked => return Err(StreamError::Silent.into()),
                Err(_) => {
                    self.heard = (heard, true);
                    self.ask(None, "get", PING, Asked::Nothing)?;
                }
            }
        }
    }

    /// Logs out, when everything is sent.
    pub async fn close(self) {
        self.stream.send("<presence type='unavailable'/>");
        self.stream.close().await;
    }

    /// The first things on a stream.
    fn begin(&mut self) -> Result<(), MessengerError> {
        self.requests.clear();
        self.heard = (Instant::now(), false);
        self.is_caught_up = false;
        self.keeps_position = false;
        self.is_ready = false;
        self.omemo.set_stanza_limit(self.stream.max_bytes);
        self.begin_catch_up()?;
        self.ask(
            None,
            "get",
            "<query xmlns='jabber:iq:roster'/>",
            Asked::Roster,
        )?;
        self.ask(
            None,
            "get",
            &format!("<blocklist xmlns='{BLOCKING}'/>"),
            Asked::Blocklist,
        )?;
        self.ask(
            None,
            "set",
            "<enable xmlns='urn:xmpp:carbons:2'/>",
            Asked::Nothing,
        )?;
        self.transfers.restart();
        self.ask_for_slots()?;
        self.act()
    }
}

/// A stream. After a login with SCRAM the password itself is not sent any more (XEP-0474 §7).
async fn log_in(login: &mut Login, folder: &Folder) -> Result<Stream, StreamError> {
    login.allows_plain &= !folder.knows_scram();
    let stream = Stream::open(login).await?;
    if stream.is_scram {
        folder.keep_scram();
    }
    Ok(stream)
}

fn is_of(node: Node<'_, '_>, name: &str) -> bool {
    node.has_tag_name(("jabber:client", name))
}

/// Why there is no useful answer: as it says, or because there was none in time.
fn why_not(answer: Option<Node<'_, '_>>) -> String {
    match answer {
        Some(answer) => condition(answer).unwrap_or_else(|| "no reason".to_owned()),
        None => "no answer".to_owned(),
    }
}

/// An id that nobody can guess.
fn random_id() -> Result<String, MessengerError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| MessengerError::Random)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// What time it is.
#[must_use]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let millis = since.map_or(0, |since| since.as_millis());
    Timestamp::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

impl fmt::Debug for Messenger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messenger")
            .field("jid", &self.login.jid)
            .field("is_ready", &self.is_ready)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::rehearsal::Rehearsal;
    use super::*;

    #[tokio::test]
    async fn what_is_for_a_room_goes_to_a_room_that_is_known_or_nowhere() {
        let jid: BareJid = "garden@rooms.capulet.example".parse().unwrap();
        let room = Recipient::Room(jid.clone());
        let mut rehearsal = Rehearsal::new(None);
        let send =
            |rehearsal: &mut Rehearsal, to: &Recipient| rehearsal.messenger.send(to, "Ay me!");
        assert_eq!(send(&mut rehearsal, &room), Err(MessengerError::NotInRoom));
        rehearsal.messenger.join(&jid, "juliet").unwrap();
        for to in [&room, &Recipient::Account(jid.clone())] {
            assert_eq!(send(&mut rehearsal, to), Err(MessengerError::NotInRoom));
        }
        rehearsal.enter(&jid).await;
        assert!(send(&mut rehearsal, &room).is_ok());
        // There is no server any more.
        assert!(rehearsal.messenger.reopen().await.is_err());
        assert_eq!(send(&mut rehearsal, &room), Err(MessengerError::NotInRoom));
    }
}
