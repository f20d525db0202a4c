//! Who is written to: which devices, in which version, and what has to be fetched for them.

use std::collections::BTreeSet;

use super::devices::is_downgraded;
use super::names::Peer;
use super::options::{DowngradePolicy, VersionPolicy};
use super::records::DeviceRecord;
use super::report::Gap;
use super::{Account, AccountError};
use crate::model::{BareJid, PerVersion, Version};

/// What has to be asked for before a message can be encrypted for everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// Device lists that were never seen.
    pub device_lists: Vec<(BareJid, Version)>,
    /// Bundles of devices with which there is no session. Those of accounts whose list is missing are not
    /// known yet.
    pub bundles: Vec<Peer>,
    /// Those of `bundles` whose devices have not shown a key yet: without them nobody can be asked about it.
    pub unknown: Vec<Peer>,
}

impl Missing {
    /// Whether there is nothing to ask for.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.device_lists.is_empty() && self.bundles.is_empty()
    }
}

impl Account {
    /// What has to be asked for before a message to these accounts reaches all of their devices. Ask
    /// again when device lists have come.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn missing(
        &self,
        recipients: &[BareJid],
        versions: PerVersion<bool>,
    ) -> Result<Missing, AccountError> {
        self.read(|tx| {
            let mut missing = Missing::default();
            for jid in self.everybody(recipients) {
                let contact = self.contact(tx, &jid)?;
                for version in Version::ALL {
                    if self.uses(version)
                        && *versions.get(version)
                        && contact.list(version).is_none()
                    {
                        missing.device_lists.push((jid.clone(), version));
                    }
                }
                for (device, record) in self.device_records(tx, &jid)? {
                    let Ok(version) = self.choose_version(&record, &versions) else {
                        continue;
                    };
                    let peer = Peer {
                        jid: jid.clone(),
                        device,
                        version,
                    };
                    let is_wanted = match record.fingerprint() {
                        Some(key) => self
                            .known_trust(tx, &jid, &key)?
                            .is_none_or(|trust| trust.allows_sending()),
                        None => true,
                    };
                    let has_session = record.part(version).is_some_and(|p| p.current().is_some());
                    if is_wanted && (!has_session || record.is_questionable()) {
                        if record.fingerprint().is_none() {
                            missing.unknown.push(peer.clone());
                        }
                        missing.bundles.push(peer);
                    }
                }
            }
            Ok(missing)
        })
    }

    /// The recipients and the account itself, each once.
    pub(super) fn everybody(&self, recipients: &[BareJid]) -> BTreeSet<BareJid> {
        let own = core::iter::once(self.names.own());
        recipients.iter().chain(own).cloned().collect()
    }

    pub(super) fn uses(&self, version: Version) -> bool {
        match self.options.versions {
            VersionPolicy::Only(only) => version == only,
            VersionPolicy::ByEvidence | VersionPolicy::Newest => true,
        }
    }

    /// The version that a device is written to.
    pub(super) fn choose_version(
        &self,
        record: &DeviceRecord,
        versions: &PerVersion<bool>,
    ) -> Result<Version, Gap> {
        if is_downgraded(record) && self.options.downgrades == DowngradePolicy::Skip {
            return Err(Gap::Downgraded);
        }
        let listed = Version::ALL.into_iter().filter(|v| record.is_listed(*v));
        if listed.clone().next().is_none() {
            return Err(Gap::NotListed);
        }
        let mut possible = listed.filter(|v| self.uses(*v) && *versions.get(*v));
        let (oldest, newest) = (possible.next(), possible.next_back());
        let oldest = oldest.ok_or(Gap::NoCommonVersion)?;
        let newest = newest.unwrap_or(oldest);
        let speaks = record.part(newest).is_some_and(|part| part.speaks);
        Ok(match self.options.versions {
            VersionPolicy::ByEvidence if !speaks => oldest,
            _ => newest,
        })
    }
}
