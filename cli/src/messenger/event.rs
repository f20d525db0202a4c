//! What a messenger tells whoever uses it.

use std::path::PathBuf;

use omemo::account::{MessageId, Peer, Report, Trust};
use omemo::client::{
    IdentityQuestion, Notice, Origin, RefusalReason, Ticket, TrustQuestion, UndecryptableReason,
};
use omemo::model::{BareJid, DeviceId, Fingerprint, Timestamp, Version};

use super::{References, SharedFile, TransferError, TransferId, Trouble};

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// The client is online, the archive was read, and others can find this device.
    Ready(DeviceId),
    /// A message that was encrypted. [`Messenger::acknowledge`](super::Messenger::acknowledge) it when it
    /// is shown.
    Message(Box<Message>),
    /// A message that was not encrypted.
    Plain(Plain),
    /// A message that could not be read.
    Unreadable(Unreadable),
    /// A message was sent.
    Sent {
        /// Which one.
        ticket: Ticket,
        /// What became of each device.
        report: Report,
    },
    /// A message was sent and came back as an error.
    Bounced {
        /// Which one.
        ticket: Ticket,
        /// The condition of the error.
        condition: String,
    },
    /// A message was refused.
    Refused {
        /// Which one.
        ticket: Ticket,
        /// Why.
        reason: RefusalReason,
    },
    /// Messages wait for a decision about keys.
    Question(TrustQuestion),
    /// This device was taken off the account's device list, and puts itself back then: it waits longer each
    /// time. Until then others do not write to it.
    PutBackAt(Timestamp),
    /// Messages wait for a decision about devices that show other keys than before.
    Changed(IdentityQuestion),
    /// A room was joined, and its members are known.
    Joined(BareJid),
    /// A room was not joined, or has removed this client.
    NotJoined(BareJid),
    /// A file was uploaded, or not; [`Messenger::share`](super::Messenger::share) it.
    Uploaded {
        /// Which one.
        transfer: TransferId,
        /// What to share, or why there is nothing.
        result: Result<SharedFile, TransferError>,
    },
    /// A file was fetched, or not.
    Downloaded {
        /// Which one.
        transfer: TransferId,
        /// Where it is, or why it is not.
        result: Result<PathBuf, TransferError>,
    },
    /// The library reports something that the user may want to know.
    Notice(Notice),
    /// Something went wrong, and the user should know.
    Trouble(Trouble),
    /// The server has taken everything that was sent before [`Messenger::sync`](super::Messenger::sync).
    Synced,
}

/// A message that was encrypted.
#[derive(Clone, Debug)]
pub struct Message {
    /// Names it.
    pub id: MessageId,
    /// The address in the stanza: of a room's message the room and the nickname.
    pub from: String,
    /// To whom it was sent.
    pub to: String,
    /// The text; of a message that shares a file, where it is and its key.
    pub body: String,
    /// The text again, but nothing where it only says what `files` says.
    pub text: String,
    /// The files that it shares.
    pub files: Vec<SharedFile>,
    /// Which messages it corrects, answers or reacts to.
    pub references: References,
    /// Whether the sender says so. If not, the references stood beside a legacy message, where a server can
    /// have added them.
    pub are_references_authenticated: bool,
    /// To everybody in a room.
    pub is_groupchat: bool,
    /// The account that wrote it, as its key proves: in a room the nickname proves nothing.
    pub sender: BareJid,
    /// The device that wrote it.
    pub device: DeviceId,
    /// The version of OMEMO.
    pub version: Version,
    /// Its key.
    pub fingerprint: Fingerprint,
    /// What is thought of the key.
    pub trust: Trust,
    /// How it came.
    pub origin: Origin,
}

/// A message that could not be read.
#[derive(Clone, Debug)]
pub struct Unreadable {
    /// The address in the stanza.
    pub from: String,
    /// The id in the stanza.
    pub id: Option<String>,
    /// To everybody in a room.
    pub is_groupchat: bool,
    /// The account and the device that wrote it, where that is certain.
    pub sender: Option<Peer>,
    /// How it came.
    pub origin: Origin,
    /// Why.
    pub reason: UndecryptableReason,
}

/// A message that was not encrypted.
#[derive(Clone, Debug)]
pub struct Plain {
    /// The address in the stanza.
    pub from: String,
    /// The text.
    pub body: String,
    /// To everybody in a room.
    pub is_groupchat: bool,
}
