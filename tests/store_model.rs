//! A long random run of each store, beside a model of what it should hold.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod stores;

use std::collections::BTreeMap;

use omemo::store::{Applied, Batch, Generation, Key, Range, Store};
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use stores::{ONE, TWO, partitions, scope, with_each, within};

/// Random batches and questions, beside a map that does the same.
#[test]
fn a_long_random_run_agrees_with_a_model() {
    let seed: u64 = std::env::var("OMEMO_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(|| rand::rng().random());
    println!("OMEMO_SEED={seed}");
    with_each(|store, other| {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut model: BTreeMap<Key, Vec<u8>> = BTreeMap::new();
        let mut generation = store.generation(&scope()).unwrap();
        for step in 0..400 {
            let handle = if rng.random() { store } else { other };
            if rng.random_ratio(1, 8) {
                let mut batch = Batch::new();
                batch.put(random_key(&mut rng), b"conflict");
                let stale = Generation::new(generation.get().wrapping_sub(1));
                assert_eq!(
                    handle.apply(&scope(), stale, &batch).unwrap(),
                    Applied::Conflict
                );
                continue;
            }
            let mut batch = Batch::new();
            let mut next = model.clone();
            for _ in 0..rng.random_range(0..12) {
                random_change(&mut rng, &mut batch, &mut next);
            }
            let applied = handle.apply(&scope(), generation, &batch).unwrap();
            let Applied::Done(now) = applied else {
                panic!("step {step}: nobody else writes");
            };
            assert_eq!(now > generation, !batch.is_empty());
            (generation, model) = (now, next);
            compare(&mut rng, other, &model);
        }
    });
}

/// Few names, most of them prefixes of each other.
fn random_part(rng: &mut StdRng) -> Vec<u8> {
    let len = rng.random_range(0..3);
    (0..len)
        .map(|_| [0, 1, b'a', 0xfe, 0xff][rng.random_range(0..5)])
        .collect()
}

fn random_key(rng: &mut StdRng) -> Key {
    let table = [ONE, TWO][rng.random_range(0..2)];
    Key::new(table, within(&random_part(rng)), random_part(rng))
}

fn random_range(rng: &mut StdRng) -> Range {
    let Key {
        table,
        partition,
        sort,
    } = random_key(rng);
    let range = Range::partition(table, partition);
    match rng.random_range(0..5) {
        0 => range,
        1 => range.from(sort),
        2 => range.after(sort).until(random_part(rng)),
        3 => range.until(sort),
        _ => range.prefix(sort),
    }
}

fn random_change(rng: &mut StdRng, batch: &mut Batch, model: &mut BTreeMap<Key, Vec<u8>>) {
    match rng.random_range(0..8) {
        0 => {
            let range = random_range(rng);
            model.retain(|key, _| !is_in(&range, key));
            batch.delete_range(range);
        }
        1 | 2 => {
            let key = random_key(rng);
            model.remove(&key);
            batch.delete(key);
        }
        _ => {
            let key = random_key(rng);
            let mut value = vec![0; rng.random_range(0..400)];
            rng.fill_bytes(&mut value);
            batch.put(key.clone(), &value);
            model.insert(key, value);
        }
    }
}

fn is_in(range: &Range, key: &Key) -> bool {
    key.table == range.table && key.partition == range.partition && range.contains(&key.sort)
}

fn compare(rng: &mut StdRng, store: &dyn Store, model: &BTreeMap<Key, Vec<u8>>) {
    let key = random_key(rng);
    let value = store.get(&key).unwrap();
    assert_eq!(value.as_deref(), model.get(&key));
    let range = random_range(rng);
    let limit = rng.random_range(0..30);
    let found = store.scan(&range.clone().into(), limit).unwrap();
    let expected = model.iter().filter(|(key, _)| is_in(&range, key));
    let expected: Vec<_> = expected.take(limit).collect();
    let found: Vec<_> = found.iter().map(|r| (&r.key, &*r.value)).collect();
    assert_eq!(found, expected);
    let mut expected: Vec<_> = model.keys().filter(|key| key.table == ONE).collect();
    expected.dedup_by(|a, b| a.partition == b.partition);
    let expected: Vec<_> = expected
        .iter()
        .map(|key| key.partition[within(b"").len()..].to_vec())
        .collect();
    assert_eq!(partitions(store, ONE), expected);
}
