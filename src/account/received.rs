//! What becomes of a stanza with encrypted content.

use core::fmt;

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::{CatchUpId, Listing, Peer, Sender, Trust};
use crate::error::{DecryptError, PayloadError};
use crate::model::{BareJid, DeviceId, Encrypted, Fingerprint, OwnKey, Version};
use crate::ratchet::Header;

/// Says which account a decrypted payload (`None`: there is none) of this version names as its author, as
/// [`stanza::author`](crate::stanza::author) does.
pub type Author = fn(Version, Option<&[u8]>) -> Option<BareJid>;

/// A stanza with encrypted content, as far as an account needs it.
#[derive(Clone, Copy)]
pub struct Incoming<'a> {
    /// Who sent it, as far as that is known.
    pub sender: Sender<'a>,
    /// Its `<encrypted/>` elements. Of several of one version the first that opens is read; no more than four
    /// are looked at.
    pub elements: &'a [Encrypted<OwnKey>],
    /// How it came.
    pub arrival: Arrival,
    /// The account that a decrypted content (`None` if there is none) says has written it, if it says so;
    /// [`stanza::author`](crate::stanza::author). A key exchange that names another account than its sender's is
    /// [`FailureReason::AmbiguousSender`]. `None`: what the contents say is for the caller to compare.
    pub author: Option<Author>,
    /// What else the application needs of the stanza: kept in the inbox with the message, and handed out
    /// with it ([`Message::attached`]). May be empty. With the text it has to fit into a record of the store
    /// ([`MAX_VALUE`](crate::store::MAX_VALUE), 16 MiB): else the stanza is an error each time.
    pub attached: &'a [u8],
}

impl Incoming<'_> {
    /// Whether there is something to read in it.
    pub(super) fn has_payload(&self) -> bool {
        let mut elements = self.elements.iter();
        elements.any(|element| element.payload.is_some())
    }
}

impl fmt::Debug for Incoming<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("sender", &self.sender)
            .field("elements", &self.elements)
            .field("arrival", &self.arrival)
            .finish_non_exhaustive()
    }
}

/// How a stanza came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arrival {
    /// From the stream, just after it was written.
    #[default]
    Live,
    /// From the stream, in the order in which it was written, but later: an offline message, or the
    /// history that a room sends to who enters. Also what a room passes on. That it cannot be read says
    /// less about its sender than if it were live ([`Account::repairs_due`](super::Account::repairs_due)).
    Delayed,
    /// From an archive, in the order that was said to [`Account::begin_catch_up`](super::Account::begin_catch_up)
    /// when this catch-up was begun.
    Archived(CatchUpId),
}

/// What became of a stanza. Nothing that cannot be decrypted vanishes.
#[derive(Clone, Debug)]
pub enum Received {
    /// A message. It waits in the inbox, if there is one, until it is acknowledged.
    Message(Box<Message>),
    /// A message without content: sessions are made and kept alive by them. Nothing is shown.
    Empty(Empty),
    /// It was read before, byte by byte the same, or its element of one version was; and it does not wait for
    /// the application any more: it was acknowledged, went as one of the oldest, or had no content. Nothing is
    /// shown.
    Duplicate(MessageId),
    /// There is no key for this device in it.
    NotForUs {
        /// Whether there was something to read: then the user should know. The sender does not know of
        /// this device, or has left it out.
        has_payload: bool,
    },
    /// This device has sent it.
    OwnReflection,
    /// It was not read, and no session, key or identity has changed.
    Failed(Failure),
}

/// A decrypted message.
#[derive(Clone)]
pub struct Message {
    /// The same for each reading of the same message. Made of what is authentic, not of the stanza's id.
    pub id: MessageId,
    /// The device that wrote it, and the version in which it was read.
    pub sender: Peer,
    /// Its identity key.
    pub fingerprint: Fingerprint,
    /// What is thought of the key.
    pub trust: Trust,
    /// The key was not known before.
    pub is_new_key: bool,
    /// Where the device stands on its account's list. Unless it is on it: ask for the list.
    pub listing: Listing,
    /// The first message of this session used a pre-key that another had used. It may be an old one that
    /// somebody repeats; nothing is sent on such a session.
    pub is_pre_key_reused: bool,
    /// It was handed out before and not acknowledged.
    pub is_again: bool,
    /// The text, as the version has it: a body, or an XEP-0420 envelope.
    pub payload: Zeroizing<Vec<u8>>,
    /// What the stanza has for another version, if that was read too. Its text should be the same;
    /// whether it is can be told only by who reads the envelope.
    pub other: Option<(Version, Zeroizing<Vec<u8>>)>,
    /// What came with the stanza: [`Incoming::attached`].
    pub attached: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("id", &self.id)
            .field("sender", &self.sender)
            .field("fingerprint", &self.fingerprint)
            .field("trust", &self.trust)
            .field("listing", &self.listing)
            .field("is_again", &self.is_again)
            .finish_non_exhaustive()
    }
}

