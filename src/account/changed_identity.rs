//! Devices that show another identity key than before: set up anew under their old ids, or so somebody says.
//!
//! ```text
//! a key exchange claims another key ─→ in doubt ─→ the bundle has the known key   ─→ nothing was the matter
//!                                                └→ the bundle has another key    ─→ the user decides
//! ```
//!
//! Neither proves anything: anybody can make such a key exchange, and the server such a bundle. So the known
//! key stays until the user decides, and until then nothing is encrypted for the device: what is written for
//! the known key may be readable for nobody, and the other one may be an attacker's.

use super::key_element::Key;
use super::names::Peer;
use super::outgoing::FetchedBundle;
use super::records::DeviceRecord;
use super::transaction::Transaction;
use super::{Account, AccountError, Trust};
use crate::model::{BareJid, Bundle, DeviceId, Encrypted, Fingerprint, OwnKey, Timestamp, Version};
use crate::protocol;

/// A device that shows another identity key than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedIdentity {
    /// Whose device it is.
    pub jid: BareJid,
    /// Its id.
    pub device: DeviceId,
    /// The key that it has shown before.
    pub known: Fingerprint,
    /// The key in the bundle that its server has for it now.
    pub shown: Fingerprint,
}

impl Account {
    /// The devices of these accounts, own ones among them, about whose new identity keys the user has to
    /// decide. Nothing is encrypted for them until then.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn changed_identities(
        &self,
        accounts: &[BareJid],
    ) -> Result<Vec<ChangedIdentity>, AccountError> {
        self.read(|tx| {
            let mut changed = Vec::new();
            for jid in self.everybody(accounts) {
                for (device, record) in self.device_records(tx, &jid)? {
                    let is_listed = Version::ALL.into_iter().any(|v| record.is_listed(v));
                    let shown = self.open_change(tx, &jid, &record)?.filter(|_| is_listed);
                    if let Some((known, shown)) = record.fingerprint().zip(shown) {
                        let jid = jid.clone();
                        changed.push(ChangedIdentity {
                            jid,
                            device,
                            known,
                            shown,
                        });
                    }
                }
            }
            Ok(changed)
        })
    }

    /// Takes a new identity key for a device's, as the user wishes: its sessions with the old one end, and
    /// what is thought of the old key stays. The new key is trusted without comparison ([`Trust::Blind`]) if
    /// nobody has verified it. Nothing happens if the device does not show that key.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn accept_identity(
        &self,
        jid: &BareJid,
        device: DeviceId,
        key: &Fingerprint,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        self.run(|tx| {
            let Some(mut record) = self.find_device(tx, jid, device)? else {
                return Ok(());
            };
            if record.shown() != Some(*key) {
                return Ok(());
            }
            self.drop_sessions(tx, jid, device, &mut record)?;
            record.unpin();
            // Its bundle, which is to be fetched, has to show this key.
            record.identity = key.as_bytes().to_vec();
            self.store_device(tx, jid, device, &record)?;
            let known = self.known_trust(tx, jid, key)?;
            if !known.is_some_and(Trust::allows_sending) {
                self.put_trust(tx, jid, key, Trust::Blind, now)?;
            }
            Ok(())
        })
    }

    /// The same for all devices of an account that show this key.
    ///
    /// # Errors
    /// [`AccountError`]: calling again is safe.
    pub fn accept_identities(
        &self,
        jid: &BareJid,
        key: &Fingerprint,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let records = self.read(|tx| self.device_records(tx, jid))?;
        let changed = records
            .iter()
            .filter(|(_, record)| record.shown() == Some(*key));
        for (device, _) in changed {
            self.accept_identity(jid, *device, key, now)?;
        }
        Ok(())
    }

    /// The other key that a device shows, unless the user has refused it.
    pub(super) fn open_change(
        &self,
        tx: &Transaction<'_>,
        jid: &BareJid,
        record: &DeviceRecord,
    ) -> Result<Option<Fingerprint>, AccountError> {
        let Some(shown) = record.shown() else {
            return Ok(None);
        };
        let trust = self.known_trust(tx, jid, &shown)?;
        Ok(Some(shown).filter(|_| trust != Some(Trust::Distrusted)))
    }

    /// Notes that a key exchange that says it is from a device has claimed another identity: its bundle is
    /// looked at before the next message. One write for a device, however many come.
    pub(super) fn doubt_sender(
        &self,
        tx: &mut Transaction<'_>,
        sender: &Peer,
        element: &Encrypted<OwnKey>,
    ) -> Result<(), AccountError> {
        let Some(mut record) = self.find_device(tx, &sender.jid, sender.device)? else {
            return Ok(());
        };
        for claimed in claims(element) {
            let is_known = record.is_doubted || record.shown() == Some(claimed);
            let trust = self.known_trust(tx, &sender.jid, &claimed)?;
            let is_refused = trust == Some(Trust::Distrusted);
            if !is_known && !is_refused && record.fingerprint().is_some_and(|key| key != claimed) {
                record.is_doubted = true;
                self.store_device(tx, &sender.jid, sender.device, &record)?;
            }
        }
        Ok(())
    }

    /// Looks at the identity key of a bundle that has come, whose signature is not verified yet. `None` if
    /// there is nothing to store.
    pub(super) fn compare_identity(
        peer: &Peer,
        record: &DeviceRecord,
        fetched: &FetchedBundle,
    ) -> Option<DeviceRecord> {
        let FetchedBundle::Bundle(bundle) = fetched else {
            return None;
        };
        let mut compared = record.clone();
        compared.is_doubted = false;
        if record.shows(&bundle.identity) {
            compared.pin(&bundle.identity);
            compared.shown.clear();
        } else if record.identity != bundle.identity.to_curve25519().as_bytes() {
            compared.shown = bundle.identity.to_curve25519().as_bytes().to_vec();
        }
        let is_news = bundle.version == peer.version && compared != *record;
        (is_news && is_signed(bundle)).then_some(compared)
    }
}

/// So many keys of an element are looked at.
const MAX_CLAIMS: usize = 8;

/// The identities that the key exchanges of an element claim.
fn claims(element: &Encrypted<OwnKey>) -> impl Iterator<Item = Fingerprint> {
    let keys = element.keys.iter().take(MAX_CLAIMS);
    let keys = keys.filter_map(|key| Key::read(element.version, key).ok());
    keys.filter_map(|key| key.exchange().map(|exchange| exchange.identity().into()))
}

fn is_signed(bundle: &Bundle) -> bool {
    let protocol = protocol::of(bundle.version);
    let key = &bundle.signed_pre_key;
    protocol
        .verify(&bundle.identity, key, &bundle.signature)
        .is_ok()
}

impl DeviceRecord {
    /// The other key that its bundle has shown.
    pub(super) fn shown(&self) -> Option<Fingerprint> {
        let key = self.shown.as_slice().try_into().ok()?;
        Some(Fingerprint::from_bytes(key))
    }

    /// Whether its bundle has to be looked at, though there may be a session.
    pub(super) const fn is_questionable(&self) -> bool {
        self.is_doubted || !self.shown.is_empty()
    }

    /// Forgets its identity, and whether there was another one.
    pub(super) fn unpin(&mut self) {
        self.identity.clear();
        self.edwards.clear();
        self.shown.clear();
        self.is_doubted = false;
    }
}
