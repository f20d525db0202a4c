//! A sealed store: what it hides, what it refuses, and how its key is changed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

use std::sync::Arc;

use omemo::crypto::Secret;
use omemo::crypto::passphrase::Cost;
use omemo::store::faults::{Fault, FaultPlan, Faulty};
use omemo::store::{
    Applied, Batch, Change, Key, MemoryStore, Range, Record, Scope, SealKey, Sealed, Store,
    StoreError, Table,
};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand_core::TryRng;

const TABLE: Table = Table::new(3);

type Memory = Arc<MemoryStore>;

fn rng() -> StdRng {
    StdRng::seed_from_u64(5)
}

fn open<S: Store>(store: S, key: u8) -> Result<Sealed<S, StdRng>, StoreError> {
    Sealed::open(store, &SealKey::Key(&Secret::new([key; 32])), rng())
}

fn cheap() -> Cost {
    Cost::new(8, 1, 1).unwrap()
}

fn name() -> Key {
    Key::new(TABLE, *b"romeo@montague.example", *b"device 1111")
}

fn apply(store: &impl Store, build: impl FnOnce(&mut Batch)) {
    let mut batch = Batch::new();
    build(&mut batch);
    // The tests change records of one partition at a time.
    let partition = match &batch.changes()[0] {
        Change::Put(key, _) | Change::Delete(key) => &key.partition,
        Change::DeleteRange(range) => &range.partition,
    };
    let scope = Scope::of(partition);
    let generation = store.generation(&scope).unwrap();
    let applied = store.apply(&scope, generation, &batch).unwrap();
    assert!(matches!(applied, Applied::Done(_)));
}

/// A sealed store with one record, its inside, and that record as it is stored.
fn with_one() -> (Memory, Sealed<Memory, StdRng>, Record) {
    let memory = Memory::default();
    let sealed = open(memory.clone(), 1).unwrap();
    apply(&sealed, |batch| {
        batch.put(name(), b"wherefore art thou");
    });
    let stored = memory.dump().into_iter().find(|r| r.key.table == TABLE);
    (memory, sealed, stored.unwrap())
}

#[test]
fn names_and_contents_are_hidden() {
    let (memory, sealed, _) = with_one();
    apply(&sealed, |batch| {
        batch.put(
            Key::new(TABLE, *b"romeo@montague.example", *b"2"),
            b"wherefore art thou",
        );
        batch.put(
            Key::new(Table::new(4), *b"romeo@montague.example", *b"2"),
            b"",
        );
    });
    let dump = memory.dump();
    let mut all = Vec::new();
    for record in &dump {
        all.extend([&record.key.partition[..], &record.key.sort, &record.value].concat());
    }
    for word in [&b"romeo"[..], b"1111", b"wherefore"] {
        assert!(!all.windows(word.len()).any(|bytes| bytes == word));
    }
    // The same partition is the same in one table only; equal contents are not equal; order is gone.
    let records: Vec<_> = dump
        .iter()
        .filter(|r| !r.key.partition.is_empty())
        .collect();
    let [a, b, c] = records[..] else {
        panic!("three records");
    };
    assert_eq!(a.key.partition, b.key.partition);
    assert_ne!(b.key.partition, c.key.partition);
    assert_ne!(a.value, b.value);
    assert!(records.iter().all(|r| r.key.sort.len() == 16));
    // What it costs: names and 37 bytes.
    let first = records.iter().find(|r| r.value.len() == 37 + 22 + 11 + 18);
    assert!(first.is_some());
}

#[test]
fn another_key_is_a_wrong_key() {
    let (memory, _, _) = with_one();
    assert_eq!(open(memory.clone(), 2).unwrap_err(), StoreError::WrongKey);
    let passphrase = SealKey::Passphrase(b"swordfish", cheap());
    let refused = Sealed::open(memory.clone(), &passphrase, rng()).unwrap_err();
    assert_eq!(refused, StoreError::WrongKey);
    let again = open(memory, 1).unwrap();
    assert_eq!(
        **again.get(&name()).unwrap().unwrap(),
        *b"wherefore art thou"
    );
}

