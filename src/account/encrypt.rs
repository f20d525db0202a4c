//! Sending: from payloads and recipients to keys for devices, and a report about each of them.
//!
//! First everybody is looked at: which devices there are, which version each is written to, whether its
//! key is trusted, whether there is a session or a bundle to start one from. Then it is decided whether
//! the message may go out. Only then the ratchets move; all of it is one transaction.

use rand_core::TryCryptoRng;

use super::names::Peer;
use super::outgoing::{EncryptError, Outgoing, Sent};
use super::plan::{Plan, Planned, Reader, Route};
use super::report::{Fate, Gap, Refusal};
use super::sessions::Birth;
use super::terms::{Audience, Terms};
use super::transaction::Transaction;
use super::{Account, AccountError};
use crate::crypto::random;
use crate::model::{Encrypted, PerVersion, RecipientKey, Timestamp, Version};
use crate::protocol::{self, KeyMaterial, SealedPayload};

impl Account {
    /// Encrypts a message for all devices of the recipients and for the account's own other devices.
    ///
    /// What is returned may be sent as often as needed; encrypting again makes another message.
    ///
    /// # Errors
    /// [`EncryptError`]; no session has moved.
    pub fn encrypt<G: TryCryptoRng + ?Sized>(
        &self,
        outgoing: &Outgoing<'_>,
        now: Timestamp,
        rng: &mut G,
    ) -> Result<Sent, EncryptError> {
        self.encrypt_on(outgoing, &Terms::default(), now, rng)
    }

    /// The same on given terms: for a room, or within the size that a server takes.
    ///
    /// # Errors
    /// [`EncryptError`]; no session has moved.
    pub fn encrypt_on<G: TryCryptoRng + ?Sized>(
        &self,
        outgoing: &Outgoing<'_>,
        terms: &Terms<'_>,
        now: Timestamp,
        rng: &mut G,
    ) -> Result<Sent, EncryptError> {
        let sealed = seal(&outgoing.payloads, rng)?;
        let sent: Result<Sent, Box<Refusal>> = self.run(|tx| {
            let mut plan = self.plan(tx, outgoing, terms, now, rng)?;
            if let Some(refusal) = self.judge(tx, outgoing, terms, &mut plan.report)? {
                return Ok(Err(Box::new(refusal)));
            }
            let keys = self.encrypt_keys(tx, &mut plan, &sealed, rng)?;
            if let Some(refusal) = self.judge(tx, outgoing, terms, &mut plan.report)? {
                // Not stored: a ratchet that is at its end was found only now.
                return Err(EncryptError::Refused(Box::new(refusal)));
            }
            for jid in outgoing.recipients {
                match terms.audience {
                    Audience::Accounts => self.note_encrypted(tx, jid, true, now)?,
                    Audience::Occupant | Audience::Room(_) => self.accept_contact(tx, jid, now)?,
                }
            }
            let sent = Sent {
                elements: self.elements(keys, &sealed),
                report: plan.report,
            };
            // Before it is stored: else the keys would be used up for nothing.
            sent.report.check(&sent.elements)?;
            Ok(Ok(sent))
        })?;
        sent.map_err(EncryptError::Refused)
    }

    /// Moves the ratchets, and puts them into the transaction.
    fn encrypt_keys<G: TryCryptoRng + ?Sized>(
        &self,
        tx: &mut Transaction<'_>,
        plan: &mut Plan<'_>,
        sealed: &PerVersion<Option<SealedPayload>>,
        rng: &mut G,
    ) -> Result<PerVersion<Vec<RecipientKey>>, AccountError> {
        let mut keys: PerVersion<Vec<RecipientKey>> = PerVersion::default();
        for Reader {
            peer, place, route, ..
        } in core::mem::take(&mut plan.readers)
        {
            let (Some(payload), Route::Session(planned)) = (sealed.get(peer.version), route) else {
                continue;
            };
            let fate = match self.encrypt_key(tx, &peer, planned, &payload.key_material, rng)? {
                Err(gap) => Fate::Skipped(gap),
                Ok(key) => {
                    let key_exchange = key.key_exchange;
                    keys.get_mut(peer.version).push(key);
                    Fate::Encrypted {
                        version: peer.version,
                        key_exchange,
                    }
                }
            };
            plan.report.set(place, fate);
        }
        Ok(keys)
    }

    /// Encrypts for one device, and stores its session.
    pub(super) fn encrypt_key<G: TryCryptoRng + ?Sized>(
        &self,
        tx: &mut Transaction<'_>,
        peer: &Peer,
        planned: Planned,
        key_material: &KeyMaterial,
        rng: &mut G,
    ) -> Result<Result<RecipientKey, Gap>, AccountError> {
        let (mut session, place) = match planned {
            Planned::Found(name, session) => (session, Ok(name)),
            Planned::Started(record, session, now) => (session, Err((record, now))),
        };
        let key = match session.encrypt(key_material, rng) {
            Ok(key) => key,
            Err(crate::error::EncryptError::Rng(error)) => return Err(error.into()),
            Err(error) => return Ok(Err(Gap::Session(error))),
        };
        let name = match place {
            Ok(name) => {
                self.store_session(tx, &name, &session);
                name
            }
            Err((mut record, now)) => {
                let birth = Birth {
                    receive_only: false,
                    is_current: true,
                    at: now,
                };
                let name = self.add_session(tx, peer, &mut record, &session, &birth)?;
                self.store_device(tx, &peer.jid, peer.device, &record)?;
                // The session that was missing: one key exchange is enough.
                self.note_success(tx, peer)?;
                name
            }
        };
        self.note_answered(tx, peer, name.number)?;
        Ok(Ok(RecipientKey {
            account: peer.jid.clone(),
            device: peer.device,
            key_exchange: key.key_exchange,
            bytes: key.bytes,
        }))
    }

    fn elements(
        &self,
        mut keys: PerVersion<Vec<RecipientKey>>,
        sealed: &PerVersion<Option<SealedPayload>>,
    ) -> Vec<Encrypted<RecipientKey>> {
        let mut elements = Vec::new();
        for version in Version::ALL {
            let keys = core::mem::take(keys.get_mut(version));
            if let Some(payload) = sealed.get(version).as_ref().filter(|_| !keys.is_empty()) {
                elements.push(Encrypted {
                    version,
                    sender_device: self.own.device,
                    keys,
                    iv: payload.iv.map(|iv| iv.to_vec()),
                    payload: Some(payload.ciphertext.clone()),
                });
            }
        }
        elements
    }
}

/// Encrypts the payload of each version that has one.
fn seal<G: TryCryptoRng + ?Sized>(
    payloads: &PerVersion<Option<&[u8]>>,
    rng: &mut G,
) -> Result<PerVersion<Option<SealedPayload>>, EncryptError> {
    let mut sealed = PerVersion::default();
    for (version, payload) in payloads.iter() {
        if let Some(payload) = payload {
            let random = random(rng)?;
            let outcome = protocol::of(version).seal_payload(payload, &random);
            *sealed.get_mut(version) = Some(outcome.map_err(EncryptError::Payload)?);
        }
    }
    Ok(sealed)
}
