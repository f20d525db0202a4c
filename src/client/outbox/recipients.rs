//! Who reads a message: of a room, who is in it when the message goes out.

use std::collections::BTreeSet;

use rand_core::TryCryptoRng;

use super::draft::{Destination, Draft};
use crate::account::{Absence, Audience, LeftOut};
use crate::client::Client;
use crate::client::action::RefusalReason;
use crate::model::BareJid;

/// Who reads a message.
#[derive(Debug)]
pub(super) struct Recipients {
    pub(super) accounts: Vec<BareJid>,
    pub(super) audience: Audience,
    /// Members for whom it is not written.
    pub(super) left_out: Vec<LeftOut>,
}

impl<R: TryCryptoRng> Client<R> {
    /// Who reads a message if it goes out now. Whoever was removed from the room since it was written gets no
    /// key, and whoever joined gets one; but once the user has decided who reads it, only if he wants that.
    pub(super) fn recipients_of(&self, draft: &Draft) -> Result<Recipients, RefusalReason> {
        let (rooms, others) = match &draft.destination {
            Destination::Accounts(accounts) => {
                return Ok(Recipients::new(accounts.clone(), Audience::Accounts));
            }
            Destination::Occupant(account) => {
                return Ok(Recipients::new(vec![account.clone()], Audience::Occupant));
            }
            Destination::Room(rooms, others) => (rooms, others),
        };
        let mut accounts: BTreeSet<_> = others.iter().cloned().collect();
        for room in rooms {
            let room = self.rooms.get(room).ok_or(RefusalReason::NotInRoom)?;
            accounts.extend(room.members.iter().cloned());
        }
        let audience = Audience::Room(self.options.rooms);
        let mut recipients = Recipients::new(Vec::new(), audience);
        for jid in accounts {
            let agreed = draft
                .agreed
                .as_ref()
                .filter(|_| !self.options.writes_to_joined);
            if agreed.is_none_or(|agreed| agreed.contains(&jid)) {
                recipients.accounts.push(jid);
            } else {
                let why = Absence::Joined;
                recipients.left_out.push(LeftOut { jid, why });
            }
        }
        Ok(recipients)
    }
}

impl Recipients {
    const fn new(accounts: Vec<BareJid>, audience: Audience) -> Self {
        Self {
            accounts,
            audience,
            left_out: Vec::new(),
        }
    }
}
