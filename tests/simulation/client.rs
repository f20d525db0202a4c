//! What a client does for its account: lists, bundles, answers, repairs, acknowledgement.

use omemo::account::{APPLICATION, CatchUpId, EmptyError, FetchedBundle, Gap, Order, Peer};
use omemo::model::{BareJid, Encrypted, RecipientKey, Version};

use crate::device::Phase;
use crate::world::{DAY, World};

impl World {
    /// Whatever a client does from time to time.
    pub(crate) fn attend(&mut self, device: usize) {
        if self.happens(50) {
            self.publish_bundles(device);
        }
        if self.happens(50) {
            self.fetch_stale(device);
        }
        self.answer(device);
        self.repair(device);
        if self.happens(50) {
            self.acknowledge(device);
        }
        let is_daily = self.now - self.devices[device].last_end > DAY;
        if self.devices[device].phase == Phase::Online && is_daily {
            self.maintain(device);
        }
    }

    pub(crate) fn begin_catch_up(&mut self, device: usize, newest_first: bool) -> CatchUpId {
        let order = if newest_first {
            Order::NewestFirst
        } else {
            Order::OldestFirst
        };
        let now = self.time();
        self.account(device).begin_catch_up(order, now).unwrap()
    }

    pub(crate) fn end_catch_up(&mut self, device: usize, catch_up: CatchUpId) {
        let now = self.time();
        let account = &self.devices[device].account;
        account.end_catch_up(catch_up, now, &mut self.rng).unwrap();
        self.maintain(device);
    }

    fn maintain(&mut self, device: usize) {
        let now = self.time();
        let account = &self.devices[device].account;
        account.maintain(now, &mut self.rng).unwrap();
        self.devices[device].last_end = self.now;
        self.publish_bundles(device);
        self.repair(device);
    }

    pub(crate) fn publish_bundles(&mut self, device: usize) {
        let account = &self.devices[device].account;
        for version in account.bundles_due().unwrap() {
            let own = account.bundle(version).unwrap();
            assert!(own.is_due);
            if self.devices[device].speaks(version) {
                let peer = self.devices[device].peer(version);
                let life = self.devices[device].life;
                self.server.publish_bundle(&peer, own.bundle, life);
            }
            account.bundle_published(version, own.revision).unwrap();
        }
    }

    pub(crate) fn fetch_stale(&mut self, device: usize) {
        for (jid, version) in core::mem::take(&mut self.devices[device].stale) {
            self.fetch_list(device, &jid, version);
        }
        self.announce(device);
    }

    pub(crate) fn fetch_list(&mut self, device: usize, jid: &BareJid, version: Version) {
        let (list, now) = (self.server.list(jid, version), self.time());
        let account = self.account(device);
        let change = account.set_device_list(jid, &list, now).unwrap();
        let device = &mut self.devices[device];
        if let Some(at) = change.announce_at
            && device.speaks(version)
        {
            device.announce.insert(version, at.as_millis());
        }
        let ids = list.devices.iter().map(|device| device.id).collect();
        device.client.lists.insert((jid.clone(), version), ids);
    }

    /// Puts a device into its lists where it is due.
    pub(crate) fn announce(&mut self, device: usize) {
        let due = core::mem::take(&mut self.devices[device].announce);
        for (version, at) in due {
            if at <= self.now {
                self.publish_list(device, version);
            } else {
                self.devices[device].announce.insert(version, at);
            }
        }
    }

    pub(crate) fn publish_list(&mut self, device: usize, version: Version) {
        let (account, now) = (self.account(device), self.time());
        let (list, jid) = (
            account.own_device_list(version).unwrap(),
            account.jid().clone(),
        );
        account.device_list_published(version, now).unwrap();
        self.server.publish_list(&jid, &list);
        self.list_changed(&jid, version);
    }

    /// Asks a server for a bundle.
    pub(crate) fn fetch_bundle(&mut self, peer: &Peer) -> FetchedBundle {
        if !self.network.is_calm && self.happens(2) {
            return FetchedBundle::Absent;
        }
        self.server
            .bundle(peer)
            .map_or(FetchedBundle::Absent, |(bundle, _)| {
                FetchedBundle::Bundle(Box::new(bundle.clone()))
            })
    }

    /// Sends the empty messages that are owed. How many there were.
    pub(crate) fn answer(&mut self, device: usize) -> usize {
        let due = self.account(device).answers_due().unwrap();
        for answer in &due {
            let now = self.time();
            let account = &self.devices[device].account;
            match account.encrypt_empty(&answer.peer, None, now, &mut self.rng) {
                Ok(element) => self.send_empty(device, &answer.peer, element),
                Err(error) => {
                    let other = self.find_peer(&answer.peer);
                    self.complain(device, other, &format!("an answer is owed: {error:?}"));
                }
            }
        }
        due.len()
    }

    /// Starts new sessions where that is due. How many there were.
    pub(crate) fn repair(&mut self, device: usize) -> usize {
        let now = self.time();
        let due = self.account(device).repairs_due(now).unwrap();
        for peer in &due {
            let bundle = self.fetch_bundle(peer);
            let account = &self.devices[device].account;
            match account.repair(peer, &bundle, now, &mut self.rng) {
                Ok(element) => {
                    self.ledger.count("repairs");
                    self.send_empty(device, peer, element);
                }
                Err(EmptyError::Gap(Gap::NoBundle)) => account.repair_failed(peer, now).unwrap(),
                Err(error) => {
                    let other = self.find_peer(peer);
                    self.complain(device, other, &format!("a repair is due: {error:?}"));
                }
            }
        }
        due.len()
    }

    fn send_empty(&mut self, device: usize, peer: &Peer, element: Encrypted<RecipientKey>) {
        assert!(element.payload.is_none());
        let message = self.ledger.begin(device, None);
        self.send(message, vec![element], &[self.find_peer(peer)]);
    }

    /// Takes over what has waited.
    pub(crate) fn acknowledge(&mut self, device: usize) {
        let device = &mut self.devices[device];
        if device.waiting.is_empty() {
            return;
        }
        let inbox = device.account.inbox(APPLICATION).unwrap();
        let ids: std::collections::BTreeSet<_> = inbox.iter().map(|message| message.id).collect();
        assert_eq!(
            ids, device.waiting,
            "the inbox has what was not acknowledged"
        );
        for id in core::mem::take(&mut device.waiting) {
            device.account.acknowledge(&[id], APPLICATION).unwrap();
        }
        assert!(device.account.inbox(APPLICATION).unwrap().is_empty());
    }
}