#[test]
fn a_passphrase_opens_with_the_cost_that_is_stored() {
    let memory = Memory::default();
    let open =
        |words: &[u8], cost| Sealed::open(memory.clone(), &SealKey::Passphrase(words, cost), rng());
    let sealed = open(b"correct horse", cheap()).unwrap();
    apply(&sealed, |batch| drop_ref(batch.put(name(), b"v")));
    let dear = Cost::new(64, 2, 2).unwrap();
    assert!(
        open(b"correct horse", dear)
            .unwrap()
            .get(&name())
            .unwrap()
            .is_some()
    );
    assert_eq!(
        open(b"correct horsf", cheap()).unwrap_err(),
        StoreError::WrongKey
    );
    assert_eq!(open(b"", cheap()).unwrap_err(), StoreError::WrongKey);
}

const fn drop_ref(_: &mut Batch) {}

#[test]
fn changing_the_key_changes_one_record() {
    let (memory, sealed, _) = with_one();
    let before = memory.dump();
    let header = Scope::new([]);
    let generation = memory.generation(&header).unwrap();
    let new = Secret::new([9; 32]);
    sealed.change_key(&SealKey::Key(&new)).unwrap();
    assert_eq!(
        memory.generation(&header).unwrap().get(),
        generation.get() + 1
    );
    let after = memory.dump();
    let changed = before.iter().zip(&after).filter(|(a, b)| a != b).count();
    assert_eq!((after.len(), changed), (before.len(), 1));
    assert_eq!(open(memory.clone(), 1).unwrap_err(), StoreError::WrongKey);
    for handle in [&sealed, &open(memory.clone(), 9).unwrap()] {
        assert!(handle.get(&name()).unwrap().is_some());
    }
    let words = SealKey::Passphrase(b"correct horse", cheap());
    sealed.change_key(&words).unwrap();
    assert_eq!(open(memory.clone(), 9).unwrap_err(), StoreError::WrongKey);
    assert!(Sealed::open(memory, &words, rng()).is_ok());
}

#[test]
fn a_key_is_changed_wholly_or_not_at_all() {
    let (memory, sealed, _) = with_one();
    drop(sealed);
    let new = Secret::new([9; 32]);
    let calls = {
        let counted = open(Faulty::new(memory.copy(), FaultPlan::none()), 1).unwrap();
        let before = counted.inner().calls();
        counted.change_key(&SealKey::Key(&new)).unwrap();
        before..counted.inner().calls()
    };
    assert_eq!(calls.clone().count(), 2);
    for nth in calls {
        for fault in [
            Fault::Before(StoreError::Full),
            Fault::After(StoreError::Io),
            Fault::Conflict,
        ] {
            let plan = FaultPlan::none().call(nth, fault);
            let sealed = open(Faulty::new(memory.copy(), plan), 1).unwrap();
            let outcome = sealed.change_key(&SealKey::Key(&new));
            let copy = || sealed.inner().inner().copy();
            let (old, new) = (open(copy(), 1).is_ok(), open(copy(), 9).is_ok());
            assert!(old != new, "{fault:?} at {nth}");
            if fault == Fault::Conflict || outcome.is_ok() {
                assert!(outcome.is_ok() && new);
            }
        }
    }
}

