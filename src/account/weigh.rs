//! Weighing candidates: whose of several a key is.

use std::collections::BTreeSet;

use super::element::Context;
use super::key_element::Key;
use super::names::Peer;
use super::outgoing::FetchedBundle;
use super::received::Incoming;
use super::records::DeviceRecord;
use super::sender::{Candidates, Sender};
use super::transaction::Transaction;
use super::{Account, AccountError};
use crate::crypto::IdentityKey;
use crate::model::{BareJid, Encrypted, OwnKey};
use crate::protocol::KeyExchange;

/// A room is not searched for the sender beyond so many.
const MAX_CANDIDATES: usize = 4096;

/// A device that may have sent an element, and what is known of it.
pub(super) struct Suspect {
    pub(super) peer: Peer,
    pub(super) record: DeviceRecord,
}

/// What is known of a candidate's device and an identity.
enum Claim {
    /// A message under this identity was read from it.
    Heard,
    /// It has shown the identity, in a bundle.
    Shown,
    /// It shows another identity, or is not there.
    Other,
    /// Nobody knows which identity it shows.
    Open,
}

impl Account {
    /// The devices that may have sent an element, of which something is known; of a known sender, in any case.
    pub(super) fn suspects(
        &self,
        tx: &Transaction<'_>,
        context: &Context<'_, '_>,
    ) -> Result<Vec<Suspect>, AccountError> {
        let element = context.element;
        let peer = |jid: &BareJid| Peer::new(jid.clone(), element.sender_device, element.version);
        match &context.incoming.sender {
            Sender::Known(jid) | Sender::Occupant(jid) => {
                let record = self.device_or_new(tx, jid, element.sender_device, context.now)?;
                let peer = peer(jid);
                Ok(vec![Suspect { peer, record }])
            }
            Sender::OneOf(candidates) => {
                let mut suspects = Vec::new();
                for jid in distinct(candidates) {
                    if let Some(record) = self.find_device(tx, jid, element.sender_device)? {
                        let peer = peer(jid);
                        suspects.push(Suspect { peer, record });
                    }
                }
                Ok(suspects)
            }
            Sender::Nobody => Ok(Vec::new()),
        }
    }

    /// The candidate whose key exchange it is, if that is beyond doubt: see [`Candidates`].
    pub(super) fn weigh(
        &self,
        tx: &Transaction<'_>,
        candidates: &Candidates<'_>,
        element: &Encrypted<OwnKey>,
        identity: &IdentityKey,
    ) -> Result<Option<BareJid>, AccountError> {
        if !candidates.are_all {
            return Ok(None);
        }
        let (mut heard, mut shown, mut is_open) = (Vec::new(), Vec::new(), false);
        for jid in distinct(candidates) {
            match self.claim(tx, candidates, element, jid, identity)? {
                Claim::Heard => heard.push(jid),
                Claim::Shown => shown.push(jid),
                Claim::Other => {}
                Claim::Open => is_open = true,
            }
        }
        let found = match (&*heard, &*shown) {
            ([jid], _) => Some(*jid),
            ([], [jid]) if !is_open => Some(*jid),
            _ => None,
        };
        Ok(found.cloned())
    }

    fn claim(
        &self,
        tx: &Transaction<'_>,
        candidates: &Candidates<'_>,
        element: &Encrypted<OwnKey>,
        jid: &BareJid,
        identity: &IdentityKey,
    ) -> Result<Claim, AccountError> {
        let device = element.sender_device;
        if jid == self.names.own() && device == self.own.device {
            return Ok(Claim::Other);
        }
        let record = self.find_device(tx, jid, device)?;
        if let Some(record) = record.filter(|record| !record.identity.is_empty()) {
            return Ok(match record.shows(identity) {
                true if record.heard > 0 => Claim::Heard,
                true => Claim::Shown,
                false => Claim::Other,
            });
        }
        let peer = Peer::new(jid.clone(), device, element.version);
        Ok(match candidates.bundles.get(&peer) {
            Some(FetchedBundle::Bundle(bundle)) if bundle.identity == *identity => Claim::Shown,
            Some(FetchedBundle::Bundle(_) | FetchedBundle::Absent | FetchedBundle::Broken) => {
                Claim::Other
            }
            Some(FetchedBundle::Unreachable(_)) | None => Claim::Open,
        })
    }

    /// The bundles that are to be fetched before a stanza of several candidates can be read: those of the
    /// devices that may have made its key exchanges, and whose identity nobody knows. Give it again with what
    /// came of them. None if they would not help, as the sender is known, or nobody's, or as it contains
    /// nothing but messages.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn bundles_to_tell(&self, incoming: &Incoming<'_>) -> Result<Vec<Peer>, AccountError> {
        let Sender::OneOf(candidates) = &incoming.sender else {
            return Ok(Vec::new());
        };
        self.read(|tx| {
            let mut peers = BTreeSet::new();
            for element in incoming.elements {
                let mut keys = element.keys.iter();
                let exchange = keys.find_map(|key| match Key::read(element.version, key) {
                    Ok(Key::Exchange(exchange)) => Some(exchange),
                    _ => None,
                });
                let Some(exchange) = exchange else {
                    continue;
                };
                let identity = exchange.identity();
                let mut open = Vec::new();
                let mut is_heard = false;
                for jid in distinct(candidates) {
                    match self.claim(tx, candidates, element, jid, identity)? {
                        Claim::Heard => is_heard = true,
                        Claim::Open => open.push(jid),
                        Claim::Shown | Claim::Other => {}
                    }
                }
                if !is_heard {
                    let (device, version) = (element.sender_device, element.version);
                    peers.extend(
                        open.into_iter()
                            .map(|jid| Peer::new(jid.clone(), device, version)),
                    );
                }
            }
            Ok(peers.into_iter().collect())
        })
    }

    /// Whether a key is one that this device has made: it comes back from a room that hides who wrote what.
    pub(super) fn has_made(
        &self,
        tx: &Transaction<'_>,
        suspects: &[Suspect],
        key: &Key,
    ) -> Result<bool, AccountError> {
        if let Some(identity) = key.exchange().map(KeyExchange::identity) {
            let own = self.own.identity.curve25519().as_bytes();
            return Ok(identity.to_curve25519().as_bytes() == own);
        }
        for Suspect { peer, record } in suspects {
            let part = record.part(peer.version);
            for number in part.map(|part| part.numbers()).unwrap_or_default() {
                let session = self.load_session(tx, &peer.clone().session(number))?;
                let dh = &key.message().header().dh;
                if session.is_some_and(|session| session.is_sending_with(dh)) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

/// The candidates, each once.
fn distinct<'c>(candidates: &Candidates<'c>) -> impl Iterator<Item = &'c BareJid> {
    let mut seen = BTreeSet::new();
    let accounts = candidates.accounts.iter().take(MAX_CANDIDATES);
    accounts.filter(move |jid| seen.insert(*jid))
}
