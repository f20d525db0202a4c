//! What the application is to do, and what it is told.

use core::fmt;

use super::requests::IqRequest;
use crate::account::{
    AccountError, ChangedIdentity, Failure, Listing, MessageId, Peer, Refusal, Report, Trust,
    UndecidedKey,
};
use crate::error::PayloadError;
use crate::model::{BareJid, Fingerprint, Timestamp};
use crate::stanza::{ContentError, ElementName, Mark, StanzaError, WriteEnvelopeError};

/// Something to do. Everything is stored that has to be before it is handed out.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Action {
    /// Send this request, and give what comes back to [`Client::answer`](super::Client::answer).
    Request(IqRequest),
    /// A message of the application, encrypted: send it.
    Encrypted(EncryptedMessage),
    /// A message of the application will not go out.
    Refused(Refused),
    /// Send this stanza. It is an empty message; nobody sees it.
    Send(String),
    /// Show this message, store it, then [`Client::acknowledge`](super::Client::acknowledge) it: until
    /// then it is handed out again after each start.
    Deliver(Box<Delivery>),
    /// A message could not be read. Tell the user.
    Undecryptable(Undecryptable),
    /// A result of an archive brings nothing new: the application has the message already, and learns where the
    /// archive has it. Nothing is to be shown.
    Archived(Archived),
    /// Messages wait until somebody has decided about these keys:
    /// [`Client::decide`](super::Client::decide), or
    /// [`Client::send_anyway`](super::Client::send_anyway) without their devices, or
    /// [`Client::cancel`](super::Client::cancel).
    DecideTrust(TrustQuestion),
    /// Devices show other identity keys than before: they were set up anew under their old ids, or
    /// somebody pretends that. Messages wait until somebody has decided:
    /// [`Client::accept_identity`](super::Client::accept_identity) takes the new key,
    /// [`Client::decide`](super::Client::decide) with [`Trust::Distrusted`] keeps the old one;
    /// [`Client::send_anyway`](super::Client::send_anyway) leaves the devices out.
    DecideIdentity(IdentityQuestion),
    /// What [`Client::prepare`](super::Client::prepare) was asked for is there, as far as it can be had.
    Prepared(Prepared),
    /// Messages of this room wait until it is known who its members are: ask the room (XEP-0045 §9.5), then
    /// [`Client::set_room`](super::Client::set_room). If nobody does in time, they come as
    /// [`Self::Undecryptable`]. If the address is of no room that the user is in, do nothing: anybody can
    /// write in the name of one.
    AskMembers(BareJid),
    /// Something happened that the user may want to know.
    Notice(Notice),
    /// Call [`Client::tick`](super::Client::tick) at this time, or a little later. It replaces the time
    /// that was named before.
    WakeAt(Timestamp),
}

/// Names a message that is to be encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub(super) u64);

impl Ticket {
    /// A number of its own, as long as the client lives.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The ticket of that number.
    #[must_use]
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }
}

/// A message that goes out.
#[derive(Clone, Debug)]
pub struct EncryptedMessage {
    /// Which one.
    pub ticket: Ticket,
    /// The stanza to send.
    pub stanza: String,
    /// What became of each device.
    pub report: Report,
    /// The elements of the message that some of the devices do not get: those that read legacy get the text,
    /// and what may stand beside it in clear.
    pub left_out: Vec<ElementName>,
}

/// A message that does not go out.
#[derive(Clone, Debug)]
pub struct Refused {
    /// Which one.
    pub ticket: Ticket,
    /// Why.
    pub reason: RefusalReason,
    /// The elements of the message that some of the devices cannot get: legacy carries a text alone. If there
    /// is none, they are the reason.
    pub left_out: Vec<ElementName>,
}

/// Why a message does not go out.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RefusalReason {
    /// It would not reach whom it should.
    Recipients(Box<Refusal>),
    /// It cannot be encrypted.
    Payload(PayloadError),
    /// It cannot be written.
    Stanza(StanzaError),
    /// Its content cannot be put into an envelope.
    Envelope(WriteEnvelopeError),
    /// The room was left while it waited ([`Client::leave_room`](super::Client::leave_room)): nobody knows who
    /// is in it.
    NotInRoom,
}