#[test]
fn every_changed_bit_of_a_record_is_noticed() {
    let (memory, sealed, stored) = with_one();
    for bit in 0..stored.value.len() * 8 {
        let mut value = stored.value.clone();
        value[bit / 8] ^= 1 << (bit % 8);
        apply(&memory, |batch| {
            drop_ref(batch.put(stored.key.clone(), &value))
        });
        let expected = match value[0] {
            0 | 1 => StoreError::Corrupt,
            _ => StoreError::Newer,
        };
        assert_eq!(sealed.get(&name()).unwrap_err(), expected, "bit {bit}");
        let all = Range::partition(TABLE, *b"romeo@montague.example");
        assert_eq!(sealed.scan(&all.into(), 1).unwrap_err(), expected);
    }
    for len in 0..stored.value.len() {
        let cut = &stored.value[..len];
        apply(&memory, |batch| {
            drop_ref(batch.put(stored.key.clone(), cut))
        });
        assert_eq!(sealed.get(&name()).unwrap_err(), StoreError::Corrupt);
    }
}

#[test]
fn every_changed_bit_of_the_header_is_noticed() {
    let memory = Memory::default();
    let words = SealKey::Passphrase(b"correct horse", cheap());
    drop(Sealed::open(memory.clone(), &words, rng()).unwrap());
    let header = memory.dump().remove(0);
    assert_eq!(header.value.len(), 110);
    for bit in 0..header.value.len() * 8 {
        let byte = bit / 8;
        // A cost that is within the limits takes its time: 1 GiB is not needed to see that it is wrong.
        if (24..26).contains(&byte) {
            continue;
        }
        let mut value = header.value.clone();
        value[byte] ^= 1 << (bit % 8);
        apply(&memory, |batch| {
            drop_ref(batch.put(header.key.clone(), &value))
        });
        let refused = Sealed::open(memory.clone(), &words, rng()).unwrap_err();
        let possible: &[StoreError] = match byte {
            0 => &[StoreError::Newer, StoreError::Corrupt],
            1 | 18..34 => &[StoreError::Corrupt, StoreError::WrongKey],
            _ => &[StoreError::WrongKey],
        };
        assert!(possible.contains(&refused), "bit {bit}: {refused}");
    }
}

#[test]
fn a_stored_cost_is_bounded() {
    let memory = Memory::default();
    let words = SealKey::Passphrase(b"correct horse", cheap());
    drop(Sealed::open(memory.clone(), &words, rng()).unwrap());
    let header = memory.dump().remove(0);
    for place in [22, 26, 30] {
        for number in [0, u32::MAX] {
            let mut value = header.value.clone();
            value[place..place + 4].copy_from_slice(&number.to_le_bytes());
            apply(&memory, |batch| {
                drop_ref(batch.put(header.key.clone(), &value))
            });
            let refused = Sealed::open(memory.clone(), &words, rng()).unwrap_err();
            assert_eq!(refused, StoreError::Corrupt);
        }
    }
}

#[test]
fn a_record_under_another_name_or_in_another_store_is_noticed() {
    let (memory, sealed, stored) = with_one();
    let other = Key::new(TABLE, *b"romeo@montague.example", *b"device 2222");
    apply(&sealed, |batch| {
        drop_ref(batch.put(other.clone(), b"another"))
    });
    let records = memory.dump();
    let theirs = records
        .iter()
        .find(|r| r.key.table == TABLE && r.key != stored.key)
        .unwrap();
    // Moved within the partition, to another partition, and to another table.
    apply(&memory, |batch| {
        drop_ref(batch.put(theirs.key.clone(), &stored.value))
    });
    assert_eq!(sealed.get(&other).unwrap_err(), StoreError::Corrupt);
    let mut key = stored.key.clone();
    key.table = Table::new(9);
    apply(&memory, |batch| {
        drop_ref(batch.put(key.clone(), &stored.value))
    });
    let listed = sealed.scan(&omemo::store::Scan::partitions(Table::new(9)), 1);
    assert_eq!(listed.unwrap_err(), StoreError::Corrupt);
    // The same key opens another store; its records are not this one's.
    let memory = Memory::default();
    let elsewhere = Sealed::open(
        memory.clone(),
        &SealKey::Key(&Secret::new([1; 32])),
        StdRng::seed_from_u64(6),
    );
    apply(&memory, |batch| {
        drop_ref(batch.put(stored.key.clone(), &stored.value))
    });
    let range = omemo::store::Scan::partitions(TABLE);
    let listed = elsewhere.unwrap().scan(&range, 1);
    assert_eq!(listed.unwrap_err(), StoreError::Corrupt);
}

