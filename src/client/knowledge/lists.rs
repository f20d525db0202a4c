//! Device lists of others: told by their servers, or asked for.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use rand_core::TryCryptoRng;

use crate::account::{AccountError, Listing, Peer};
use crate::client::Client;
use crate::client::action::Notice;
use crate::client::requests::{Asked, Purpose};
use crate::model::{BareJid, DeviceId, DeviceList, Timestamp, Version};
use crate::stanza::{Items, Node, Request, Source};

/// What was asked on this stream.
#[derive(Debug, Default)]
pub(in crate::client) struct Lists {
    /// When each list was asked for.
    asked: BTreeMap<(BareJid, Version), Timestamp>,
    /// Lists that nobody could tell us, and since when: messages do not wait for them.
    unknown: BTreeMap<(BareJid, Version), Timestamp>,
    /// Devices whose downgrade was told of.
    downgraded: BTreeSet<(BareJid, DeviceId)>,
    /// New devices of the account, which the user was not told of yet.
    new_own: BTreeSet<DeviceId>,
}

impl Lists {
    pub(in crate::client) fn clear(&mut self) {
        self.asked.clear();
        self.unknown.clear();
    }

    /// Nobody could tell us a list: it may be asked for again later.
    pub(in crate::client) fn is_unknown(
        &mut self,
        jid: &BareJid,
        version: Version,
        now: Timestamp,
    ) {
        let key = (jid.clone(), version);
        self.asked.remove(&key);
        self.unknown.insert(key, now);
    }
}

/// A list that nobody could tell us is not asked for again so soon.
const UNKNOWN: Duration = Duration::from_secs(5 * 60);

/// Somebody who is not on his list makes us ask for it no more often than that.
const UNLISTED: Duration = Duration::from_secs(10);

impl<R: TryCryptoRng> Client<R> {
    /// Asks for a device list, unless it was asked for a moment ago. Whether the answer is still to come.
    pub(in crate::client) fn ask_for_list(
        &mut self,
        jid: &BareJid,
        version: Version,
        now: Timestamp,
    ) -> Result<bool, AccountError> {
        self.ask_for_older_list(jid, version, self.options.list_age, now)
    }

    fn ask_for_older_list(
        &mut self,
        jid: &BareJid,
        version: Version,
        age: Duration,
        now: Timestamp,
    ) -> Result<bool, AccountError> {
        if self.is_asking_for_list(jid, version) {
            return Ok(true);
        }
        let key = (jid.clone(), version);
        let unknown = self.lists.unknown.get(&key);
        if unknown.is_some_and(|since| now.since(*since) < UNKNOWN) {
            return Ok(false);
        }
        let asked = self.lists.asked.get(&key);
        if asked.is_some_and(|asked| now.since(*asked) < age) {
            return Ok(false);
        }
        let request = Request::fetch_device_list(version);
        let purpose = Purpose::FetchList(jid.clone(), version);
        self.request(purpose, Some(jid), request, now)?;
        self.lists.asked.insert(key, now);
        Ok(true)
    }

    /// Whether an answer is still to come.
    pub(in crate::client) fn is_asking_for_list(&self, jid: &BareJid, version: Version) -> bool {
        self.requests.is_asked(&Asked::List(jid.clone(), version))
    }

    /// Whether a list may have changed without our being told.
    pub(in crate::client) fn is_list_stale(
        &self,
        jid: &BareJid,
        version: Version,
        now: Timestamp,
    ) -> Result<bool, AccountError> {
        if jid == self.account.jid() || self.subscribed.contains(jid) {
            return Ok(false);
        }
        let seen = self.account.device_list_seen(jid, version)?;
        Ok(seen.is_none_or(|seen| now.since(seen) >= self.options.list_age))
    }

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
        self.lists.unknown.remove(&(jid.clone(), list.version));
        if is_own && was_seen {
            // Whoever takes a device off knows it.
            let removed = self.removals.of(list);
            let added = change.added.iter();
            let new = added.filter(|device| !removed.contains(device)).copied();
            self.lists.new_own.extend(new);
        }
        self.tell_of_downgrades(jid, list.version, &change.downgraded)?;
        if is_own {
            self.announcements.list_has_come(list.version);
            while let Some(device) = self.lists.new_own.first().copied() {
                self.tell_of_new_device(device)?;
                self.lists.new_own.remove(&device);
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
        self.lists
            .downgraded
            .retain(|(of, device)| of != jid || devices.contains(device));
        for device in devices {
            if self.lists.downgraded.insert((jid.clone(), *device)) {
                let peer = Peer::new(jid.clone(), *device, version);
                self.notice(Notice::Downgraded(peer));
            }
        }
        Ok(())
    }

    /// Once for each new device, although it comes to two lists.
    fn tell_of_new_device(&mut self, id: DeviceId) -> Result<(), AccountError> {
        let devices = self.account.devices(self.account.jid())?;
        let device = devices.into_iter().find(|device| device.id == id);
        let lists = device.map_or(0, |device| {
            let versions = device.versions.iter();
            versions.filter(|(_, version)| version.listed).count()
        });
        if lists <= 1 {
            self.notice(Notice::NewOwnDevice(id));
        }
        Ok(())
    }

    /// Takes in a notification of a node; whether it was one of OMEMO.
    pub(in crate::client) fn take_event(
        &mut self,
        xml: &str,
        now: Timestamp,
    ) -> Result<bool, AccountError> {
        let Ok(Some(items)) = Items::read(xml) else {
            return Ok(false);
        };
        if !matches!(items.source, Source::Event | Source::Removal) {
            return Ok(false);
        }
        let Node::DeviceList(version) = items.node else {
            return Ok(true);
        };
        // A node is its account's: only the bare address itself speaks for it.
        let own = self.account.jid();
        let owner: Option<BareJid> = match items.from.as_deref() {
            None => Some(own.clone()),
            Some(from) => from.parse().ok(),
        };
        let Some(owner) = owner else {
            return Ok(true);
        };
        if !self.options.versions().any(|used| used == version) || !self.follows(&owner, version)? {
            return Ok(true);
        }
        let list = match items.source {
            Source::Removal => Some(DeviceList {
                version,
                devices: Vec::new(),
            }),
            _ => items.device_list().ok().flatten(),
        };
        if let Some(list) = list {
            self.take_list(&owner, &list, now)?;
        }
        Ok(true)
    }

    /// Whether the lists of an account mean anything to us. A stranger's are not stored: anybody can send
    /// one.
    fn follows(&self, jid: &BareJid, version: Version) -> Result<bool, AccountError> {
        Ok(self.subscribed.contains(jid)
            || self.account.is_accepted(jid)?
            || self.account.device_list_seen(jid, version)?.is_some())
    }

    /// A device that is not on the list has written: the list that we know is old, also if its server
    /// was to tell us of changes. ejabberd tells nobody abroad of what a client publishes as it logs in.
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
            self.ask_for_older_list(&sender.jid, sender.version, UNLISTED, now)?;
        }
        Ok(())
    }
}
