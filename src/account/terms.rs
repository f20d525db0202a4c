//! On what terms a message goes out: to accounts or to a room, and how large it may become.

use super::report::LeftOut;
use crate::model::{BareJid, DeviceId, PerVersion, Version};

/// The terms of a message. The default: to accounts, of any size.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Terms<'a> {
    /// To whom it goes.
    pub audience: Audience,
    /// Members of the room whom the caller leaves out. They are not among the recipients; the report names
    /// them.
    pub left_out: &'a [LeftOut],
    /// How large the keys may become; `None`: any size.
    pub space: Option<Space>,
}

/// To whom a message goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Audience {
    /// To accounts. Each of the recipients has to be reached, and from now on the conversation with each
    /// is an encrypted one ([`Account::conversation_state`](super::Account::conversation_state)).
    #[default]
    Accounts,
    /// To an account by way of a room. The same, but the conversation with the account itself stays what
    /// it is.
    Occupant,
    /// To a room. The conversations with its members stay what they are.
    Room(RoomPolicy),
}

/// What becomes of a message to a room of whose members some can get nothing: they have no device or no
/// usable keys, are not trusted, or have ended encryption.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RoomPolicy {
    /// They are left out, and the report names them ([`Report::left_out`](super::Report::left_out)): else
    /// each member could silence the room. It is refused if nobody else is left.
    #[default]
    LeaveOut,
    /// It is refused.
    Refuse,
}

/// How many bytes a stanza has for `<encrypted/>` elements, and what they take. The account knows no XML:
/// who writes the stanza says it.
///
/// What does not fit is left out device by device ([`Gap::TooManyDevices`](super::Gap::TooManyDevices)) from
/// the account that has the most: first devices that were never heard of, the newest of them first, last
/// those whose key is verified. No account loses its only device while another has two.
#[derive(Clone, Copy, Debug)]
pub struct Space {
    /// The bytes that there are.
    pub bytes: usize,
    /// The most keys.
    pub keys: usize,
    /// What the element of a version takes with its payload and without keys.
    pub element: PerVersion<usize>,
    /// What an account takes once in the element of a version.
    pub account: fn(Version, &BareJid) -> usize,
    /// What a key takes, of so many bytes before base64; whether it is a key exchange.
    pub key: fn(Version, DeviceId, bool, usize) -> usize,
}
