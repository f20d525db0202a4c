//! Device lists that have come, pushed or answered.

use core::time::Duration;

use rand_core::TryCryptoRng;

use super::Resource;
use crate::account::{AccountError, Listing, Peer};
use crate::client::Client;
use crate::client::action::Notice;
use crate::model::{BareJid, DeviceId, DeviceList, Timestamp, Version};

/// Somebody who is not on his list makes us ask for it no more often than that.
const UNLISTED: Duration = Duration::from_secs(10);

impl<R: TryCryptoRng> Client<R> {
    /// Takes in a list that its account's server has sent.
    pub(in crate::client) fn take_list(
        &mut self,
        jid: &BareJid,
        list: &DeviceList,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let is_own = jid == self.account.jid();
        if is_own && self.is_device_id_taken(list) {
            let taken: Vec<_> = list.devices.iter().map(|device| device.id).collect();
            self.account.change_device_id(&taken, &mut self.rng)?;
        }
        let was_seen = self.account.device_list_seen(jid, list.version)?.is_some();
        let change = self.account.set_device_list(jid, list, now)?;
        if !change.added.is_empty() || !change.removed.is_empty() {
            self.outbox.has_changed(jid);
        }
        // Somebody who has no device yet may log in for the first time at any moment.
        let is_absent = !is_own && list.devices.is_empty() && self.account.devices(jid)?.is_empty();
        let resource = Resource::List(jid.clone(), list.version);
        self.knowledge.table.saw(resource, is_absent, now);
        if is_own && was_seen {
            // Whoever takes a device off knows it.
            let removed = self.removals.of(list);
            let added = change.added.iter();
            let new = added.filter(|device| !removed.contains(device)).copied();
            self.knowledge.new_own.extend(new);
        }
        self.tell_of_downgrades(jid, list.version, &change.downgraded)?;
        if is_own {
            while let Some(device) = self.knowledge.new_own.first().copied() {
                self.tell_of_new_device(device)?;
                self.knowledge.new_own.remove(&device);
            }
            let announce_at = if self.take_removed_off(list, now)? {
                Some(now)
            } else {
                change.announce_at
            };
            self.announcements.announce_at(list.version, announce_at);
        }
        Ok(())
    }

    /// Once for each, and only when all lists are known: the newer one may have the device.
    fn tell_of_downgrades(
        &mut self,
        jid: &BareJid,
        version: Version,
        devices: &[DeviceId],
    ) -> Result<(), AccountError> {
        for version in self.options.versions() {
            if self.account.device_list_seen(jid, version)?.is_none() {
                return Ok(());
            }
        }
        self.knowledge
            .downgraded
            .retain(|(of, device)| of != jid || devices.contains(device));
        for device in devices {
            if self.knowledge.downgraded.insert((jid.clone(), *device)) {
                let peer = Peer::new(jid.clone(), *device, version);
                self.notice(Notice::Downgraded(peer));
            }
        }
        Ok(())
    }

    /// Once for each new device, although it comes to two lists. One whose key is trusted already is not
    /// new: it was off the list for a time, as when another client was confused.
    fn tell_of_new_device(&mut self, id: DeviceId) -> Result<(), AccountError> {
        let own = self.account.jid();
        let devices = self.account.devices(own)?;
        let device = devices.into_iter().find(|device| device.id == id);
        if let Some(key) = device.as_ref().and_then(|device| device.fingerprint)
            && self.account.trust(own, &key)?.allows_sending()
        {
            return Ok(());
        }
        let lists = device.map_or(0, |device| {
            let versions = device.versions.iter();
            versions.filter(|(_, version)| version.listed).count()
        });
        if lists <= 1 {
            self.notice(Notice::NewOwnDevice(id));
        }
        Ok(())
    }

    /// A device that is not on the list has written: the list that we know is old, also if its server
    /// was to tell us of changes, and if it has told us a moment ago: ejabberd tells nobody abroad of what a
    /// client publishes as it logs in, and sends the list of before with that client's presence.
    /// A stranger is not asked: that would tell it that somebody is there.
    pub(in crate::client) fn check_listing(
        &mut self,
        sender: &Peer,
        listing: Listing,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        if listing != Listing::Active
            && self.is_connected
            && self.account.is_accepted(&sender.jid)?
        {
            let list = Resource::List(sender.jid.clone(), sender.version);
            if self.knowledge.table.dispute(&list, UNLISTED, now) {
                self.look_up(&list, now)?;
            }
        }
        Ok(())
    }
}