impl fmt::Display for RefusalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recipients(refusal) => refusal.fmt(f),
            Self::Payload(error) => error.fmt(f),
            Self::Stanza(error) => error.fmt(f),
            Self::Envelope(error) => error.fmt(f),
            Self::NotInRoom => f.write_str("the room was left while the message waited"),
        }
    }
}

/// A message that was read.
#[derive(Clone)]
pub struct Delivery {
    /// For [`Client::acknowledge`](super::Client::acknowledge); the same each time that the same message
    /// is handed out.
    pub id: MessageId,
    /// The stanza, as if it had come in clear: of a carbon or an archive's result, what was inside.
    /// Of what stood beside the encrypted part it has what servers add, and of a legacy message the signs between clients:
    /// see [`crate::stanza::reveal`].
    pub stanza: String,
    /// The elements that stood beside the encrypted part and are not in the stanza: XML, each element with its
    /// namespace, empty if there are none. Nobody has authenticated them: a server can have added them. Do not show
    /// them as what the sender says.
    pub unauthenticated: String,
    /// The elements of the stanza that name another message, where nobody has authenticated them: a correction, a
    /// retraction or a reply beside a legacy message. Apply them only to messages of the same
    /// [`sender`](Self::sender) account, in the same conversation.
    pub unauthenticated_marks: Vec<Mark>,
    /// The device that wrote it, and the version.
    pub sender: Peer,
    /// Its identity key.
    pub fingerprint: Fingerprint,
    /// What is thought of the key.
    pub trust: Trust,
    /// The key was not known before.
    pub is_new_key: bool,
    /// Where the device stands on its account's list.
    pub listing: Listing,
    /// How the message came.
    pub origin: Origin,
    /// Where the archive has it, if it came from one.
    pub archived: Option<ArchiveId>,
    /// When it was sent, for sorting. What an archive says, or our server in a copy, counts first; then what its
    /// sender says in the envelope ([`Self::written_at`]); then a `<delay/>` of a message that was kept
    /// (XEP-0203), in the name of our own server, of the sender's bare address or of the room, and not later
    /// than now. See [`Self::is_sent_at_authenticated`].
    pub sent_at: Option<Timestamp>,
    /// When it was sent, as its sender says in the envelope: no server can change that. Legacy has none.
    pub written_at: Option<Timestamp>,
    /// It may be an old message that somebody repeats.
    pub is_pre_key_reused: bool,
    /// The stanza had another text for devices that read the other version.
    pub has_other_text: bool,
    /// It was handed out before.
    pub is_again: bool,
}

/// Where an archive has a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveId {
    /// Whose archive it is: the account's own, or a room's.
    pub archive: BareJid,
    /// The archive's id of the message (XEP-0313), for the place in it and for XEP-0359.
    pub id: String,
}

/// A message that the application has, in an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archived {
    /// Where.
    pub archived: ArchiveId,
    /// Which message.
    pub message: ArchivedMessage,
}

/// A message that the application has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ArchivedMessage {
    /// It was delivered before: [`Delivery::id`].
    Read(MessageId),
    /// This device has sent it: its stanza without the encrypted part. Its `id` is the application's.
    Sent(String),
}

