//! Messages that go out: held until everything that they need is there, in order for each conversation.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use rand_core::TryCryptoRng;

use crate::account::{AccountError, EncryptError, Outgoing, Report};
use crate::client::Client;
use crate::client::action::{
    Action, EncryptedMessage, RefusalReason, Refused, Ticket, TrustQuestion,
};
use crate::client::knowledge::Resource;
use crate::model::{BareJid, JidError, PerVersion, Timestamp};
use crate::stanza::{Affixes, Payloads, PlainMessage, StanzaError, WriteEnvelopeError};

/// The messages that wait.
#[derive(Debug, Default)]
pub(in crate::client) struct Outbox {
    last: u64,
    waiting: BTreeMap<Ticket, Waiting>,
}

/// A message that waits.
struct Waiting {
    /// Who is written to: in clear this is in the stanza.
    conversation: BareJid,
    recipients: Vec<BareJid>,
    stanza: zeroize::Zeroizing<String>,
    /// The user was asked about keys.
    has_asked: bool,
    /// Devices whose keys nobody has decided about are left out.
    leaves_out: bool,
    /// What is still to come, as far as that is known: until then nothing else is looked at.
    awaits: Vec<Resource>,
}

/// Without the message, which is in clear.
impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting").finish_non_exhaustive()
    }
}

impl Outbox {
    /// A decision was made: what was asked may be answered.
    pub(in crate::client) fn ask_again(&mut self) {
        for waiting in self.waiting.values_mut() {
            waiting.has_asked = false;
        }
    }

    /// The message of each conversation that is first.
    fn heads(&self) -> Vec<Ticket> {
        let mut seen = BTreeSet::new();
        let tickets = self.waiting.iter();
        tickets
            .filter(|(_, waiting)| seen.insert(&waiting.conversation))
            .map(|(ticket, _)| *ticket)
            .collect()
    }
}

