//! Accounts with their stores, and servers that know device lists and bundles: everything but a network.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::sync::Arc;

use omemo::account::{
    Account, Arrival, Bundles, EncryptError, FetchedBundle, Incoming, Opening, Options, Outgoing,
    Peer, Received, Sender, Sent, TrustPolicy,
};
use omemo::model::{
    BareJid, DeviceId, DeviceList, Encrypted, OwnKey, PerVersion, RecipientKey, Timestamp, Version,
};
use omemo::store::{MemoryStore, Record, Store};
use rand::SeedableRng;
use rand::rngs::StdRng;

pub(crate) const JULIET: &str = "juliet@capulet.example";
pub(crate) const ROMEO: &str = "romeo@montague.example";
pub(crate) const HOUR: u64 = 60 * 60 * 1000;
pub(crate) const DAY: u64 = 24 * HOUR;

pub(crate) fn jid(text: &str) -> BareJid {
    text.parse().unwrap()
}

/// A device: an account in a store of its own.
pub(crate) struct Device {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) account: Account,
}

impl Device {
    pub(crate) fn jid(&self) -> &BareJid {
        self.account.jid()
    }

    pub(crate) fn id(&self) -> DeviceId {
        self.account.device()
    }

    pub(crate) fn peer(&self, version: Version) -> Peer {
        Peer {
            jid: self.jid().clone(),
            device: self.id(),
            version,
        }
    }

    pub(crate) fn dump(&self) -> Vec<Record> {
        self.store.dump()
    }
}

/// All devices, what time it is, and chance.
pub(crate) struct World {
    pub(crate) devices: Vec<Device>,
    pub(crate) rng: StdRng,
    pub(crate) now: u64,
}

/// An element on its way to one device.
pub(crate) type Stanza = Vec<Encrypted<OwnKey>>;