/// A message without content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Empty {
    /// The device that wrote it.
    pub sender: Peer,
    /// Its identity key.
    pub fingerprint: Fingerprint,
    /// What is thought of the key.
    pub trust: Trust,
    /// The key was not known before.
    pub is_new_key: bool,
    /// Where the device stands on its account's list.
    pub listing: Listing,
}

/// Names a message: a digest of version, address, device, ratchet key and counter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId([u8; 16]);

impl MessageId {
    /// The id of these bytes, as [`Self::as_bytes`] gave them.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes, to be stored.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    pub(super) fn new(sender: &Peer, header: &Header) -> Self {
        let digest: [u8; 32] = Sha256::new_with_prefix(b"omemo message id")
            .chain_update([sender.version.code()])
            .chain_update(sender.device.get().to_be_bytes())
            .chain_update(header.dh.as_bytes())
            .chain_update(header.n.to_be_bytes())
            .chain_update(sender.jid.as_str())
            .finalize()
            .into();
        let (id, _) = digest.split_first_chunk().unwrap_or((&[0; 16], &[]));
        Self(*id)
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageId({self})")
    }
}

/// Something that was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Why.
    pub reason: FailureReason,
    /// Who sent it, if that is known. A candidate is not named.
    pub sender: Option<BareJid>,
    /// The device that says it sent it.
    pub device: DeviceId,
    /// The version.
    pub version: Version,
    /// Whether the stanza carried something to read, in any of its elements. If not, nobody has written
    /// anything, and the user need not know.
    pub has_payload: bool,
}

/// Why something was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailureReason {
    /// The key message is none, or does not verify.
    Key(DecryptError),
    /// The key message is good, what it opens is not. The sender, or another recipient, has made it so;
    /// or something was changed on the way.
    Payload(PayloadError),
    /// Other bytes came under a counter that was used. If the sender is honest, there are two of it: a
    /// device was cloned, or restored from a backup. Anybody on the way can provoke this too.
    CounterReused,
    /// The key of this message was given up: it came too late, or was read before, long ago.
    KeyGone,
    /// There is no session with the device, and this does not start one: the sender has to start a new
    /// one. It will do so after an empty message ([`Account::repairs_due`](super::Account::repairs_due)).
    NoSession,
    /// It was written for a pre-key that does not exist any more.
    UnknownPreKey,
    /// It was written for a signed pre-key that does not exist any more.
    UnknownSignedPreKey,
    /// The same key exchange was accepted before, and its session is gone: somebody repeats it.
    Replayed,
    /// The device shows another identity key than before. Its sessions stay as they are. If the user
    /// says that it is right, [`Account::forget_device`](super::Account::forget_device), and ask the
    /// sender to write again.
    IdentityChanged,
    /// Any of several accounts may have sent it, or nobody who is known. If it starts a session,
    /// [`Account::bundles_to_tell`](super::Account::bundles_to_tell) says what would help.
    AmbiguousSender,
    /// So many devices of the account are known that this one is not let in, too.
    TooManyDevices,
}

impl FailureReason {
    /// Whether the same stanza may be read later, when something else has come.
    #[must_use]
    pub const fn may_be_read_later(self) -> bool {
        matches!(
            self,
            Self::NoSession | Self::Key(DecryptError::UnknownRatchetKey) | Self::AmbiguousSender
        )
    }
}

impl fmt::Display for FailureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(error) => error.fmt(f),
            Self::Payload(error) => error.fmt(f),
            Self::CounterReused => {
                f.write_str("another message came under a counter that was used")
            }
            Self::KeyGone => f.write_str("the key of the message is gone"),
            Self::NoSession => f.write_str("there is no session with the device"),
            Self::UnknownPreKey => {
                f.write_str("the message was written for a pre-key that is gone")
            }
            Self::UnknownSignedPreKey => {
                f.write_str("the message was written for a signed pre-key that is gone")
            }
            Self::Replayed => f.write_str("the key exchange was accepted before"),
            Self::IdentityChanged => {
                f.write_str("the device shows another identity key than before")
            }
            Self::AmbiguousSender => f.write_str("several accounts may have sent the message"),
            Self::TooManyDevices => f.write_str("the account has too many devices"),
        }
    }
}
