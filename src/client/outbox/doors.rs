//! What the application says about messages: encrypt this, forget it, send it anyway.

use core::fmt;

use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use super::draft::{Content, Destination, Draft};
use crate::account::AccountError;
use crate::client::Client;
use crate::client::action::Ticket;
use crate::model::{BareJid, JidError, Timestamp};
use crate::stanza::{PlainMessage, StanzaError, WriteEnvelopeError};

/// Why a message was not taken. It is not encrypted, and not held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncryptRequestError {
    /// It is no message that can be read.
    Stanza(StanzaError),
    /// It has no valid address in `to`.
    Address(Option<JidError>),
    /// There is nobody to encrypt it for: no recipient was given, or the room has no member or occupant of
    /// that name.
    NoRecipients,
    /// It goes to a room whose members nobody has told of: [`Client::set_room`] first.
    UnknownRoom,
    /// There is nothing in it that could be encrypted.
    NothingToEncrypt,
    /// What is to be encrypted cannot stand in an envelope.
    Envelope(WriteEnvelopeError),
    /// Nothing was done.
    Account(AccountError),
}

impl fmt::Display for EncryptRequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stanza(error) => error.fmt(f),
            Self::Address(_) => f.write_str("the message has no valid address in its attribute to"),
            Self::NoRecipients => f.write_str("there is nobody to encrypt the message for"),
            Self::UnknownRoom => f.write_str("the members of the room are not known"),
            Self::NothingToEncrypt => f.write_str("there is nothing in the message to encrypt"),
            Self::Envelope(error) => error.fmt(f),
            Self::Account(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for EncryptRequestError {}

impl From<AccountError> for EncryptRequestError {
    fn from(error: AccountError) -> Self {
        Self::Account(error)
    }
}

impl<R: TryCryptoRng> Client<R> {
    /// Takes a message to be encrypted for accounts, or for a room that [`Client::set_room`] has told of.
    /// It is held until device lists, bundles and decisions about keys are there; then comes
    /// [`Action::Encrypted`](crate::client::Action::Encrypted) or
    /// [`Action::Refused`](crate::client::Action::Refused). It waits for lists and bundles as long as
    /// [`Options::patience`](crate::client::Options::patience) says. Messages of one conversation stay in
    /// their order.
    ///
    /// A message to a room is for those who are members when it goes out.
    ///
    /// Tickets live in memory: after a restart the application gives its messages again.
    ///
    /// # Errors
    /// [`EncryptRequestError`]: there is no ticket.
    pub fn encrypt(
        &mut self,
        stanza: &str,
        recipients: &[BareJid],
        now: Timestamp,
    ) -> Result<Ticket, EncryptRequestError> {
        let draft = self.draft(stanza, recipients, now)?;
        let ticket = self.outbox.next_ticket();
        self.outbox.push(ticket, draft);
        self.started(ticket, now)
    }

    /// The same without waiting: what is not there is missing, and the report says so. It does not stand
    /// behind messages that wait.
    ///
    /// # Errors
    /// As for [`Self::encrypt`].
    pub fn encrypt_now(
        &mut self,
        stanza: &str,
        recipients: &[BareJid],
        now: Timestamp,
    ) -> Result<Ticket, EncryptRequestError> {
        let mut draft = self.draft(stanza, recipients, now)?;
        draft.conversation = None;
        let ticket = self.outbox.next_ticket();
        self.outbox.push(ticket, draft);
        if let Err(error) = self.finish(ticket, now) {
            self.outbox.take(ticket);
            return Err(error.into());
        }
        self.started(ticket, now)
    }

    pub(super) fn started(
        &mut self,
        ticket: Ticket,
        now: Timestamp,
    ) -> Result<Ticket, EncryptRequestError> {
        match self.go_on(now) {
            // Something else has failed, and is due again.
            Err(_) if !self.outbox.drafts.contains_key(&ticket) => Ok(ticket),
            Err(error) => {
                self.outbox.take(ticket);
                Err(error.into())
            }
            Ok(()) => Ok(ticket),
        }
    }

    fn draft(
        &mut self,
        stanza: &str,
        recipients: &[BareJid],
        now: Timestamp,
    ) -> Result<Draft, EncryptRequestError> {
        let message = PlainMessage::read(stanza).map_err(EncryptRequestError::Stanza)?;
        let full = message.attribute("to");
        let full = full.ok_or(EncryptRequestError::Address(None))?;
        let to = BareJid::from_full(&full).map_err(|e| EncryptRequestError::Address(Some(e)))?;
        if message.content().is_empty() {
            return Err(EncryptRequestError::NothingToEncrypt);
        }
        let is_group = message.attribute("type").as_deref() == Some("groupchat");
        let destination = if is_group {
            self.to_room(&to, recipients)?
        } else {
            self.to_accounts(&full, recipients)?
        };
        // A private message out of a room is one of the conversation with the occupant's account.
        let conversation = match &destination {
            Destination::Occupant(occupant) => occupant.clone(),
            _ => to,
        };
        // So that what cannot be written is refused now, and not when everything else is there.
        self.payloads(&message, &conversation, now)
            .map_err(EncryptRequestError::Envelope)?;
        let stanza = Zeroizing::new(stanza.to_owned());
        let content = Content::Message(stanza, conversation.clone());
        let leaves_out = !self.options.ask_about_keys;
        let draft = Draft::new(Some(conversation), destination, content, leaves_out);
        if let Ok(recipients) = self.recipients_of(&draft) {
            self.knowledge.retry(&recipients.accounts);
        }
        Ok(draft)
    }

    pub(super) fn to_room(
        &self,
        to: &BareJid,
        recipients: &[BareJid],
    ) -> Result<Destination, EncryptRequestError> {
        let is_room = |jid: &&BareJid| self.rooms.contains_key(*jid);
        let (rooms, others): (Vec<_>, Vec<_>) = recipients.iter().partition(is_room);
        // A room has no devices: it would be written to for nobody.
        if others.contains(&to) {
            return Err(EncryptRequestError::UnknownRoom);
        }
        let members = rooms.iter().filter_map(|room| self.rooms.get(*room));
        if others.is_empty() && members.into_iter().all(|room| room.members.is_empty()) {
            return Err(EncryptRequestError::NoRecipients);
        }
        let owned = |jids: Vec<&BareJid>| jids.into_iter().cloned().collect();
        Ok(Destination::Room(owned(rooms), owned(others)))
    }

    fn to_accounts(
        &self,
        full: &str,
        recipients: &[BareJid],
    ) -> Result<Destination, EncryptRequestError> {
        let mut accounts = Vec::new();
        let mut is_in_room = false;
        for jid in recipients {
            match self.rooms.get(jid) {
                Some(room) => accounts.extend(room.occupant(full).cloned()),
                None => accounts.push(jid.clone()),
            }
            is_in_room |= self.rooms.contains_key(jid);
        }
        let to = BareJid::from_full(full);
        is_in_room |= to.is_ok_and(|to| self.rooms.contains_key(&to));
        accounts.sort();
        accounts.dedup();
        match &*accounts {
            // Else it would go to our own devices, as if it had reached somebody.
            [] => Err(EncryptRequestError::NoRecipients),
            [occupant] if is_in_room => Ok(Destination::Occupant(occupant.clone())),
            _ => Ok(Destination::Accounts(accounts)),
        }
    }

    /// Forgets a message that waits. The next one of its conversation goes on at once, as of the time of the
    /// last call. Nothing happens if it is gone already.
    pub fn cancel(&mut self, ticket: Ticket) {
        if self.outbox.take(ticket).is_some() {
            // What fails stays due, and is tried again with the next call.
            self.go_on(self.now).ok();
        }
    }

    /// Sends a message without the devices about whose keys nobody has decided. It goes to those who are to
    /// read it now: who joins its room before it goes out gets it only if
    /// [`Options::writes_to_joined`](crate::client::Options::writes_to_joined) says so.
    ///
    /// # Errors
    /// [`AccountError`]: it waits, or went out, as the actions say; calling again is safe.
    pub fn send_anyway(&mut self, ticket: Ticket, now: Timestamp) -> Result<(), AccountError> {
        if let Some(draft) = self.outbox.drafts.get(&ticket)
            && !draft.leaves_out
        {
            let members = match (&draft.question, self.recipients_of(draft)) {
                (Some(question), _) => question.members.clone(),
                (None, Ok(recipients)) => recipients.accounts,
                (None, Err(_)) => Vec::new(),
            };
            self.outbox.send_anyway(ticket, members);
        }
        self.go_on(now)
    }
}
