//! Learning keys before there is something to send.

use rand_core::TryCryptoRng;

use super::doors::EncryptRequestError;
use super::draft::{Content, Destination, Draft};
use crate::account::AccountError;
use crate::client::Client;
use crate::client::action::{Action, Prepared, Ticket};
use crate::model::{BareJid, Timestamp};

impl<R: TryCryptoRng> Client<R> {
    /// Learns the devices and keys of accounts, or of the members of rooms, before there is a message: when
    /// a conversation is opened, say, or its keys are shown. What is not known is asked for; then comes
    /// [`Action::Prepared`]. Nothing is sent to them, and nobody is accepted as a contact.
    ///
    /// # Errors
    /// [`EncryptRequestError`]: there is no ticket.
    pub fn prepare(
        &mut self,
        accounts: &[BareJid],
        now: Timestamp,
    ) -> Result<Ticket, EncryptRequestError> {
        if accounts.is_empty() {
            return Err(EncryptRequestError::NoRecipients);
        }
        let is_room = |jid: &&BareJid| self.rooms.contains_key(*jid);
        let (rooms, others): (Vec<_>, Vec<_>) =
            accounts.iter().cloned().partition(|it| is_room(&it));
        let destination = match rooms.is_empty() {
            true => Destination::Accounts(others),
            false => Destination::Room(rooms, others),
        };
        let ticket = self.outbox.next_ticket();
        self.outbox.push(
            ticket,
            Draft::new(None, destination, Content::Nothing, false),
        );
        self.started(ticket, now)
    }

    /// All is there, or time is over.
    pub(super) fn prepared(
        &mut self,
        ticket: Ticket,
        draft: &Draft,
    ) -> Result<Action, AccountError> {
        let recipients = self.recipients_of(draft);
        let accounts = recipients.map_or_else(|_| Vec::new(), |it| it.accounts);
        let keys = self.account.undecided(&accounts)?;
        let changed = self.account.changed_identities(&accounts)?;
        Ok(Action::Prepared(Prepared {
            ticket,
            keys,
            changed,
        }))
    }
}