impl Delivery {
    /// Whether the time in [`Self::sent_at`] is the sender's own. Servers can change any other, and anybody can
    /// write a `<delay/>`.
    #[must_use]
    pub fn is_sent_at_authenticated(&self) -> bool {
        self.written_at.is_some() && self.sent_at == self.written_at
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("id", &self.id)
            .field("sender", &self.sender)
            .field("trust", &self.trust)
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

/// How a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// To this client.
    Direct,
    /// A copy of what another client of the account received.
    CarbonReceived,
    /// A copy of what another client of the account sent.
    CarbonSent,
    /// From an archive.
    Archive,
}

/// A message that could not be read. Never one without content: nobody has written anything then.
#[derive(Clone, Debug)]
pub struct Undecryptable {
    /// The stanza without its encrypted part: its addresses, ids and times.
    pub stanza: String,
    /// How it came.
    pub origin: Origin,
    /// Where the archive has it, if it came from one and is well-formed.
    pub archived: Option<ArchiveId>,
    /// The account, or the room, that the stanza's `from` names; `None` if it names none. Whether it is true
    /// is another question.
    pub from: Option<BareJid>,
    /// The device that wrote it, if that is certain: if its key was right, and its content was not.
    pub sender: Option<Peer>,
    /// Why.
    pub reason: UndecryptableReason,
}

/// Why a message could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UndecryptableReason {
    /// It is not encrypted for this device: its sender does not know it yet, or has left it out.
    NotForThisDevice,
    /// Its key was not opened, or what it opens is not right.
    Failure(Failure),
    /// It is not well-formed.
    Stanza(StanzaError),
    /// It was decrypted, and is no text, or was meant for somebody else, or written by somebody else,
    /// than the stanza says.
    Content(ContentError),
    /// It does not say who sent it.
    NoSender,
}

impl fmt::Display for UndecryptableReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotForThisDevice => f.write_str("the message is not encrypted for this device"),
            Self::Failure(failure) => failure.reason.fmt(f),
            Self::Stanza(error) => error.fmt(f),
            Self::Content(error) => error.fmt(f),
            Self::NoSender => f.write_str("the message does not say who sent it"),
        }
    }
}

/// Keys that messages wait for.
#[derive(Clone, Debug)]
pub struct TrustQuestion {
    /// The message that waits first.
    pub ticket: Ticket,
    /// The keys.
    pub keys: Vec<UndecidedKey>,
}

/// Devices that show other identity keys than before.
#[derive(Clone, Debug)]
pub struct IdentityQuestion {
    /// The message that waits first.
    pub ticket: Ticket,
    /// The devices, with both keys.
    pub changed: Vec<ChangedIdentity>,
}

/// What is known before there is a message.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// What [`Client::prepare`](super::Client::prepare) returned.
    pub ticket: Ticket,
    /// The keys that a message would wait for.
    pub keys: Vec<UndecidedKey>,
    /// The devices that show other identity keys than before, which a message would wait for too.
    pub changed: Vec<ChangedIdentity>,
}

/// Something that the user may want to know. Its [`Debug`](fmt::Debug) does not show what somebody wrote.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// The account has a new device. Unless the user knows it, somebody else has added it.
    NewOwnDevice(crate::model::DeviceId),
    /// A device is announced for an older version than it has spoken.
    Downgraded(Peer),
    /// The server did not take what this device has to publish, or does not say which devices the account
    /// has: others cannot start conversations with this one. Or it was asked to take this device off, and
    /// did not. A list that the server did not tell is asked for again with growing pauses, and what got no
    /// answer is published again in a few minutes; everything else is tried again after the next connection.
    NotPublished {
        /// The name of the node.
        node: String,
        /// What the server said.
        condition: Option<String>,
    },
    /// The store is an old copy of itself, or a second program uses this device with a copy of it. New sessions
    /// are started by themselves; messages that were written for the state that is lost are not readable. If nobody
    /// has restored a backup, somebody has the keys of this device. Told again after each start until
    /// [`Client::acknowledge_rollback`](super::Client::acknowledge_rollback).
    RolledBack,
    /// What the server has as the bundle of this device can mean the same; but a server can invent it, so nothing
    /// was given up. Told once, and again after each start until
    /// [`Client::acknowledge_rollback`](super::Client::acknowledge_rollback).
    RollbackSuspected,
    /// Somebody ends encryption in a conversation, by a device whose key is trusted. Nothing is encrypted
    /// in it until [`Account::opt_in`](crate::account::Account::opt_in), and nothing goes out in clear by
    /// itself. (An `<opt-out/>` of another device, or in a room, is in the message and does nothing.)
    OptedOut {
        /// Who.
        jid: BareJid,
        /// What was given as the reason.
        reason: Option<String>,
    },
    /// This device was taken off the server, as was asked for.
    SwitchedOff,
    /// Messages were read and are lost: they went because of the limits of the inbox
    /// ([`InboxLimits`](crate::account::InboxLimits)) before the application had acknowledged them. Told again after
    /// each start until [`Client::acknowledge_evicted`](super::Client::acknowledge_evicted).
    Evicted {
        /// How many, in all.
        messages: u64,
    },
    /// What this device sends by itself could not be made: an answer, a sign of life, or a new session. It is
    /// tried again later, and everything else goes on. It is told once, until all goes well again.
    UpkeepFailed(AccountError),
}

