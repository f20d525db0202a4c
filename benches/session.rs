//! What a session costs: `cargo bench --bench session`. The operations are those of `docs/performance.md`.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark"
)]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use getrandom::SysRng;
use omemo::crypto::{IdentityKeyPair, PreKeyPair, SignedPreKeyPair, random};
use omemo::model::{Bundle, DeviceId, PreKeyEntry, PreKeyId, SignedPreKeyId, Version};
use omemo::protocol::{KeyExchange, KeyMaterial, RatchetMessage, of};
use omemo::ratchet::{Budget, SkippedKeysInMemory};
use omemo::session::{ResponderKeys, Session};

struct Device {
    identity: IdentityKeyPair,
    signed_pre_key: SignedPreKeyPair,
    pre_key: PreKeyPair,
}

impl Device {
    fn new() -> Self {
        Self {
            identity: IdentityKeyPair::generate(&mut SysRng).unwrap(),
            signed_pre_key: SignedPreKeyPair::generate(&mut SysRng).unwrap(),
            pre_key: PreKeyPair::generate(&mut SysRng).unwrap(),
        }
    }

    fn bundle(&self, version: Version) -> Bundle {
        let protocol = of(version);
        let z = random(&mut SysRng).unwrap();
        Bundle {
            version,
            identity: protocol.identity(&self.identity),
            signed_pre_key_id: SignedPreKeyId::new(1).unwrap(),
            signed_pre_key: *self.signed_pre_key.public(),
            signature: protocol.sign(&self.identity, self.signed_pre_key.public(), &z),
            pre_keys: vec![PreKeyEntry {
                id: PreKeyId::new(1).unwrap(),
                key: *self.pre_key.public(),
            }],
        }
    }

    fn responder_keys(&self) -> ResponderKeys<'_> {
        ResponderKeys {
            identity: &self.identity,
            signed_pre_key: &self.signed_pre_key,
            pre_key: &self.pre_key,
        }
    }
}

fn receive(session: &mut Session, skipped: &mut SkippedKeysInMemory, bytes: &[u8]) {
    let message = RatchetMessage::read(session.version(), bytes).unwrap();
    let mut budget = Budget::for_stanza();
    let (_, changes) = session
        .decrypt(&message, skipped, &mut budget)
        .unwrap()
        .commit();
    skipped.apply(changes);
}

fn operations(criterion: &mut Criterion) {
    for version in Version::ALL {
        let mut group = criterion.benchmark_group(format!("{version:?}"));
        let (juliet, romeo) = (Device::new(), Device::new());
        let bundle = romeo.bundle(version);
        let device = DeviceId::new(1).unwrap();
        let material = KeyMaterial::new(&[7; 48]);
        let initiate =
            || Session::initiate(&juliet.identity, device, &bundle, &mut SysRng).unwrap();

        group.bench_function("1 initiate and first encrypt", |bencher| {
            bencher.iter(|| initiate().encrypt(&material, &mut SysRng).unwrap());
        });

        let mut alice = initiate();
        let first = alice.encrypt(&material, &mut SysRng).unwrap().bytes;
        let accept = |bytes: &[u8]| {
            let exchange = KeyExchange::read(version, bytes).unwrap();
            let keys = romeo.responder_keys();
            Session::accept(&keys, &exchange, &mut Budget::for_stanza()).unwrap()
        };
        group.bench_function("2 accept and first decrypt", |bencher| {
            bencher.iter(|| accept(black_box(&first)));
        });

        let accepted = accept(&first);
        let (mut bob, mut bob_skipped) = (accepted.session, SkippedKeysInMemory::default());
        bob_skipped.apply(accepted.skipped);
        let mut alice_skipped = SkippedKeysInMemory::default();
        let answer = bob.encrypt(&material, &mut SysRng).unwrap().bytes;
        receive(&mut alice, &mut alice_skipped, &answer);
        let next = alice.encrypt(&material, &mut SysRng).unwrap().bytes;
        receive(&mut bob, &mut bob_skipped, &next);

        group.bench_function("3 encrypt, same chain", |bencher| {
            let mut alice = alice.clone();
            bencher.iter(|| alice.encrypt(black_box(&material), &mut SysRng).unwrap());
        });

        group.bench_function("4 decrypt, same chain", |bencher| {
            let message = alice.clone().encrypt(&material, &mut SysRng).unwrap().bytes;
            bencher.iter_batched_ref(
                || bob.clone(),
                |bob| {
                    let message = RatchetMessage::read(version, &message).unwrap();
                    let mut budget = Budget::for_stanza();
                    bob.decrypt(&message, &bob_skipped, &mut budget)
                        .unwrap()
                        .commit()
                },
                BatchSize::SmallInput,
            );
        });

        group.bench_function("5 ping-pong, a DH step each", |bencher| {
            let (mut alice, mut bob) = (alice.clone(), bob.clone());
            let (mut for_alice, mut for_bob) = (alice_skipped.clone(), bob_skipped.clone());
            bencher.iter(|| {
                let message = alice.encrypt(&material, &mut SysRng).unwrap().bytes;
                receive(&mut bob, &mut for_bob, &message);
                let message = bob.encrypt(&material, &mut SysRng).unwrap().bytes;
                receive(&mut alice, &mut for_alice, &message);
            });
        });

        group.bench_function("6a decrypt after 1,000 skipped", |bencher| {
            let mut ahead = alice.clone();
            for _ in 0..1000 {
                ahead.encrypt(&material, &mut SysRng).unwrap();
            }
            let message = ahead.encrypt(&material, &mut SysRng).unwrap().bytes;
            let message = RatchetMessage::read(version, &message).unwrap();
            bencher.iter_batched_ref(
                || bob.clone(),
                |bob| {
                    let mut budget = Budget::for_stanza();
                    bob.decrypt(&message, &bob_skipped, &mut budget)
                        .unwrap()
                        .commit()
                },
                BatchSize::SmallInput,
            );
        });

        group.bench_function("10 load, encrypt, store", |bencher| {
            let mut record = alice.to_record();
            bencher.iter(|| {
                let mut alice = Session::from_record(record.as_slice()).unwrap();
                let message = alice.encrypt(&material, &mut SysRng).unwrap();
                record = alice.to_record();
                message
            });
        });
        group.finish();
    }
}

criterion_group!(benches, operations);
criterion_main!(benches);
