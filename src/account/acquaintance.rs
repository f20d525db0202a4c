//! Getting to know keys before anything is encrypted for them, so that the user can be asked.

use super::names::Peer;
use super::outgoing::{Bundles, FetchedBundle};
use super::{Account, AccountError, Trust};
use crate::model::{BareJid, DeviceId, Fingerprint, Timestamp, Version};

/// A key that somebody has to decide about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndecidedKey {
    /// Whose it is.
    pub jid: BareJid,
    /// A device that shows it.
    pub device: DeviceId,
    /// The key.
    pub fingerprint: Fingerprint,
}

impl Account {
    /// Takes note of the keys in bundles that were fetched, as [`Self::encrypt`] would: pinned to their
    /// devices and put down as the policy says. What is no good is passed over; `encrypt` reports it.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn meet(&self, bundles: &Bundles, now: Timestamp) -> Result<(), AccountError> {
        let bundles: Vec<_> = bundles.iter().collect();
        self.meet_each(&bundles, now)
    }

    /// The same for some of many.
    pub(crate) fn meet_each(
        &self,
        bundles: &[(&Peer, &FetchedBundle)],
        now: Timestamp,
    ) -> Result<(), AccountError> {
        self.run(|tx| {
            for (peer, fetched) in bundles {
                let Some(record) = self.find_device(tx, &peer.jid, peer.device)? else {
                    continue;
                };
                let Some(compared) = Self::compare_identity(peer, &record, fetched) else {
                    continue;
                };
                self.store_device(tx, &peer.jid, peer.device, &compared)?;
                if let Some(key) = compared.fingerprint() {
                    self.introduce(tx, peer, &compared, &key, now)?;
                }
                if let Some(key) = compared.shown() {
                    self.note_key(tx, &peer.jid, &key, now)?;
                }
            }
            Ok(())
        })
    }

    /// The keys of devices that a message to these accounts would leave out, as nobody has decided about
    /// them; those of own devices among them.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn undecided(&self, recipients: &[BareJid]) -> Result<Vec<UndecidedKey>, AccountError> {
        self.read(|tx| {
            let mut undecided = Vec::new();
            for jid in self.everybody(recipients) {
                for (device, record) in self.device_records(tx, &jid)? {
                    let is_listed = Version::ALL.into_iter().any(|v| record.is_listed(v));
                    let Some(fingerprint) = record.fingerprint().filter(|_| is_listed) else {
                        continue;
                    };
                    if self.known_trust(tx, &jid, &fingerprint)? == Some(Trust::Undecided) {
                        let jid = jid.clone();
                        undecided.push(UndecidedKey {
                            jid,
                            device,
                            fingerprint,
                        });
                    }
                }
            }
            Ok(undecided)
        })
    }
}

impl Peer {
    /// The device `device` of `jid`, as it is spoken with in `version`.
    #[must_use]
    pub const fn new(jid: BareJid, device: DeviceId, version: Version) -> Self {
        Self {
            jid,
            device,
            version,
        }
    }
}