#[test]
fn a_store_that_is_not_sealed_is_not_sealed_in_silence() {
    let memory = Memory::default();
    apply(&memory, |batch| drop_ref(batch.put(name(), b"plain")));
    let before = memory.dump();
    assert_eq!(open(memory.clone(), 1).unwrap_err(), StoreError::NotSealed);
    assert_eq!(memory.dump(), before);
    // Emptied, it may be.
    apply(&memory, |batch| drop_ref(batch.delete(name())));
    assert!(open(memory, 1).is_ok());
}

#[test]
fn two_who_seal_one_store_at_once_agree() {
    let memory = Memory::default();
    // The first apply finds that somebody was faster.
    let plan = FaultPlan::none().apply(0, Fault::Conflict);
    let faulty = open(Faulty::new(memory.clone(), plan), 1).unwrap();
    apply(&faulty, |batch| drop_ref(batch.put(name(), b"v")));
    assert!(
        open(memory.clone(), 1)
            .unwrap()
            .get(&name())
            .unwrap()
            .is_some()
    );
    std::thread::scope(|scope| {
        let memory = Memory::default();
        for number in 0..8_u8 {
            let memory = memory.clone();
            scope.spawn(move || {
                let sealed = open(memory, 1).unwrap();
                let mut batch = Batch::new();
                batch.put(Key::new(TABLE, *b"p", [number]), b"v");
                let scope = Scope::new(*b"p");
                let generation = || sealed.generation(&scope).unwrap();
                while sealed.apply(&scope, generation(), &batch).unwrap() == Applied::Conflict {}
                let range = Range::partition(TABLE, *b"p");
                assert!(!sealed.scan(&range.into(), 9).unwrap().is_empty());
            });
        }
    });
}

/// A generator that fails after a number of draws.
struct Failing(StdRng, usize);

impl TryRng for Failing {
    type Error = std::fmt::Error;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Err(std::fmt::Error)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Err(std::fmt::Error)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        self.1 = self.1.checked_sub(1).ok_or(std::fmt::Error)?;
        self.0.try_fill_bytes(bytes).map_err(|never| match never {})
    }
}

impl rand_core::TryCryptoRng for Failing {}

#[test]
fn a34_a_generator_that_fails_changes_nothing() {
    let key = Secret::new([1; 32]);
    for draws in 0..4 {
        let memory = Memory::default();
        let refused = Sealed::open(memory.clone(), &SealKey::Key(&key), Failing(rng(), draws));
        assert_eq!(refused.unwrap_err(), StoreError::Rng);
        assert!(memory.dump().is_empty());
    }
    let memory = Memory::default();
    let sealed = Sealed::open(memory.clone(), &SealKey::Key(&key), Failing(rng(), 5)).unwrap();
    let before = memory.dump();
    let mut batch = Batch::new();
    batch.put(name(), b"1").put(name(), b"2");
    let scope = Scope::of(&name().partition);
    let refused = sealed.apply(&scope, sealed.generation(&scope).unwrap(), &batch);
    assert_eq!(refused.unwrap_err(), StoreError::Rng);
    assert_eq!(memory.dump(), before);
}

#[test]
fn nothing_is_printed() {
    let (_, sealed, _) = with_one();
    assert_eq!(
        format!("{sealed:?}"),
        "Sealed(MemoryStore(2 scopes, 2 records))"
    );
    let key = Secret::new([0xab; 32]);
    assert_eq!(format!("{:?}", SealKey::Key(&key)), "Key(..)");
    let words = format!("{:?}", SealKey::Passphrase(b"swordfish", cheap()));
    assert!(!words.contains("swordfish") && !words.contains("115"));
}
