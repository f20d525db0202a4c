//! What does not grow: the number of writes with the number of devices, and memory with the number of
//! sessions in the store.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod heap;
mod world;

use std::sync::Arc;

use heap::{Cost, counted};
use omemo::account::{
    Account, Arrival, Bundles, FetchedBundle, Incoming, Outgoing, Peer, Received, Sender, Sent,
};
use omemo::crypto::{IdentityKeyPair, PreKeyPair, SignedPreKeyPair, random};
use omemo::model::{
    BareJid, Bundle, Device, DeviceId, DeviceList, PerVersion, PreKeyEntry, PreKeyId,
    SignedPreKeyId, Version,
};
use omemo::protocol;
use omemo::store::MemoryStore;
use omemo::store::faults::{FaultPlan, Faulty};
use world::{JULIET, ROMEO, World, jid, options, received};

/// The devices of each member of a group.
const DEVICES: u32 = 10;

#[test]
fn a_message_for_a_thousand_devices_is_one_write() {
    for version in Version::ALL {
        let mut juliet = Writer::new(version);
        let members = juliet.meet(0..100);
        for round in 0..2 {
            let bundles = juliet.fetch(&members);
            let before = juliet.store.applies();
            let sent = juliet.encrypt(&members, &bundles);
            assert_eq!(juliet.store.applies(), before + 1);
            assert_eq!(sent.report.encrypted().count(), 1000);
            assert_eq!(sent.elements[0].keys.len(), 1000, "{round}");
        }
    }
}

#[test]
fn memory_does_not_grow_with_the_number_of_sessions() {
    for version in Version::ALL {
        let few = cost_with(version, 1);
        let many = cost_with(version, 1000);
        for (few, many) in few.iter().zip(&many) {
            println!("{version:?}: {} and {} bytes", few.peak, many.peak);
            // The store may have to add a node to its tree.
            assert!(many.peak <= few.peak + 4096);
            assert!(many.total <= few.total + 16384);
        }
    }
}

/// What it costs to write to Romeo and to read from him, in a store that has sessions with the devices
/// of so many others.
fn cost_with(version: Version, others: u32) -> [Cost; 2] {
    let mut juliet = Writer::new(version);
    for begin in (0..others).step_by(100) {
        let members = juliet.meet(begin..others.min(begin + 100));
        juliet.write(&members);
    }
    let now = juliet.world.time();
    let store = Arc::new(MemoryStore::new());
    let romeo = Account::open(store, jid(ROMEO), options(), now, &mut juliet.world.rng).unwrap();
    let list = romeo.own_device_list(version).unwrap();
    juliet
        .account
        .set_device_list(romeo.jid(), &list, now)
        .unwrap();
    let list = juliet.account.own_device_list(version).unwrap();
    romeo
        .set_device_list(juliet.account.jid(), &list, now)
        .unwrap();
    juliet.bundle = romeo.bundle(version).unwrap().bundle;
    let to_romeo = [romeo.jid().clone()];
    let first = juliet.write(&to_romeo);
    let rng = &mut juliet.world.rng;
    let mut read = |reader: &Account, writer: &Account, sent: &Sent| {
        let elements = [received(&sent.elements[0], reader.jid(), reader.device())];
        let incoming = Incoming {
            sender: Sender::Known(writer.jid()),
            elements: &elements,
            arrival: Arrival::Live,
            author: None,
            attached: &[],
        };
        let (read, cost) = counted(|| reader.decrypt(&incoming, now, rng).unwrap());
        assert!(matches!(read, Received::Message(_)), "{read:?}");
        cost
    };
    read(&romeo, &juliet.account, &first);
    let mut payloads = PerVersion::default();
    *payloads.get_mut(version) = Some(&b"answer"[..]);
    let outgoing = Outgoing {
        recipients: &[juliet.account.jid().clone()],
        payloads,
        bundles: &Bundles::new(),
    };
    let mut rng = rand::SeedableRng::seed_from_u64(9);
    let rng: &mut rand::rngs::StdRng = &mut rng;
    let answers = [0, 1].map(|_| romeo.encrypt(&outgoing, now, rng).unwrap());
    read(&juliet.account, &romeo, &answers[0]);
    let reading = read(&juliet.account, &romeo, &answers[1]);
    juliet.write(&to_romeo);
    let (_, writing) = counted(|| juliet.write(&to_romeo));
    [writing, reading]
}

/// Juliet, and a bundle that all devices of others show.
struct Writer {
    world: World,
    store: Arc<Faulty<MemoryStore>>,
    account: Account,
    version: Version,
    bundle: Bundle,
}

impl Writer {
    fn new(version: Version) -> Self {
        let mut world = World::new(7);
        let store = Arc::new(Faulty::new(MemoryStore::new(), FaultPlan::none()));
        let now = world.time();
        let account = Account::open(store.clone(), jid(JULIET), options(), now, &mut world.rng);
        let bundle = bundle(version, &mut world);
        Self {
            world,
            store,
            account: account.unwrap(),
            version,
            bundle,
        }
    }

    /// Takes in the device lists of others.
    fn meet(&self, numbers: core::ops::Range<u32>) -> Vec<BareJid> {
        let members = numbers.map(|n| {
            let member = jid(&format!("member{n}@group.example"));
            let ids = (1..=DEVICES).map(|id| DeviceId::new(n * DEVICES + id).unwrap());
            let list = DeviceList {
                version: self.version,
                devices: ids.map(|id| Device { id, label: None }).collect(),
            };
            let now = self.world.time();
            self.account.set_device_list(&member, &list, now).unwrap();
            member
        });
        members.collect()
    }

    fn write(&mut self, recipients: &[BareJid]) -> Sent {
        let bundles = self.fetch(recipients);
        self.encrypt(recipients, &bundles)
    }

    fn fetch(&self, recipients: &[BareJid]) -> Bundles {
        let used = PerVersion::from_fn(|version| version == self.version);
        let missing = self.account.missing(recipients, used).unwrap();
        let bundle = |peer: Peer| (peer, FetchedBundle::Bundle(Box::new(self.bundle.clone())));
        missing.bundles.into_iter().map(bundle).collect()
    }

    fn encrypt(&mut self, recipients: &[BareJid], bundles: &Bundles) -> Sent {
        let mut payloads = PerVersion::default();
        *payloads.get_mut(self.version) = Some(&b"hello"[..]);
        let outgoing = Outgoing {
            recipients,
            payloads,
            bundles,
        };
        let now = self.world.time();
        let rng = &mut self.world.rng;
        self.account.encrypt(&outgoing, now, rng).unwrap()
    }
}

fn bundle(version: Version, world: &mut World) -> Bundle {
    let identity = IdentityKeyPair::generate(&mut world.rng).unwrap();
    let signed = SignedPreKeyPair::generate(&mut world.rng).unwrap();
    let pre_key = PreKeyPair::generate(&mut world.rng).unwrap();
    let z = random(&mut world.rng).unwrap();
    let protocol = protocol::of(version);
    Bundle {
        version,
        identity: protocol.identity(&identity),
        signed_pre_key_id: SignedPreKeyId::new(1).unwrap(),
        signed_pre_key: *signed.public(),
        signature: protocol.sign(&identity, signed.public(), &z),
        pre_keys: vec![PreKeyEntry {
            id: PreKeyId::new(1).unwrap(),
            key: *pre_key.public(),
        }],
    }
}
