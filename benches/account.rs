//! What an account costs over a store in memory: `cargo bench --bench account`. The operations are those
//! of `docs/performance.md`.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark"
)]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use getrandom::SysRng;
use omemo::account::{
    Account, Arrival, Bundles, FetchedBundle, Incoming, Options, Outgoing, Peer, Received, Sender,
    TrustPolicy,
};
use omemo::model::{
    BareJid, Device, DeviceId, DeviceList, Encrypted, OwnKey, PerVersion, RecipientKey, Timestamp,
    Version,
};
use omemo::store::MemoryStore;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// A stanza, as its reader finds it.
type Stanza = [Encrypted<OwnKey>; 1];

#[derive(Clone)]
struct Side {
    store: Arc<MemoryStore>,
    jid: BareJid,
}

impl Side {
    fn new(jid: &str) -> Self {
        let store = Arc::new(MemoryStore::new());
        let jid = jid.parse().unwrap();
        Self { store, jid }
    }

    fn account(&self) -> Account {
        let mut options = Options::new(TrustPolicy::BlindUntilVerified);
        options.silent_after = None;
        let store = self.store.clone();
        Account::open(store, self.jid.clone(), options, NOW, &mut SysRng).unwrap()
    }

    /// The account in a copy of the store.
    fn copy(&self) -> Account {
        let store = Arc::new(self.store.copy());
        let jid = self.jid.clone();
        Self { store, jid }.account()
    }
}

fn greet(account: &Account, other: &Account, version: Version) {
    let list = other.own_device_list(version).unwrap();
    account.set_device_list(other.jid(), &list, NOW).unwrap();
    account.set_accepted(other.jid(), true, NOW).unwrap();
}

fn write(
    account: &Account,
    to: &[BareJid],
    version: Version,
    bundles: &Bundles,
) -> Encrypted<RecipientKey> {
    let mut payloads = PerVersion::default();
    *payloads.get_mut(version) = Some(&b"But, soft! what light through yonder window breaks?"[..]);
    let outgoing = Outgoing {
        recipients: to,
        payloads,
        bundles,
    };
    let sent = account.encrypt(&outgoing, NOW, &mut SysRng).unwrap();
    sent.elements.into_iter().next().unwrap()
}

fn for_reader(element: &Encrypted<RecipientKey>) -> Stanza {
    let key = &element.keys[0];
    [Encrypted {
        version: element.version,
        sender_device: element.sender_device,
        keys: vec![OwnKey {
            key_exchange: key.key_exchange,
            bytes: key.bytes.clone(),
        }],
        iv: element.iv.clone(),
        payload: element.payload.clone(),
    }]
}

fn read(account: &Account, from: &BareJid, stanzas: &[Stanza]) {
    let senders = [from.clone()];
    let page: Vec<_> = stanzas
        .iter()
        .map(|elements| Incoming {
            sender: Sender::among(&senders),
            elements,
            arrival: Arrival::Live,
            author: None,
            attached: &[],
        })
        .collect();
    let read = account.decrypt_page(&page, NOW, &mut SysRng).unwrap();
    let is_read = |one: &Received| matches!(one, Received::Message(_));
    assert!(read.len() == page.len() && read.iter().all(is_read));
}

fn bundle_of(account: &Account, version: Version) -> FetchedBundle {
    FetchedBundle::Bundle(Box::new(account.bundle(version).unwrap().bundle))
}

fn operations(criterion: &mut Criterion) {
    for version in Version::ALL {
        let mut group = criterion.benchmark_group(format!("account, {version:?}"));
        group.sample_size(20);
        let (juliet, romeo) = (
            Side::new("juliet@capulet.example"),
            Side::new("romeo@montague.example"),
        );
        let (one, other) = (juliet.account(), romeo.account());
        greet(&one, &other, version);
        greet(&other, &one, version);
        let to_romeo = [romeo.jid.clone()];
        let peer = Peer {
            jid: romeo.jid.clone(),
            device: other.device(),
            version,
        };
        let bundles = Bundles::from([(peer, bundle_of(&other, version))]);
        let nothing = Bundles::new();

        group.bench_function("a first message", |bencher| {
            bencher.iter_batched(
                || juliet.copy(),
                |juliet| write(&juliet, &to_romeo, version, &bundles),
                BatchSize::LargeInput,
            );
        });
        let first = for_reader(&write(&one, &to_romeo, version, &bundles));
        group.bench_function("read a first message", |bencher| {
            bencher.iter_batched(
                || romeo.copy(),
                |romeo| read(&romeo, &juliet.jid, core::slice::from_ref(&first)),
                BatchSize::LargeInput,
            );
        });
        read(&other, &juliet.jid, core::slice::from_ref(&first));
        let answer = for_reader(&write(
            &other,
            std::slice::from_ref(&juliet.jid),
            version,
            &nothing,
        ));
        read(&one, &romeo.jid, &[answer]);
        let second = for_reader(&write(&one, &to_romeo, version, &nothing));
        read(&other, &juliet.jid, &[second]);

        group.bench_function("write to 1 device", |bencher| {
            let juliet = juliet.copy();
            bencher.iter(|| write(&juliet, black_box(&to_romeo), version, &nothing));
        });
        let writer = juliet.copy();
        let page: Vec<_> = (0..1000)
            .map(|_| for_reader(&write(&writer, &to_romeo, version, &nothing)))
            .collect();
        group.bench_function("read a message", |bencher| {
            bencher.iter_batched(
                || romeo.copy(),
                |romeo| read(&romeo, &juliet.jid, &page[..1]),
                BatchSize::LargeInput,
            );
        });
        group.bench_function("read a page of 1,000", |bencher| {
            bencher.iter_batched(
                || romeo.copy(),
                |romeo| read(&romeo, &juliet.jid, &page),
                BatchSize::LargeInput,
            );
        });
        let backwards: Vec<_> = page.iter().rev().cloned().collect();
        group.bench_function("the same, newest first", |bencher| {
            bencher.iter_batched(
                || romeo.copy(),
                |romeo| read(&romeo, &juliet.jid, &backwards),
                BatchSize::LargeInput,
            );
        });

        let members = meet_many(&one, version);
        let missing = one
            .missing(&members, PerVersion::from_fn(|v| v == version))
            .unwrap();
        let bundle = bundle_of(&other, version);
        let bundles: Bundles = missing
            .bundles
            .into_iter()
            .map(|peer| (peer, bundle.clone()))
            .collect();
        assert_eq!(write(&one, &members, version, &bundles).keys.len(), 1000);
        group.bench_function("write to 1,000 devices", |bencher| {
            bencher.iter(|| write(&one, black_box(&members), version, &nothing));
        });
        group.finish();
    }
}

/// 100 accounts with 10 devices each.
fn meet_many(account: &Account, version: Version) -> Vec<BareJid> {
    let members = (0..100).map(|n| {
        let member: BareJid = format!("member{n}@group.example").parse().unwrap();
        let ids = (1..=10).map(|id| DeviceId::new(n * 10 + id).unwrap());
        let list = DeviceList {
            version,
            devices: ids.map(|id| Device { id, label: None }).collect(),
        };
        account.set_device_list(&member, &list, NOW).unwrap();
        member
    });
    members.collect()
}

criterion_group!(benches, operations);
criterion_main!(benches);
