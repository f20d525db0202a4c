//! Receiving: from the elements of a stanza to what became of it.
//!
//! Each key for this device is tried, within one budget. What
//! verifies is put into the transaction at once, so that all of a stanza, or of a page of an archive,
//! is stored together with what was read. What does not verify leaves nothing there.

use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use super::element::{Context, Element, Read};
use super::received::{Empty, Failure, Incoming, Message, MessageId, Received};
use super::transaction::{MAX_WRITE, Transaction};
use super::{Account, AccountError};
use crate::model::{Timestamp, Version};
use crate::ratchet::Budget;
use crate::store::StoreError;

impl Account {
    /// Reads a stanza.
    ///
    /// # Errors
    /// [`AccountError`]: nothing has changed, and the stanza is to be given again. What is wrong with
    /// the stanza is not an error but an outcome.
    pub fn decrypt<G: TryCryptoRng + ?Sized>(
        &self,
        incoming: &Incoming<'_>,
        now: Timestamp,
        rng: &mut G,
    ) -> Result<Received, AccountError> {
        self.run(|tx| self.receive(tx, incoming, now, rng))
    }

    /// Reads stanzas one after the other and stores what they change at once: a page of an archive. The
    /// outcomes are in the order of the stanzas. There are fewer of them, at least one, if more would not
    /// fit into one write: then the stanzas behind them are to be given again.
    ///
    /// # Errors
    /// [`AccountError`]: nothing has changed, and all of them are to be given again.
    pub fn decrypt_page<G: TryCryptoRng + ?Sized>(
        &self,
        page: &[Incoming<'_>],
        now: Timestamp,
        rng: &mut G,
    ) -> Result<Vec<Received>, AccountError> {
        match self.decrypt_some(page, now, rng) {
            // What one more message changes can be more than a store takes with those before it.
            Err(AccountError::Store(StoreError::TooLarge)) if page.len() > 1 => {
                self.decrypt_some(page.get(..1).unwrap_or_default(), now, rng)
            }
            read => read,
        }
    }

    fn decrypt_some<G: TryCryptoRng + ?Sized>(
        &self,
        page: &[Incoming<'_>],
        now: Timestamp,
        rng: &mut G,
    ) -> Result<Vec<Received>, AccountError> {
        self.run(|tx| {
            let mut received = Vec::new();
            for incoming in page {
                received.push(self.receive(tx, incoming, now, rng)?);
                if tx.size() >= MAX_WRITE {
                    break;
                }
            }
            Ok(received)
        })
    }

    fn receive<G: TryCryptoRng + ?Sized>(
        &self,
        tx: &mut Transaction<'_>,
        incoming: &Incoming<'_>,
        now: Timestamp,
        rng: &mut G,
    ) -> Result<Received, AccountError> {
        let mut budget = Budget::for_stanza();
        let mut outcome = Outcomes::default();
        // The newest version first: that is the one to be read.
        for version in Version::ALL.into_iter().rev() {
            let elements = incoming.elements.iter();
            let elements = elements.filter(|element| element.version == version);
            for element in elements.take(MAX_ELEMENTS) {
                let mut context = Context {
                    incoming,
                    element,
                    budget: &mut budget,
                    now,
                };
                match self.receive_element(tx, &mut context, rng)? {
                    // The first that opens is the one that is read.
                    Element::Read(read) => {
                        outcome.read.push(read);
                        break;
                    }
                    Element::Duplicate(ids) => {
                        outcome.duplicates.extend(ids);
                        break;
                    }
                    Element::Failed(failure) => {
                        outcome.failure.get_or_insert(failure);
                    }
                    Element::NotForUs => {}
                    Element::OwnReflection => outcome.is_own_reflection = true,
                }
            }
        }
        self.conclude(tx, incoming, outcome, now)
    }

    /// One outcome for the elements of a stanza.
    fn conclude(
        &self,
        tx: &mut Transaction<'_>,
        incoming: &Incoming<'_>,
        outcome: Outcomes,
        now: Timestamp,
    ) -> Result<Received, AccountError> {
        // A part of it was read before, and so the whole: the other part was only cut off then.
        for id in &outcome.duplicates {
            if let Some(message) = self.waiting_message(tx, id)? {
                return Ok(Received::Message(Box::new(message)));
            }
        }
        if let Some(id) = outcome.duplicates.first() {
            return Ok(Received::Duplicate(*id));
        }
        let mut read = outcome.read.into_iter();
        let Some(first) = read.next() else {
            return Ok(match outcome.failure {
                Some(failure) => Received::Failed(failure),
                None if outcome.is_own_reflection => Received::OwnReflection,
                None => Received::NotForUs {
                    has_payload: incoming.has_payload(),
                },
            });
        };
        // An empty element beside one with content is the lesser one.
        let (main, other) = match (first, read.next()) {
            (first, Some(second)) if first.opened.payload.is_none() => (second, Some(first)),
            (first, second) => (first, second),
        };
        let Some(payload) = main.opened.payload else {
            return Ok(Received::Empty(Empty {
                sender: main.opened.sender,
                fingerprint: main.opened.fingerprint,
                trust: main.opened.trust,
                is_new_key: main.opened.is_new_key,
                listing: main.opened.listing,
            }));
        };
        let other =
            other.and_then(|other| Some((other.opened.sender.version, other.opened.payload?)));
        let message = Message {
            id: main.id,
            sender: main.opened.sender,
            fingerprint: main.opened.fingerprint,
            trust: main.opened.trust,
            is_new_key: main.opened.is_new_key,
            listing: main.opened.listing,
            is_pre_key_reused: main.opened.is_pre_key_reused,
            is_again: false,
            payload,
            other,
            attached: Zeroizing::new(incoming.attached.to_vec()),
        };
        self.put_into_inbox(tx, &message, now)?;
        Ok(Received::Message(Box::new(message)))
    }
}

/// So many elements of one version are looked at. Several are the work of whoever changed the stanza.
const MAX_ELEMENTS: usize = 4;

#[derive(Default)]
struct Outcomes {
    read: Vec<Read>,
    duplicates: Vec<MessageId>,
    failure: Option<Failure>,
    is_own_reflection: bool,
}
