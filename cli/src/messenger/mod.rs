//! A client that is online: a stream, [`omemo::client::Client`] over it, and what an XMPP client does
//! beside: roster, carbons, archive, rooms.
//!
//! ```text
//! log in → archive from where we were → presence → archive again → OMEMO: publish, send → ready
//! ```
//!
//! The second look is short. What came in between is in the archive or was kept by the server, and its
//! answer comes behind what the server had kept.

mod caps;
mod catch_up;
mod error;
mod event;
mod folder;
mod incoming;
mod recipient;
#[cfg(test)]
mod rehearsal;
mod requests;
mod rooms;
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
use omemo::client::{Action, Client, Options, QueryId, Ticket};
use omemo::model::{BareJid, Timestamp};
use omemo::stanza::PlainMessage;
use roxmltree::Node;

pub use error::MessengerError;
pub use event::{Event, Message, Plain};
pub use folder::{Folder, Position};
pub use recipient::Recipient;
pub use shared_file::SharedFile;
pub use transfer::{MAX_DOWNLOAD, Progress};
pub use transfer_error::TransferError;
pub use transfers::TransferId;
pub use trouble::Trouble;

use self::caps::Caps;
use self::requests::{Asked, Requests};
use self::rooms::{ADMIN, AFFILIATIONS, Entered};
use self::transfers::Transfers;
use crate::xmpp::element::{escape, look};
use crate::xmpp::{Login, Stream, StreamError};

/// How long a silent server is believed to be there, and then how long it has to say that it is.
const SILENCE: Duration = Duration::from_secs(60);