impl fmt::Debug for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NewOwnDevice(device) => f.debug_tuple("NewOwnDevice").field(device).finish(),
            Self::Downgraded(peer) => f.debug_tuple("Downgraded").field(peer).finish(),
            Self::NotPublished { node, condition } => f
                .debug_struct("NotPublished")
                .field("node", node)
                .field("condition", condition)
                .finish(),
            Self::RolledBack => f.write_str("RolledBack"),
            Self::RollbackSuspected => f.write_str("RollbackSuspected"),
            Self::OptedOut { jid, .. } => f
                .debug_struct("OptedOut")
                .field("jid", jid)
                .finish_non_exhaustive(),
            Self::SwitchedOff => f.write_str("SwitchedOff"),
            Self::Evicted { messages } => f
                .debug_struct("Evicted")
                .field("messages", messages)
                .finish(),
            Self::UpkeepFailed(error) => f.debug_tuple("UpkeepFailed").field(error).finish(),
        }
    }
}

/// A sentence without names and numbers: it may be logged.
impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NewOwnDevice(_) => {
                "the account has a new device: unless it is yours, change your password"
            }
            Self::Downgraded(_) => "a device is announced for an older version than it has spoken",
            Self::NotPublished { .. } => {
                "the server does not take the keys of this device: nobody can write to it first"
            }
            Self::RolledBack => {
                "this store is an old copy, or a second program uses this device: messages may be lost"
            }
            Self::RollbackSuspected => {
                "this store may be an old copy, or a second program may use this device"
            }
            Self::OptedOut { .. } => {
                "encryption was ended by the other side: nothing is sent until you agree"
            }
            Self::SwitchedOff => "this device was taken off the server",
            Self::Evicted { .. } => {
                "messages were lost: too many waited to be taken over by the application"
            }
            Self::UpkeepFailed(_) => "an answer to a device could not be made; it is tried again",
        })
    }
}

/// What became of a stanza that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Disposition {
    /// It has no encrypted content: handle it as ever.
    NotOurs,
    /// Its content was, or will be, handed out as actions. Show nothing of the stanza itself.
    Consumed,
    /// It belongs to a page of an archive that is not complete; or it is from a room, and is read when it is
    /// known who may have written it ([`Client::unnamed`](super::Client::unnamed)). Show nothing of it.
    Pending,
    /// This device sent it, and the room gives it back: the application has its text.
    OwnReflection,
    /// It has encrypted content that nobody is expected to send in this way: a result of an archive that
    /// was not announced ([`Client::expect_archive`](super::Client::expect_archive)), a copy that
    /// somebody else than the own server has made, or a copy of a message that is neither from this account
    /// nor to it. Nothing was decrypted, and no key was used up. Show nothing of it, not the fallback text
    /// either: anybody can send such a stanza. A result that the application did ask for can be given again
    /// when its query was announced.
    Unexpected,
    /// A message with encrypted content came back as an error (`type='error'`, RFC 6120 §8.3). Nothing was
    /// decrypted. If its `id` is of a message of this client, tell the user that it did not arrive, as for a
    /// message in clear; show nothing else of it.
    Bounced,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_do_not_show_what_somebody_wrote() {
        let notice = Notice::OptedOut {
            jid: "romeo@montague.example".parse().unwrap(),
            reason: Some("se-cret".to_owned()),
        };
        assert!(!format!("{notice:?} {notice}").contains("se-cret"));
    }
}
