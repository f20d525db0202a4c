//! Everything at once: people with devices, servers, the network, chance, and the time.

use std::collections::BTreeMap;

use omemo::account::{Account, Peer, Trust, VersionPolicy};
use omemo::model::{BareJid, DeviceId, Timestamp, Version};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::device::{Device, Phase};
use crate::ledger::Ledger;
use crate::network::Network;
use crate::server::Server;

pub(crate) const PEOPLE: usize = 10;
pub(crate) const MAX_DEVICES: usize = 4;
pub(crate) const MINUTE: u64 = 60 * 1000;
pub(crate) const HOUR: u64 = 60 * MINUTE;
pub(crate) const DAY: u64 = 24 * HOUR;

pub(crate) struct World {
    pub(crate) seed: u64,
    /// What people and the network do.
    pub(crate) chance: StdRng,
    /// What the library draws.
    pub(crate) rng: StdRng,
    pub(crate) people: Vec<BareJid>,
    /// All that ever were.
    pub(crate) devices: Vec<Device>,
    by_name: BTreeMap<(BareJid, DeviceId), usize>,
    pub(crate) server: Server,
    pub(crate) network: Network,
    pub(crate) ledger: Ledger,
    pub(crate) now: u64,
    /// Messages with a text that were encrypted.
    pub(crate) written: u64,
}

impl World {
    /// Ten people with one to four devices each.
    pub(crate) fn new(seed: u64) -> Self {
        let person = |n| format!("person{n}@house{n}.example").parse().unwrap();
        let mut world = Self {
            seed,
            chance: StdRng::seed_from_u64(seed),
            rng: StdRng::seed_from_u64(!seed),
            people: (0..PEOPLE).map(person).collect(),
            devices: Vec::new(),
            by_name: BTreeMap::new(),
            server: Server::default(),
            network: Network::default(),
            ledger: Ledger::default(),
            now: 1_700_000_000_000,
            written: 0,
        };
        for person in 0..PEOPLE {
            for _ in 0..world.draw(1, MAX_DEVICES) {
                world.add_device(person);
            }
        }
        world
    }

    pub(crate) const fn time(&self) -> Timestamp {
        Timestamp::from_millis(self.now)
    }

    /// A number from `least` to `most`.
    pub(crate) fn draw(&mut self, least: usize, most: usize) -> usize {
        self.chance.random_range(least..=most)
    }

    pub(crate) fn happens(&mut self, percent: u32) -> bool {
        self.chance.random_range(0..100) < percent
    }

    pub(crate) fn account(&self, device: usize) -> &Account {
        &self.devices[device].account
    }

    pub(crate) fn find(&self, jid: &BareJid, id: DeviceId) -> usize {
        self.by_name[&(jid.clone(), id)]
    }

    pub(crate) fn find_peer(&self, peer: &Peer) -> usize {
        self.find(&peer.jid, peer.device)
    }

    /// The devices of a person that were not removed.
    pub(crate) fn devices_of(&self, person: usize) -> Vec<usize> {
        self.having(|device| device.person == person)
    }

    pub(crate) fn everybody(&self) -> Vec<usize> {
        self.having(|_| true)
    }

    fn having(&self, has: impl Fn(&Device) -> bool) -> Vec<usize> {
        let devices = self.devices.iter().enumerate();
        let living = devices.filter(|(_, device)| device.phase != Phase::Removed);
        living
            .filter(|(_, device)| has(device))
            .map(|(number, _)| number)
            .collect()
    }

    pub(crate) fn one_of(&mut self, devices: &[usize]) -> Option<usize> {
        let last = devices.len().checked_sub(1)?;
        Some(devices[self.draw(0, last)])
    }

    /// A person gets a device. It publishes its bundles, then its place on the lists.
    pub(crate) fn add_device(&mut self, person: usize) -> usize {
        let versions = match self.draw(0, 9) {
            0 => VersionPolicy::Only(Version::Legacy),
            1 => VersionPolicy::Only(Version::Omemo2),
            2..=4 => VersionPolicy::Newest,
            _ => VersionPolicy::ByEvidence,
        };
        let jid = self.people[person].clone();
        let now = self.time();
        let device = Device::new(jid.clone(), person, versions, now, &mut self.rng);
        let number = self.devices.len();
        self.by_name.insert((jid, device.id()), number);
        self.devices.push(device);
        for other in self.people.clone() {
            self.account(number)
                .set_accepted(&other, true, now)
                .unwrap();
        }
        self.publish_bundles(number);
        let own = self.devices[number].jid().clone();
        for version in Version::ALL {
            self.fetch_list(number, &own, version);
        }
        self.announce(number);
        number
    }

    /// One device takes another off the lists; it never comes back.
    pub(crate) fn remove_device(&mut self, by: usize, removed: usize) {
        let jid = self.devices[by].jid().clone();
        let (id, now) = (self.devices[removed].id(), self.time());
        for version in Version::ALL {
            self.fetch_list(by, &jid, version);
        }
        self.account(by).remove_own_devices(&[id], now).unwrap();
        for version in Version::ALL {
            if self.devices[by].speaks(version) {
                self.publish_list(by, version);
            } else {
                self.server.unlist(&jid, version, id);
                self.list_changed(&jid, version);
            }
            self.server
                .remove_bundle(&self.devices[removed].peer(version));
        }
        for list in self.devices[by].client.lists.values_mut() {
            list.remove(&id);
        }
        self.devices[removed].phase = Phase::Removed;
        self.devices[removed].archive.clear();
    }

    pub(crate) fn list_changed(&mut self, jid: &BareJid, version: Version) {
        for device in &mut self.devices {
            if device.phase != Phase::Removed {
                device.stale.insert((jid.clone(), version));
            }
        }
    }

    /// A user decides about a key that his device knows.
    pub(crate) fn decide(&mut self, device: usize, person: usize) {
        let jid = self.people[person].clone();
        let keys = self.account(device).keys(&jid).unwrap();
        if keys.is_empty() {
            return;
        }
        let key = keys[self.draw(0, keys.len() - 1)];
        let trust = match self.draw(0, 9) {
            0..=2 => Trust::Distrusted,
            3 => Trust::Verified,
            _ => Trust::Blind,
        };
        self.set_trust(device, &jid, &key.fingerprint, trust);
    }

    pub(crate) fn set_trust(
        &mut self,
        device: usize,
        jid: &BareJid,
        key: &omemo::model::Fingerprint,
        trust: Trust,
    ) {
        let now = self.time();
        self.account(device)
            .set_trust(jid, key, trust, now)
            .unwrap();
        let client = &mut self.devices[device].client;
        client.distrusted.remove(key.as_bytes());
        match trust {
            Trust::Distrusted => drop(client.distrusted.insert(*key.as_bytes())),
            Trust::Verified => drop(client.verified.insert(jid.clone())),
            Trust::Blind | Trust::Undecided => {}
        }
    }

    /// Ends the run, with all that is known of two devices.
    pub(crate) fn complain(&self, one: usize, other: usize, what: &str) -> ! {
        let name = |number: usize| {
            let device = &self.devices[number];
            let (jid, id) = (device.jid(), device.id());
            format!("{number} is {jid} {id:?}, life {}", device.life)
        };
        panic!(
            "{}{what}\n{}\n{}\nseed {}, after {} messages",
            self.ledger.trace(one, other),
            name(one),
            name(other),
            self.seed,
            self.written,
        )
    }
}
