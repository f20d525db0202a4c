//! What the user changes on the account's own device lists: this device's label, and devices that are gone.

use std::collections::{BTreeMap, BTreeSet};

use rand_core::TryCryptoRng;

use crate::account::{AccountError, LabelError};
use crate::client::Client;
use crate::model::{DeviceId, DeviceList, Timestamp, Version};

/// Devices that the user has removed, until a list without them is published.
#[derive(Debug, Default)]
pub(in crate::client) struct Removals(BTreeMap<Version, BTreeSet<DeviceId>>);

impl Removals {
    pub(in crate::client) fn are_done(&mut self, version: Version) {
        self.0.remove(&version);
    }

    /// Those that are still on a list.
    pub(in crate::client) fn of(&self, list: &DeviceList) -> Vec<DeviceId> {
        let removed = self.0.get(&list.version);
        let listed = list.devices.iter().map(|device| device.id);
        listed
            .filter(|id| removed.is_some_and(|removed| removed.contains(id)))
            .collect()
    }
}

impl<R: TryCryptoRng> Client<R> {
    /// Gives this device a label, which everybody can read, or takes it away, and publishes it in the
    /// versions that have labels: now, or with the next connection (XEP-0384 §4.2).
    ///
    /// # Errors
    /// [`LabelError`]: what cannot be a label is not signed. After [`LabelError::Account`] it may be given all the
    /// same; calling again is safe.
    pub fn set_label(&mut self, text: Option<&str>, now: Timestamp) -> Result<(), LabelError> {
        self.account.set_label(text, &mut self.rng)?;
        for version in self.options.versions().filter(|v| v.has_labels()) {
            self.announcements.announce_at(version, Some(now));
        }
        Ok(self.go_on(now)?)
    }

    /// Takes devices that are gone off the account's own lists, and publishes them: now, or with the next
    /// connection of this `Client`. Nothing is encrypted for them from now on. A device that is still in
    /// use puts itself back. This one is passed over: it leaves by [`Self::switch_off`].
    ///
    /// # Errors
    /// [`AccountError`]: they may be removed all the same; calling again is safe.
    pub fn remove_own_devices(
        &mut self,
        devices: &[DeviceId],
        now: Timestamp,
    ) -> Result<(), AccountError> {
        self.account.remove_own_devices(devices, now)?;
        let own = self.account.device();
        for version in self.options.versions() {
            let removals = self.removals.0.entry(version).or_default();
            // Else each list that we are on would be one to publish again.
            removals.extend(devices.iter().filter(|device| **device != own));
            self.announcements.announce_at(version, Some(now));
        }
        self.go_on(now)
    }

    /// Takes off again what was removed and stands on a list that the server has sent. Whether there was
    /// any.
    pub(in crate::client) fn take_removed_off(
        &mut self,
        list: &DeviceList,
        now: Timestamp,
    ) -> Result<bool, AccountError> {
        let listed = self.removals.of(list);
        if !listed.is_empty() {
            self.account.remove_own_devices(&listed, now)?;
        }
        Ok(!listed.is_empty())
    }
}
