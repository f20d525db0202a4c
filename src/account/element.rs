//! One `<encrypted/>` element: its keys for this device, and what became of them.

use rand_core::TryCryptoRng;

use super::key_element::Key;
use super::names::Peer;
use super::open_message::{Chosen, Tried};
use super::received::{Failure, FailureReason, Incoming, MessageId};
use super::sender::Sender;
use super::settle::Opened;
use super::transaction::Transaction;
use super::weigh::Suspect;
use super::{Account, AccountError};
use crate::model::{Encrypted, OwnKey, Timestamp};
use crate::ratchet::Budget;

/// A stanza cannot make us look for more keys than that (XEP-0384 0.3.0 §4.5: a `rid` has no address).
const MAX_KEYS: usize = 8;

/// An element that is being read, and what it may still cost.
pub(super) struct Context<'a, 'b> {
    pub(super) incoming: &'a Incoming<'a>,
    pub(super) element: &'a Encrypted<OwnKey>,
    pub(super) budget: &'b mut Budget,
    pub(super) now: Timestamp,
}

/// What became of an element.
pub(super) enum Element {
    Read(Read),
    Duplicate(Vec<MessageId>),
    NotForUs,
    OwnReflection,
    Failed(Failure),
}

/// An element that was read.
pub(super) struct Read {
    pub(super) id: MessageId,
    pub(super) opened: Opened,
}

/// Why a key was not opened.
pub(super) enum Unread {
    /// Of the key itself: nothing has changed.
    Because(FailureReason),
    /// The account could not do it.
    Account(AccountError),
}

impl From<FailureReason> for Unread {
    fn from(reason: FailureReason) -> Self {
        Self::Because(reason)
    }
}

impl From<AccountError> for Unread {
    fn from(error: AccountError) -> Self {
        Self::Account(error)
    }
}

/// A key that is right.
enum Found {
    Opened(MessageId, Box<Opened>),
    /// The same bytes were opened before.
    Duplicate(MessageId),
}

impl Account {
    pub(super) fn receive_element<G: TryCryptoRng + ?Sized>(
        &self,
        tx: &mut Transaction<'_>,
        context: &mut Context<'_, '_>,
        rng: &mut G,
    ) -> Result<Element, AccountError> {
        let element = context.element;
        // Our own device id, at another account, is a coincidence.
        let own = self.names.own();
        let has_own_id = element.sender_device == self.own.device;
        let may_be_ours = has_own_id
            && match &context.incoming.sender {
                Sender::Known(jid) | Sender::Occupant(jid) if *jid == own => {
                    return Ok(Element::OwnReflection);
                }
                Sender::Known(_) | Sender::Occupant(_) => false,
                Sender::OneOf(candidates) => candidates.accounts.contains(own),
                Sender::Nobody => true,
            };
        if may_be_ours && element.keys.is_empty() {
            return Ok(Element::OwnReflection);
        }
        let suspects = self.suspects(tx, context)?;
        let mut read: Option<Read> = None;
        // The message has the id of one of its keys.
        let mut duplicates = Vec::new();
        let mut failure: Option<FailureReason> = None;
        let mut is_ours = false;
        // A sender may have encrypted more than once for this device: every key is used up.
        for own_key in element.keys.iter().take(MAX_KEYS) {
            let reason = match Key::read(element.version, own_key) {
                Err(reason) => reason,
                Ok(key) => match self.open_key(tx, context, &suspects, &key, rng) {
                    Ok(Found::Opened(id, opened)) => {
                        let opened = *opened;
                        read.get_or_insert(Read { id, opened });
                        continue;
                    }
                    Ok(Found::Duplicate(id)) => {
                        duplicates.push(id);
                        continue;
                    }
                    Err(Unread::Account(error)) => return Err(error),
                    Err(Unread::Because(reason)) => {
                        // The key is for a device of the same id at another account.
                        is_ours |= may_be_ours && self.has_made(tx, &suspects, &key)?;
                        reason
                    }
                },
            };
            if failure.is_none_or(|known| known.is_vaguer_than(reason)) {
                failure = Some(reason);
            }
        }
        if let Some(read) = read {
            return Ok(Element::Read(read));
        }
        if !duplicates.is_empty() {
            return Ok(Element::Duplicate(duplicates));
        }
        match failure {
            None => Ok(Element::NotForUs),
            Some(_) if is_ours => Ok(Element::OwnReflection),
            Some(reason) => self.fail(tx, context, reason).map(Element::Failed),
        }
    }

    /// Opens a key.
    fn open_key<G: TryCryptoRng + ?Sized>(
        &self,
        tx: &mut Transaction<'_>,
        context: &mut Context<'_, '_>,
        suspects: &[Suspect],
        key: &Key,
        rng: &mut G,
    ) -> Result<Found, Unread> {
        let tried = match key {
            Key::Message(message) => self.open_message(tx, context, suspects, message)?,
            Key::Exchange(exchange) => {
                let base_key = exchange.ephemeral().as_bytes();
                let mut known = suspects.iter().filter_map(|Suspect { peer, record }| {
                    let part = record.part(peer.version)?;
                    let number = part.accepted_from(base_key)?;
                    let name = peer.clone().session(number);
                    let max_jump = None;
                    Some(Chosen {
                        name,
                        record,
                        max_jump,
                    })
                });
                match known.next() {
                    Some(chosen) => self.open_on(tx, context, chosen, exchange.message())?,
                    None => self.accept(tx, context, exchange, rng)?,
                }
            }
        };
        let id = |sender: &Peer| MessageId::new(sender, key.message().header());
        Ok(match tried {
            Tried::Duplicate(sender) => Found::Duplicate(id(&sender)),
            Tried::Moved(moved) => {
                let id = id(&moved.name.peer);
                Found::Opened(id, Box::new(self.settle(tx, context, *moved)?))
            }
        })
    }

    /// An element that was not read. Only a sender who is known is named, and noted for a repair: one who may have
    /// copied it is not.
    fn fail(
        &self,
        tx: &mut Transaction<'_>,
        context: &Context<'_, '_>,
        reason: FailureReason,
    ) -> Result<Failure, AccountError> {
        let element = context.element;
        let sender = context.incoming.sender.known().cloned();
        let sender = sender.filter(|_| reason != FailureReason::AmbiguousSender);
        if let Some(jid) = &sender {
            self.note_failure(tx, jid, context, reason)?;
        }
        Ok(Failure {
            reason,
            sender,
            device: element.sender_device,
            version: element.version,
            // If the key says that there was something, somebody took it off.
            has_payload: context.incoming.has_payload()
                || matches!(reason, FailureReason::Payload(_)),
        })
    }
}

impl FailureReason {
    /// Of several reasons the one that says most is told.
    fn is_vaguer_than(self, other: Self) -> bool {
        let rank = |reason| match reason {
            Self::AmbiguousSender | Self::NoSession => 0,
            Self::Key(_) | Self::UnknownPreKey | Self::UnknownSignedPreKey => 1,
            _ => 2,
        };
        rank(self) < rank(other)
    }
}
