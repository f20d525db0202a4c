//! Receiving: from the elements of a stanza to what became of it.
//!
//! Each key for this device is tried, for each account that may have sent it, within one budget. What
//! verifies is put into the transaction at once, so that all of a stanza, or of a page of an archive,
//! is stored together with what was read. What does not verify leaves nothing there.

use std::borrow::Cow;
use std::collections::BTreeSet;

use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use super::names::Peer;
use super::open_key::{Found, Key, Opened};
use super::received::{Empty, Failure, FailureReason, Incoming, Message, MessageId, Received};
use super::transaction::{MAX_WRITE, Transaction};
use super::{Account, AccountError};
use crate::model::{BareJid, Encrypted, OwnKey, Timestamp, Version};
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
        let senders = distinct(incoming.senders);
        let incoming = &Incoming {
            senders: &senders,
            ..*incoming
        };
        let mut budget = Budget::for_stanza();
        let mut outcome = Outcomes::default();
        // The newest version first: that is the one to be read.
        for version in Version::ALL.into_iter().rev() {
            let mut elements = incoming.elements.iter();
            if let Some(element) = elements.find(|element| element.version == version) {
                let mut context = Context {
                    incoming,
                    element,
                    budget: &mut budget,
                    now,
                };
                match self.receive_element(tx, &mut context, rng)? {
                    Element::Read(read) => outcome.read.push(read),
                    Element::Duplicate(ids) => outcome.duplicates.extend(ids),
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
            (first, Some(second)) if first.payload.is_none() => (second, Some(first)),
            (first, second) => (first, second),
        };
        let Some(payload) = main.payload else {
            return Ok(Received::Empty(Empty {
                sender: main.opened.sender,
                fingerprint: main.opened.fingerprint,
                trust: main.opened.trust,
                is_new_key: main.opened.is_new_key,
                listing: main.opened.listing,
            }));
        };
        let other = other.and_then(|other| Some((other.opened.sender.version, other.payload?)));
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

    fn receive_element<G: TryCryptoRng + ?Sized>(
        &self,
        tx: &mut Transaction<'_>,
        context: &mut Context<'_, '_>,
        rng: &mut G,
    ) -> Result<Element, AccountError> {
        let element = context.element;
        // Our own device id, at another account, is a coincidence. In a room that hides who it was, what
        // we sent is known by having no key for us.
        let own = self.names.own();
        let is_known_sender = context.incoming.senders.len() == 1;
        let is_own = match context.incoming.senders {
            [sender] => sender == own,
            senders => element.keys.is_empty() && senders.contains(own),
        };
        if is_own && element.sender_device == self.own.device {
            return Ok(Element::OwnReflection);
        }
        let mut read: Option<Read> = None;
        // The message has the id of one of its keys.
        let mut duplicates = Vec::new();
        let mut failure = None;
        // A sender may have encrypted more than once for this device: every key is used up.
        for own_key in element.keys.iter().take(MAX_KEYS) {
            let key = match Key::read(element.version, own_key) {
                Ok(key) => key,
                Err(reason) => {
                    failure.get_or_insert((None, reason));
                    continue;
                }
            };
            let senders = self.candidates(tx, context, &key)?;
            if senders.is_empty() {
                failure.get_or_insert((None, FailureReason::AmbiguousSender));
            }
            for jid in senders {
                let sender = Peer {
                    jid,
                    device: element.sender_device,
                    version: element.version,
                };
                match self.open_key(tx, context, sender.clone(), &key, rng)? {
                    Ok(Found::Opened(opened, payload)) => {
                        let id = MessageId::new(&opened.sender, key.message().header());
                        read.get_or_insert(Read {
                            id,
                            opened: *opened,
                            payload,
                        });
                        break;
                    }
                    Ok(Found::Duplicate) => {
                        duplicates.push(MessageId::new(&sender, key.message().header()));
                        break;
                    }
                    Err(reason) => {
                        let is_better =
                            failure
                                .as_ref()
                                .is_none_or(|(_, known): &(_, FailureReason)| {
                                    known.is_vaguer_than(reason)
                                });
                        if is_better {
                            failure = Some((Some(sender.jid), reason));
                        }
                    }
                }
            }
        }
        if let Some(read) = read {
            return Ok(Element::Read(read));
        }
        if !duplicates.is_empty() {
            return Ok(Element::Duplicate(duplicates));
        }
        let Some((sender, reason)) = failure else {
            return Ok(Element::NotForUs);
        };
        // Who was only guessed is not blamed.
        if let Some(jid) = sender.as_ref().filter(|_| is_known_sender) {
            self.note_failure(tx, jid, element, reason, context.now)?;
        }
        Ok(Element::Failed(Failure {
            reason,
            sender,
            device: element.sender_device,
            version: element.version,
            // If the key says that there was one, somebody took it off.
            has_payload: context.incoming.has_payload()
                || matches!(reason, FailureReason::Payload(_)),
        }))
    }

    /// The accounts that may have sent a key, of those that may have sent the stanza: those whose device
    /// of that id has shown the identity of the key exchange, or has a session with us.
    fn candidates(
        &self,
        tx: &Transaction<'_>,
        context: &Context<'_, '_>,
        key: &Key,
    ) -> Result<Vec<BareJid>, AccountError> {
        let senders = context.incoming.senders;
        if let [sender] = senders {
            return Ok(vec![sender.clone()]);
        }
        let (mut known, mut possible) = (Vec::new(), Vec::new());
        for jid in senders.iter().take(MAX_SENDERS) {
            let Some(record) = self.find_device(tx, jid, context.element.sender_device)? else {
                continue;
            };
            let part = record.part(context.element.version);
            let has_session = part.is_some_and(|part| !part.sessions.is_empty());
            match (key.identity(), record.fingerprint()) {
                (Some(identity), Some(known_identity)) if identity == known_identity => {
                    known.push(jid.clone());
                }
                (None, _) if has_session => known.push(jid.clone()),
                (Some(_), None) => possible.push(jid.clone()),
                _ => {}
            }
        }
        if known.is_empty() && possible.len() == 1 {
            return Ok(possible);
        }
        // Whoever republishes the bundle of somebody else shows the same identity: no MAC tells them apart.
        if key.identity().is_some() && known.len() > 1 {
            return Ok(Vec::new());
        }
        Ok(known)
    }
}

/// Those who may have sent it, each once.
fn distinct(senders: &[BareJid]) -> Cow<'_, [BareJid]> {
    // As a rule there is one.
    if senders.len() < 2 {
        return Cow::Borrowed(senders);
    }
    let mut seen = BTreeSet::new();
    let senders = senders.iter().filter(|sender| seen.insert(*sender));
    Cow::Owned(senders.cloned().collect())
}

/// A stanza cannot make us look for more keys than that (XEP-0384 0.3.0 §4.5: a `rid` has no address).
const MAX_KEYS: usize = 8;

/// A room is not searched for the sender beyond so many.
const MAX_SENDERS: usize = 4096;

/// An element that is being read, and what it may still cost.
pub(super) struct Context<'a, 'b> {
    pub(super) incoming: &'a Incoming<'a>,
    pub(super) element: &'a Encrypted<OwnKey>,
    pub(super) budget: &'b mut Budget,
    pub(super) now: Timestamp,
}

/// What became of an element.
enum Element {
    Read(Read),
    Duplicate(Vec<MessageId>),
    NotForUs,
    OwnReflection,
    Failed(Failure),
}

struct Read {
    id: MessageId,
    opened: Opened,
    payload: Option<Zeroizing<Vec<u8>>>,
}

#[derive(Default)]
struct Outcomes {
    read: Vec<Read>,
    duplicates: Vec<MessageId>,
    failure: Option<Failure>,
    is_own_reflection: bool,
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