pub(crate) fn options() -> Options {
    let mut options = Options::new(TrustPolicy::BlindUntilVerified);
    options.trust_own = TrustPolicy::BlindUntilVerified;
    options
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            devices: Vec::new(),
            rng: StdRng::seed_from_u64(seed),
            now: 1_700_000_000_000,
        }
    }

    /// Juliet and Romeo, who know each other's device lists.
    pub(crate) fn of_two(seed: u64) -> Self {
        let mut world = Self::new(seed);
        world.add(JULIET);
        world.add(ROMEO);
        world.publish_lists();
        world
    }

    pub(crate) const fn time(&self) -> Timestamp {
        Timestamp::from_millis(self.now)
    }

    pub(crate) fn add(&mut self, address: &str) -> usize {
        self.add_with(address, options())
    }

    pub(crate) fn add_with(&mut self, address: &str, options: Options) -> usize {
        let store = Arc::new(MemoryStore::new());
        let now = self.time();
        let account =
            Account::open(store.clone(), jid(address), options, now, &mut self.rng).unwrap();
        assert_eq!(account.opening(), Opening::Created);
        self.devices.push(Device { store, account });
        self.devices.len() - 1
    }

    /// Opens the account of a device again, from its store as it is.
    pub(crate) fn reopen(&mut self, device: usize, options: Options) -> Opening {
        let now = self.time();
        let store = self.devices[device].store.clone();
        let address = self.devices[device].jid().clone();
        let account = Account::open(store, address, options, now, &mut self.rng).unwrap();
        let opening = account.opening();
        self.devices[device].account = account;
        opening
    }

    /// The list of an account's devices, as its server has it.
    pub(crate) fn list(&self, address: &BareJid, version: Version) -> DeviceList {
        let of_account = self.devices.iter().filter(|device| device.jid() == address);
        DeviceList {
            version,
            devices: of_account
                .map(|device| omemo::model::Device {
                    id: device.id(),
                    label: None,
                })
                .collect(),
        }
    }

    /// Tells everybody everybody's list, in both versions.
    pub(crate) fn publish_lists(&mut self) {
        self.publish_lists_of(&Version::ALL);
    }

    pub(crate) fn publish_lists_of(&mut self, versions: &[Version]) {
        let now = self.time();
        let addresses: Vec<_> = self.devices.iter().map(|d| d.jid().clone()).collect();
        for device in &self.devices {
            for address in &addresses {
                for version in versions {
                    let list = self.list(address, *version);
                    device.account.set_device_list(address, &list, now).unwrap();
                }
            }
        }
    }

    /// What the server answers when somebody asks for a bundle.
    pub(crate) fn fetch(&self, peer: &Peer) -> FetchedBundle {
        let mut devices = self.devices.iter();
        let found = devices.find(|d| *d.jid() == peer.jid && d.id() == peer.device);
        found.map_or(FetchedBundle::Absent, |device| {
            let bundle = device.account.bundle(peer.version).unwrap().bundle;
            FetchedBundle::Bundle(Box::new(bundle))
        })
    }

    pub(crate) fn fetch_missing(
        &self,
        from: usize,
        to: &[BareJid],
        use_: PerVersion<bool>,
    ) -> Bundles {
        let missing = self.devices[from].account.missing(to, use_).unwrap();
        let peers = missing.bundles.into_iter();
        peers
            .map(|peer| (peer.clone(), self.fetch(&peer)))
            .collect()
    }

    /// Encrypts a text in both versions.
    pub(crate) fn send(
        &mut self,
        from: usize,
        to: &[BareJid],
        text: &[u8],
    ) -> Result<Sent, EncryptError> {
        let payloads = PerVersion {
            legacy: Some(text),
            omemo2: Some(text),
        };
        self.send_in(from, to, payloads)
    }

    pub(crate) fn send_in(
        &mut self,
        from: usize,
        to: &[BareJid],
        payloads: PerVersion<Option<&[u8]>>,
    ) -> Result<Sent, EncryptError> {
        let used = PerVersion::from_fn(|version| payloads.get(version).is_some());
        let bundles = self.fetch_missing(from, to, used);
        let outgoing = Outgoing {
            recipients: to,
            payloads,
            bundles: &bundles,
        };
        let now = self.time();
        let account = &self.devices[from].account;
        account.encrypt(&outgoing, now, &mut self.rng)
    }

    /// Encrypts a text in one version.
    pub(crate) fn write(
        &mut self,
        from: usize,
        to: usize,
        version: Version,
        text: &[u8],
    ) -> Stanza {
        let mut payloads = PerVersion::default();
        *payloads.get_mut(version) = Some(text);
        let recipient = self.devices[to].jid().clone();
        let sent = self.send_in(from, &[recipient], payloads).unwrap();
        self.for_device(to, &sent.elements)
    }

    /// What a device's reader finds in a stanza.
    pub(crate) fn for_device(&self, device: usize, elements: &[Encrypted<RecipientKey>]) -> Stanza {
        let device = &self.devices[device];
        elements
            .iter()
            .map(|element| received(element, device.jid(), device.id()))
            .collect()
    }

    pub(crate) fn read(&mut self, device: usize, from: usize, stanza: &Stanza) -> Received {
        self.read_as(device, from, stanza, Arrival::Live)
    }

    pub(crate) fn read_as(
        &mut self,
        device: usize,
        from: usize,
        stanza: &Stanza,
        arrival: Arrival,
    ) -> Received {
        let senders = [self.devices[from].jid().clone()];
        let incoming = Incoming {
            sender: Sender::among(&senders),
            elements: stanza,
            arrival,
            author: None,
            attached: &[],
        };
        let now = self.time();
        let account = &self.devices[device].account;
        account.decrypt(&incoming, now, &mut self.rng).unwrap()
    }

    /// Reads and acknowledges; fails if it is not this text.
    pub(crate) fn expect(&mut self, device: usize, from: usize, stanza: &Stanza, text: &[u8]) {
        match self.read(device, from, stanza) {
            Received::Message(message) => {
                assert_eq!(message.payload.as_slice(), text);
                let account = &self.devices[device].account;
                account
                    .acknowledge(&[message.id], omemo::account::APPLICATION)
                    .unwrap();
            }
            other => panic!("{other:?}"),
        }
    }

    /// Sends what a device owes, and has it read.
    pub(crate) fn answer(&mut self, from: usize) -> usize {
        let due = self.devices[from].account.answers_due().unwrap();
        for answer in &due {
            let now = self.time();
            let account = &self.devices[from].account;
            let element = account
                .encrypt_empty(&answer.peer, None, now, &mut self.rng)
                .unwrap();
            let to = self.find(&answer.peer);
            let stanza = self.for_device(to, &[element]);
            let read = self.read(to, from, &stanza);
            assert!(matches!(read, Received::Empty(_)), "{read:?}");
        }
        due.len()
    }

    pub(crate) fn find(&self, peer: &Peer) -> usize {
        let mut devices = self.devices.iter();
        devices
            .position(|device| *device.jid() == peer.jid && device.id() == peer.device)
            .unwrap()
    }
}

/// What a reader finds in an element that was written.
pub(crate) fn received(
    element: &Encrypted<RecipientKey>,
    account: &BareJid,
    device: DeviceId,
) -> Encrypted<OwnKey> {
    let keys = element.keys.iter();
    // Legacy does not say whose device a key is for.
    let is_named = element.version == Version::Omemo2;
    let keys = keys.filter(|key| key.device == device && (!is_named || key.account == *account));
    Encrypted {
        version: element.version,
        sender_device: element.sender_device,
        keys: keys
            .map(|key| OwnKey {
                key_exchange: key.key_exchange,
                bytes: key.bytes.clone(),
            })
            .collect(),
        iv: element.iv.clone(),
        payload: element.payload.clone(),
    }
}

/// A store as a trait object.
pub(crate) fn shared(store: &Arc<MemoryStore>) -> Arc<dyn Store> {
    store.clone()
}
