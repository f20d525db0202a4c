//! What this device publishes: a bundle and a place on the account's device list, for each version
//! (XEP-0384 §5.3).

use core::fmt;

use rand_core::TryCryptoRng;

use super::records::{self, ExtrasRecord, LabelRecord, OwnVersionRecord};
use super::transaction::Transaction;
use super::{Account, AccountError};
use crate::crypto::ed25519::Signature;
use crate::crypto::random;
use crate::error;
use crate::model::{Bundle, Device, DeviceId, DeviceList, Label, ListExtras, Timestamp, Version};
use crate::protocol::{self, sign_label};

/// A bundle, and which state of it this is.
#[derive(Clone, Debug)]
pub struct OwnBundle {
    /// What is to be published.
    pub bundle: Bundle,
    /// Grows with every change; for [`Account::bundle_published`].
    pub revision: u64,
    /// Whether it is another than the one that was published last.
    pub is_due: bool,
}

/// Why a device got no label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelError {
    /// The text cannot be one.
    Text(error::LabelError),
    /// Nothing was done.
    Account(AccountError),
}

impl fmt::Display for LabelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(error) => error.fmt(f),
            Self::Account(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for LabelError {}

impl From<AccountError> for LabelError {
    fn from(error: AccountError) -> Self {
        Self::Account(error)
    }
}

impl Account {
    /// This device's bundle for a version.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn bundle(&self, version: Version) -> Result<OwnBundle, AccountError> {
        self.read(|tx| {
            let state = self.version_state(tx, version)?;
            Ok(OwnBundle {
                bundle: self.bundle_of(tx, version)?,
                revision: state.revision,
                is_due: state.published < state.revision,
            })
        })
    }

    pub(super) fn bundle_of(
        &self,
        tx: &Transaction<'_>,
        version: Version,
    ) -> Result<Bundle, AccountError> {
        let (id, signed) = self.current_signed_pre_key(tx, version)?;
        Ok(Bundle {
            version,
            identity: protocol::of(version).identity(&self.own.identity),
            signed_pre_key_id: id,
            signed_pre_key: *signed.pair.public(),
            signature: signed.signature,
            pre_keys: self.offered_pre_keys(tx, version)?,
        })
    }

    /// The versions whose bundle is another than the one that was published last.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn bundles_due(&self) -> Result<Vec<Version>, AccountError> {
        self.read(|tx| {
            let mut due = Vec::new();
            for version in Version::ALL {
                let state = self.version_state(tx, version)?;
                if state.published < state.revision {
                    due.push(version);
                }
            }
            Ok(due)
        })
    }

    /// Says that the server has taken this revision of the bundle.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn bundle_published(&self, version: Version, revision: u64) -> Result<(), AccountError> {
        self.run(|tx| self.note_published(tx, version, revision))
    }

    /// Says that what the server has is not the bundle, or may not be: it is due again.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn bundle_lost(&self, version: Version) -> Result<(), AccountError> {
        self.run(|tx| self.note_unpublished(tx, version))
    }

    pub(super) fn note_published(
        &self,
        tx: &mut Transaction<'_>,
        version: Version,
        revision: u64,
    ) -> Result<(), AccountError> {
        let mut state = self.version_state(tx, version)?;
        state.published = state.published.max(revision.min(state.revision));
        let is_current = state.published == state.revision;
        records::write(tx, self.names.version_state(version), &state);
        if is_current {
            self.note_replaced_on_server(tx, version)?;
        }
        Ok(())
    }

    pub(super) fn note_unpublished(
        &self,
        tx: &mut Transaction<'_>,
        version: Version,
    ) -> Result<(), AccountError> {
        let mut state = self.version_state(tx, version)?;
        state.published = 0;
        records::write(tx, self.names.version_state(version), &state);
        Ok(())
    }

    /// The account's device list as it should be: what is known to be on it, and this device.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn own_device_list(&self, version: Version) -> Result<DeviceList, AccountError> {
        self.read(|tx| {
            let mut devices = Vec::new();
            for (id, record) in self.device_records(tx, self.names.own())? {
                if let Some(part) = record.part(version).filter(|part| part.listed) {
                    let label = part.label.as_ref().and_then(label);
                    devices.push(Device { id, label });
                }
            }
            let state = self.version_state(tx, version)?;
            devices.push(Device {
                id: self.own.device,
                label: state.label.as_ref().and_then(label),
            });
            Ok(DeviceList { version, devices })
        })
    }

    /// Takes note of what others have written into the account's own list: it is to be in it when the list is
    /// published again. What is in this device's own entry is not kept.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn set_list_extras(
        &self,
        version: Version,
        extras: &ListExtras,
    ) -> Result<(), AccountError> {
        self.run(|tx| {
            let name = self.names.list_extras(version);
            let devices = extras.devices.iter();
            let devices = devices.filter(|(id, _)| **id != self.own.device);
            let record = ExtrasRecord {
                devices: devices.map(|(id, xml)| (id.get(), xml.clone())).collect(),
                others: extras.others.clone(),
            };
            // So that nothing is written where nothing has changed.
            tx.get(&name)?;
            if record == ExtrasRecord::default() {
                tx.delete(name);
            } else {
                records::write(tx, name, &record);
            }
            Ok(())
        })
    }

    /// What others have written into the account's own list.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn list_extras(&self, version: Version) -> Result<ListExtras, AccountError> {
        self.read(|tx| {
            let record: ExtrasRecord = records::read(tx, &self.names.list_extras(version))?;
            let devices = record.devices.into_iter();
            let devices = devices.filter_map(|(id, xml)| Some((DeviceId::new(id)?, xml)));
            Ok(ListExtras {
                devices: devices.collect(),
                others: record.others,
            })
        })
    }

    /// Says that the device list with this device on it was published.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn device_list_published(
        &self,
        version: Version,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        self.run(|tx| {
            let mut state = self.version_state(tx, version)?;
            state.announced = now.as_millis();
            state.is_off_list = false;
            records::write(tx, self.names.version_state(version), &state);
            Ok(())
        })
    }

    /// Gives this device a label, which everybody can read, or takes it away. The device list is to be
    /// published after it, in the versions that have labels.
    ///
    /// # Errors
    /// [`LabelError`]: what cannot be a label is not signed.
    pub fn set_label<G: TryCryptoRng + ?Sized>(
        &self,
        text: Option<&str>,
        rng: &mut G,
    ) -> Result<(), LabelError> {
        let z = random(rng).map_err(AccountError::from)?;
        let label = text.map(|text| sign_label(&self.own.identity, text, &z));
        let label = label.transpose().map_err(LabelError::Text)?;
        self.run(|tx| {
            for version in Version::ALL.into_iter().filter(|v| v.has_labels()) {
                let mut state = self.version_state(tx, version)?;
                state.label = label.as_ref().map(label_record);
                records::write(tx, self.names.version_state(version), &state);
            }
            Ok(())
        })
    }

    pub(super) fn version_state(
        &self,
        tx: &Transaction<'_>,
        version: Version,
    ) -> Result<OwnVersionRecord, AccountError> {
        records::read(tx, &self.names.version_state(version))
    }
}

pub(super) fn label_record(label: &Label) -> LabelRecord {
    LabelRecord {
        text: label.text.clone(),
        signature: label.signature.as_bytes().to_vec(),
    }
}

pub(super) fn label(record: &LabelRecord) -> Option<Label> {
    Some(Label {
        text: record.text.clone(),
        signature: Signature::from_bytes(record.signature.as_slice().try_into().ok()?),
    })
}
