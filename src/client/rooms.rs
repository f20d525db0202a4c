//! Rooms: who is in them, which only the application knows (XEP-0045).

use std::collections::BTreeMap;

use rand_core::TryCryptoRng;

use super::Client;
use crate::account::AccountError;
use crate::model::{BareJid, Timestamp};

/// A members-only room in which everybody's address is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// The addresses of its members, administrators and owners, also of those who are not there.
    pub members: Vec<BareJid>,
    /// The occupants: their nicknames, and whose they are.
    pub occupants: BTreeMap<String, BareJid>,
}

impl Room {
    /// Whose a full address in the room is.
    pub(super) fn occupant(&self, full: &str) -> Option<&BareJid> {
        let (_, nick) = full.split_once('/')?;
        self.occupants.get(nick)
    }

    /// Members and occupants; some more than once.
    pub(super) fn everybody(&self) -> impl Iterator<Item = &BareJid> {
        self.members.iter().chain(self.occupants.values())
    }
}

impl<R: TryCryptoRng> Client<R> {
    /// Says who is in a room, whenever that changes. Messages to the room are encrypted for its members. A
    /// message that comes from it live is from the occupant of its nickname. Who wrote what is in its history
    /// or its archive is found among the members and the occupants; while that is not known, the message waits
    /// ([`Client::unnamed`]). The same holds for private messages of occupants, in both directions.
    ///
    /// To be called when the user enters a room, with an empty [`Room`], and again when the members are known:
    /// else nobody knows that the address is of a room, and a private message from it without the mark of one
    /// (XEP-0045 §7.5) would be taken for one of an account.
    ///
    /// Members count as accepted, as the user shares a room with them.
    ///
    /// # Errors
    /// [`AccountError`]: it may be entered all the same; calling again is safe.
    pub fn set_room(
        &mut self,
        jid: &BareJid,
        room: Room,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        for member in &room.members {
            if !self.account.is_accepted(member)? {
                self.account.set_accepted(member, true, now)?;
            }
        }
        self.rooms.insert(jid.clone(), room);
        self.outbox.room_has_changed(jid);
        self.go_on(now)
    }

    /// The room is left: messages to it are messages to an account again.
    pub fn leave_room(&mut self, jid: &BareJid) {
        self.rooms.remove(jid);
        self.outbox.room_has_changed(jid);
        // What fails stays due, and is tried again with the next call.
        self.go_on(self.now).ok();
    }
}