/// Why a message was not taken. It is not encrypted, and not held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncryptRequestError {
    /// It is no message that can be read.
    Stanza(StanzaError),
    /// It has no valid address in `to`.
    Address(Option<JidError>),
    /// There is nobody to encrypt it for: no recipient was given, or the room has none of that name.
    NoRecipients,
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
    /// [`Action::Encrypted`] or [`Action::Refused`]. Messages of one conversation stay in their order.
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
        self.take_message(stanza, recipients, true, now)
    }

    /// The same without waiting: what is not there is missing, and the report says so.
    ///
    /// # Errors
    /// As for [`Self::encrypt`].
    pub fn encrypt_now(
        &mut self,
        stanza: &str,
        recipients: &[BareJid],
        now: Timestamp,
    ) -> Result<Ticket, EncryptRequestError> {
        self.take_message(stanza, recipients, false, now)
    }

    fn take_message(
        &mut self,
        stanza: &str,
        recipients: &[BareJid],
        waits: bool,
        now: Timestamp,
    ) -> Result<Ticket, EncryptRequestError> {
        let message = PlainMessage::read(stanza).map_err(EncryptRequestError::Stanza)?;
        let full = message.attribute("to");
        let full = full.ok_or(EncryptRequestError::Address(None))?;
        let to = BareJid::from_full(&full).map_err(|e| EncryptRequestError::Address(Some(e)))?;
        if message.content().is_empty() {
            return Err(EncryptRequestError::NothingToEncrypt);
        }
        let is_group = message.attribute("type").as_deref() == Some("groupchat");
        let mut accounts = Vec::new();
        for jid in recipients {
            match self.rooms.get(jid) {
                Some(room) if is_group => accounts.extend(room.members.iter().cloned()),
                Some(room) => accounts.extend(room.occupant(&full).cloned()),
                None => accounts.push(jid.clone()),
            }
        }
        // Else it would go to our own devices, as if it had reached somebody.
        if accounts.is_empty() {
            return Err(EncryptRequestError::NoRecipients);
        }
        accounts.sort();
        accounts.dedup();
        self.knowledge.retry(&accounts);
        // Who gets a private message out of a room gets it under his own address.
        let to = match &*accounts {
            [occupant] if !is_group && self.rooms.contains_key(&to) => occupant.clone(),
            _ => to,
        };
        // So that what cannot be written is refused now, and not when everything else is there.
        self.payloads(&message, &to, now)
            .map_err(EncryptRequestError::Envelope)?;
        self.outbox.last += 1;
        let ticket = Ticket(self.outbox.last);
        let waiting = Waiting {
            conversation: to,
            recipients: accounts,
            stanza: zeroize::Zeroizing::new(stanza.to_owned()),
            has_asked: false,
            leaves_out: !self.options.ask_about_keys,
            awaits: Vec::new(),
        };
        self.outbox.waiting.insert(ticket, waiting);
        let outcome = match waits {
            true => Ok(()),
            false => self.encrypt_waiting(ticket, now),
        };
        match outcome.and_then(|()| self.go_on(now)) {
            // Something else has failed, and is due again.
            Err(_) if !self.outbox.waiting.contains_key(&ticket) => Ok(ticket),
            Err(error) => {
                self.outbox.waiting.remove(&ticket);
                Err(error.into())
            }
            Ok(()) => Ok(ticket),
        }
    }

    /// Forgets a message that waits. Nothing happens if it is gone already.
    pub fn cancel(&mut self, ticket: Ticket) {
        self.outbox.waiting.remove(&ticket);
    }

    /// Sends a message without the devices about whose keys nobody has decided.
    ///
    /// # Errors
    /// [`AccountError`]: it waits, or went out, as the actions say; calling again is safe.
    pub fn send_anyway(&mut self, ticket: Ticket, now: Timestamp) -> Result<(), AccountError> {
        if let Some(waiting) = self.outbox.waiting.get_mut(&ticket) {
            waiting.leaves_out = true;
        }
        self.go_on(now)
    }

    /// Sends what can be sent.
    pub(in crate::client) fn send_outbox(&mut self, now: Timestamp) -> Result<(), AccountError> {
        // What goes out makes room for the next of its conversation.
        loop {
            let mut has_sent = false;
            for ticket in self.outbox.heads() {
                if self.is_ready(ticket, now)? {
                    self.encrypt_waiting(ticket, now)?;
                    has_sent = true;
                }
            }
            if !has_sent {
                break;
            }
        }
        Ok(())
    }

    /// Whether a message has all that it needs; what it lacks is asked for.
    fn is_ready(&mut self, ticket: Ticket, now: Timestamp) -> Result<bool, AccountError> {
        let awaits = self.outbox.waiting.get_mut(&ticket);
        let awaits = awaits.map(|waiting| &mut waiting.awaits);
        if awaits.is_some_and(|awaits| self.requests.are_asked(awaits)) {
            return Ok(false);
        }
        let Some(waiting) = self.outbox.waiting.get(&ticket) else {
            return Ok(false);
        };
        let recipients = waiting.recipients.clone();
        let (has_asked, leaves_out) = (waiting.has_asked, waiting.leaves_out);
        // It was read when it was taken.
        let message = PlainMessage::read(&waiting.stanza);
        let versions = message.map_or_else(|_| PerVersion::default(), |m| self.versions_of(&m));
        let mut awaits = Vec::new();
        let own = self.account.jid().clone();
        for jid in recipients.iter().chain([&own]) {
            for version in self.options.versions() {
                // Also of a version in which it cannot be written: who reads no other is to be reported.
                let list = Resource::List(jid.clone(), version);
                if self.look_up(&list, now)?.is_coming() {
                    awaits.push(list);
                }
            }
        }
        if !awaits.is_empty() {
            return Ok(self.waits_for(ticket, awaits));
        }
        let missing = self.account.missing(&recipients, versions)?;
        for peer in missing.bundles {
            let bundle = Resource::Bundle(peer);
            if self.look_up(&bundle, now)?.is_coming() {
                awaits.push(bundle);
            }
        }
        if !awaits.is_empty() {
            return Ok(self.waits_for(ticket, awaits));
        }
        self.account.meet(self.knowledge.bundles(), now)?;
        if leaves_out {
            return Ok(true);
        }
        let keys = self.account.undecided(&recipients)?;
        if keys.is_empty() {
            return Ok(true);
        }
        if !has_asked {
            if let Some(waiting) = self.outbox.waiting.get_mut(&ticket) {
                waiting.has_asked = true;
            }
            let question = TrustQuestion { ticket, keys };
            self.actions.push_back(Action::DecideTrust(question));
        }
        Ok(false)
    }

    /// It is not ready.
    fn waits_for(&mut self, ticket: Ticket, awaits: Vec<Resource>) -> bool {
        if let Some(waiting) = self.outbox.waiting.get_mut(&ticket) {
            waiting.awaits = awaits;
        }
        false
    }

    /// Encrypts a message that waits, and hands it out, or says why not.
    fn encrypt_waiting(&mut self, ticket: Ticket, now: Timestamp) -> Result<(), AccountError> {
        self.enter_opt_outs(now)?;
        let Some(waiting) = self.outbox.waiting.remove(&ticket) else {
            return Ok(());
        };
        let action = match self.encrypt_message(&waiting, now) {
            Ok((stanza, report)) => Action::Encrypted(EncryptedMessage {
                ticket,
                stanza,
                report,
            }),
            Err(Failed::Refused(reason)) => Action::Refused(Refused { ticket, reason }),
            Err(Failed::Account(error)) => {
                self.outbox.waiting.insert(ticket, waiting);
                return Err(error);
            }
        };
        self.actions.push_back(action);
        Ok(())
    }

    fn encrypt_message(
        &mut self,
        waiting: &Waiting,
        now: Timestamp,
    ) -> Result<(String, Report), Failed> {
        let refused = |error| Failed::Refused(RefusalReason::Stanza(error));
        let message = PlainMessage::read(&waiting.stanza).map_err(refused)?;
        let payloads = self
            .payloads(&message, &waiting.conversation, now)
            .map_err(|error| match error {
                WriteEnvelopeError::Rng(error) => Failed::Account(error.into()),
                error => Failed::Refused(RefusalReason::Envelope(error)),
            })?;
        let outgoing = Outgoing {
            recipients: &waiting.recipients,
            payloads: PerVersion::from_fn(|version| {
                payloads
                    .get(version)
                    .as_ref()
                    .map(|payload| payload.as_slice())
            }),
            bundles: self.knowledge.bundles(),
        };
        let sent = match self.account.encrypt(&outgoing, now, &mut self.rng) {
            Ok(sent) => sent,
            Err(EncryptError::Account(error)) => return Err(Failed::Account(error)),
            Err(EncryptError::Refused(refusal)) => {
                self.knowledge.was_refused(&waiting.recipients);
                return Err(Failed::Refused(RefusalReason::Recipients(refusal)));
            }
            Err(EncryptError::Payload(error)) => {
                return Err(Failed::Refused(RefusalReason::Payload(error)));
            }
        };
        self.knowledge.use_up(&sent.report);
        let stanza = message.seal(&sent.elements, self.options.unprotected);
        Ok((stanza.map_err(refused)?, sent.report))
    }

    fn payloads(
        &mut self,
        message: &PlainMessage<'_>,
        to: &BareJid,
        now: Timestamp,
    ) -> Result<Payloads, WriteEnvelopeError> {
        let versions = self.versions_of(message);
        let affixes = Affixes {
            from: self.account.jid(),
            to,
            time: Some(now),
        };
        message.payloads(versions, &affixes, &mut self.rng)
    }

    /// The versions in which a message can be written at all.
    fn versions_of(&self, message: &PlainMessage<'_>) -> PerVersion<bool> {
        let mut versions = PerVersion::default();
        for version in self.options.versions() {
            *versions.get_mut(version) = message.fits(version, self.options.unprotected);
        }
        versions
    }
}

/// Why a message was not encrypted.
enum Failed {
    Account(AccountError),
    Refused(RefusalReason),
}