/// Of how many messages that went out it is known which of them comes back.
const MAX_SENT: usize = 1000;

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
    /// Contacts on the roster, and whether their server tells us of changes.
    roster: BTreeMap<BareJid, bool>,
    /// Whose wish to see our presence is granted.
    welcome: BTreeSet<BareJid>,
    events: VecDeque<Event>,
    /// When the server was heard last, and whether it was asked for a sign of life since.
    heard: (Instant, bool),
    /// The last messages that were taken: their ids, to whom they went, and what they are known by.
    sent: VecDeque<(String, BareJid, Ticket)>,
    /// Delivered, and not acknowledged yet.
    shown: BTreeSet<MessageId>,
    wake_at: Option<Timestamp>,
    /// What is being caught up with, and the query of it.
    catch_up: Option<CatchUpId>,
    query: Option<QueryId>,
    /// The archive was asked for everything up to now.
    is_caught_up: bool,
    /// And has given it: from here on the place in it moves with what comes.
    keeps_position: bool,
    is_ready: bool,
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
        let mut messenger = Self {
            login,
            folder,
            stream,
            omemo,
            caps,
            requests: Requests::default(),
            rooms: BTreeMap::new(),
            transfers: Transfers::default(),
            roster: BTreeMap::new(),
            welcome: BTreeSet::new(),
            events: VecDeque::new(),
            heard: (Instant::now(), false),
            sent: VecDeque::new(),
            shown: BTreeSet::new(),
            wake_at: None,
            catch_up: None,
            query: None,
            is_caught_up: false,
            keeps_position: false,
            is_ready: false,
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
            // Kept from call to call: whoever has much to say calls often.
            let (heard, is_asked) = self.heard;
            let patience = SILENCE * if is_asked { 2 } else { 1 };
            let silence = patience.saturating_sub(heard.elapsed());
            let alarm = self.wake_at.map(|at| at.since(now()));
            let wait = alarm.map_or(silence, |alarm| alarm.min(silence));
            let stanza = tokio::select! {
                stanza = tokio::time::timeout(wait, self.stream.next()) => stanza,
                // It never ends: an end of it is held here.
                Some(event) = self.transfers.results.recv() => return Ok(event),
            };
            match stanza {
                Ok(stanza) => {
                    self.heard = (Instant::now(), false);
                    self.take(&stanza?)?;
                }
                Err(_) if alarm.is_some_and(|alarm| alarm <= wait) => {
                    self.wake_at = None;
                    self.omemo.tick(now())?;
                }
                Err(_) if is_asked => {
                    return Err(StreamError::Closed.into());
                }
                Err(_) => {
                    self.heard = (heard, true);
                    self.ask(None, "get", "<ping xmlns='urn:xmpp:ping'/>", Asked::Nothing);
                }
            }
        }
    }

    /// Encrypts a text for an account or a room that was entered, and sends it as soon as it can be:
    /// [`Event::Sent`] or [`Event::Refused`] says so.
    ///
    /// # Errors
    /// [`MessengerError`]: it is not taken.
    pub fn send(&mut self, to: &Recipient, body: &str) -> Result<Ticket, MessengerError> {
        self.write(to, &format!("<body>{}</body>", escape(body)))
    }

    /// Encrypts the elements of a message and sends it.
    fn write(&mut self, to: &Recipient, elements: &str) -> Result<Ticket, MessengerError> {
        let jid = to.jid();
        let kind = match (to, self.rooms.get(jid)) {
            // Before the lists of members have come nobody could be encrypted for.
            (_, Some(entered)) if entered.is_known => "groupchat",
            (Recipient::Room(_), _) | (_, Some(_)) => return Err(MessengerError::NotInRoom),
            (Recipient::Account(_), None) => {
                self.accept(jid)?;
                "chat"
            }
        };
        let id = random_id()?;
        let stanza = format!("<message to='{jid}' type='{kind}' id='{id}'>{elements}</message>");
        let ticket = self
            .omemo
            .encrypt(&stanza, core::slice::from_ref(jid), now())?;
        if self.sent.len() >= MAX_SENT {
            self.sent.pop_front();
        }
        self.sent.push_back((id, jid.clone(), ticket));
        Ok(ticket)
    }

    /// The message was shown: it is not handed out again.
    ///
    /// # Errors
    /// [`MessengerError`]: it may be handed out again.
    pub fn acknowledge(&mut self, id: &MessageId) -> Result<(), MessengerError> {
        self.omemo.acknowledge(id)?;
        self.shown.remove(id);
        Ok(())
    }

    /// Asks to see somebody's presence, and lets him see ours. Servers tell of device lists on that.
    ///
    /// # Errors
    /// [`MessengerError`].
    pub fn subscribe(&mut self, to: &BareJid) -> Result<(), MessengerError> {
        self.welcome.insert(to.clone());
        self.accept(to)?;
        for kind in ["subscribed", "subscribe"] {
            self.stream
                .send(format!("<presence to='{to}' type='{kind}'/>"));
        }
        Ok(())
    }

    /// Enters a room: [`Event::Joined`] or [`Event::NotJoined`] says what came of it.
    pub fn join(&mut self, room: &BareJid, nick: &str) {
        self.rooms.insert(room.clone(), Entered::new(nick));
        let nick = escape(nick);
        self.stream.send(format!(
            "<presence to='{room}/{nick}'><x xmlns='http://jabber.org/protocol/muc'>\
             <history maxstanzas='0'/></x></presence>"
        ));
    }

    /// Asks the server for a sign of life: [`Event::Synced`] comes when it has taken everything before.
    pub fn sync(&mut self) {
        self.ask(None, "get", "<ping xmlns='urn:xmpp:ping'/>", Asked::Sync);
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
        self.begin_catch_up()?;
        self.ask(
            None,
            "get",
            "<query xmlns='jabber:iq:roster'/>",
            Asked::Roster,
        );
        self.ask(
            None,
            "set",
            "<enable xmlns='urn:xmpp:carbons:2'/>",
            Asked::Nothing,
        );
        self.transfers.restart();
        self.ask_for_slots()?;
        self.act()
    }

    /// Whoever is written to is no stranger.
    fn accept(&mut self, jid: &BareJid) -> Result<(), MessengerError> {
        let is_subscribed = self.roster.get(jid).copied().unwrap_or(false);
        Ok(self.omemo.set_contact(jid, true, is_subscribed, now())?)
    }

    fn ask(&mut self, to: Option<&BareJid>, kind: &str, payload: &str, asked: Asked) {
        let id = self.requests.open(to, asked);
        let to = to.map(|to| format!(" to='{to}'")).unwrap_or_default();
        self.stream
            .send(format!("<iq type='{kind}' id='{id}'{to}>{payload}</iq>"));
    }

    fn ask_for_members(&mut self, room: &BareJid) {
        for affiliation in AFFILIATIONS {
            let query =
                format!("<query xmlns='{ADMIN}'><item affiliation='{affiliation}'/></query>");
            self.ask(Some(room), "get", &query, Asked::Members(room.clone()));
        }
    }

    /// Does what OMEMO wants done.
    fn act(&mut self) -> Result<(), MessengerError> {
        while let Some(action) = self.omemo.next_action() {
            match action {
                Action::Request(request) => self.stream.send(request.to_string()),
                Action::Send(stanza) => self.stream.send(stanza),
                Action::Encrypted(message) => {
                    self.stream.send(message.stanza);
                    self.events.push_back(Event::Sent {
                        ticket: message.ticket,
                        report: message.report,
                    });
                }
                Action::Refused(refused) => self.events.push_back(Event::Refused {
                    ticket: refused.ticket,
                    reason: refused.reason,
                }),
                // The same message may come again, by another way, before the first was shown.
                Action::Deliver(delivery) if self.shown.insert(delivery.id) => {
                    match message_of(&delivery) {
                        Some(message) => self.events.push_back(Event::Message(Box::new(message))),
                        // Without a text or a file there is nothing that this program could show.
                        None => self.acknowledge(&delivery.id)?,
                    }
                }
                // The same message has come again, by another way, before the first was shown.
                Action::Deliver(_) => {}
                Action::Undecryptable(what) => self.events.push_back(Event::Unreadable {
                    from: look(&what.stanza, |m| m.attribute("from").map(str::to_owned))
                        .flatten()
                        .unwrap_or_default(),
                    reason: what.reason,
                }),
                Action::DecideTrust(question) => self.events.push_back(Event::Question(question)),
                Action::Notice(notice) => self.events.push_back(Event::Notice(notice)),
                Action::WakeAt(at) => self.wake_at = Some(at),
                _ => {}
            }
        }
        if !self.is_ready && self.is_caught_up && self.omemo.is_published()? {
            self.is_ready = true;
            let device = self.omemo.account().device();
            self.events.push_back(Event::Ready(device));
        }
        Ok(())
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

fn message_of(delivery: &omemo::client::Delivery) -> Option<Message> {
    let message = PlainMessage::read(&delivery.stanza).ok()?;
    let attribute = |name| message.attribute(name).unwrap_or_default().into_owned();
    let files = SharedFile::list(&message, delivery.sender.version);
    let body = message.body().filter(|body| !body.is_empty());
    if body.is_none() && files.is_empty() {
        return None;
    }
    Some(Message {
        id: delivery.id,
        from: attribute("from"),
        to: attribute("to"),
        body: body.unwrap_or_default().to_owned(),
        text: match files.is_empty() {
            true => body.unwrap_or_default().to_owned(),
            false => SharedFile::text_beside(&message).to_owned(),
        },
        files,
        is_groupchat: message.attribute("type").as_deref() == Some("groupchat"),
        sender: delivery.sender.jid.clone(),
        device: delivery.sender.device,
        version: delivery.sender.version,
        fingerprint: delivery.fingerprint,
        trust: delivery.trust,
        origin: delivery.origin,
    })
}

fn is_of(node: Node<'_, '_>, name: &str) -> bool {
    node.has_tag_name(("jabber:client", name))
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
        rehearsal.messenger.join(&jid, "juliet");
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
