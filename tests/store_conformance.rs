//! What every store promises, asked of each of them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod stores;

use omemo::store::{
    Applied, Batch, Generation, Key, MAX_BATCH, MAX_KEY_PART, MAX_VALUE, Range, Record, Scan,
    Store, StoreError, Table, Value,
};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use stores::{ONE, TWO, apply, key, partitions, range, scope, with_each, within};

fn sorts(store: &dyn Store, range: Range, limit: usize) -> Vec<Vec<u8>> {
    let records = store.scan(&range.into(), limit).unwrap();
    records.into_iter().map(|record| record.key.sort).collect()
}

#[test]
fn what_is_put_is_got_until_it_is_deleted() {
    with_each(|store, other| {
        assert_eq!(store.get(&key(b"p", b"s")).unwrap(), None);
        apply(store, |batch| {
            batch.put(key(b"p", b"s"), b"first").put(key(b"", b""), b"");
        });
        for handle in [store, other] {
            assert_eq!(**handle.get(&key(b"p", b"s")).unwrap().unwrap(), *b"first");
            assert_eq!(**handle.get(&key(b"", b"")).unwrap().unwrap(), *b"");
            assert_eq!(handle.get(&key(b"p", b"")).unwrap(), None);
            assert_eq!(
                handle.get(&Key::new(TWO, within(b"p"), *b"s")).unwrap(),
                None
            );
        }
        apply(other, |batch| {
            batch.put(key(b"p", b"s"), b"second, and longer");
        });
        let value = store.get(&key(b"p", b"s")).unwrap().unwrap();
        assert_eq!(**value, *b"second, and longer");
        apply(store, |batch| {
            batch.delete(key(b"p", b"s")).delete(key(b"p", b"never"));
        });
        assert_eq!(other.get(&key(b"p", b"s")).unwrap(), None);
    });
}

#[test]
fn the_generation_grows_with_every_batch_that_is_not_empty() {
    with_each(|store, other| {
        let mut last = store.generation(&scope()).unwrap();
        let nobody = || range(b"nobody");
        let builds: [&dyn Fn(&mut Batch); 5] = [
            &|batch| {
                batch.put(key(b"p", b"s"), b"v");
            },
            &|batch| {
                batch.put(key(b"p", b"s"), b"v");
            },
            &|batch| {
                batch.delete(key(b"p", b"never"));
            },
            &|batch| {
                batch.delete_range(nobody());
            },
            &|batch| {
                batch.delete_range(nobody().from(*b"a").until(*b"b"));
            },
        ];
        for build in builds {
            let now = apply(store, |batch| build(batch));
            assert!(now > last);
            assert_eq!(store.generation(&scope()).unwrap(), now);
            assert_eq!(other.generation(&scope()).unwrap(), now);
            last = now;
        }
    });
}

#[test]
fn an_empty_batch_compares_and_writes_nothing() {
    with_each(|store, other| {
        let before = store.generation(&scope()).unwrap();
        let empty = store.apply(&scope(), before, &Batch::new()).unwrap();
        assert_eq!(empty, Applied::Done(before));
        assert_eq!(store.generation(&scope()).unwrap(), before);
        apply(other, |batch| {
            batch.put(key(b"p", b"s"), b"v");
        });
        let empty = store.apply(&scope(), before, &Batch::new()).unwrap();
        assert_eq!(empty, Applied::Conflict);
    });
}

#[test]
fn who_was_not_first_changes_nothing() {
    with_each(|store, other| {
        let before = store.generation(&scope()).unwrap();
        let after = apply(other, |batch| {
            batch.put(key(b"p", b"a"), b"theirs");
        });
        let mut batch = Batch::new();
        batch
            .put(key(b"p", b"a"), b"ours")
            .put(key(b"p", b"b"), b"ours")
            .delete_range(range(b"p").until(*b"b"));
        let mut wrong = vec![before];
        wrong.extend([after.get() + 1, u64::MAX].map(Generation::new));
        for generation in wrong {
            assert_eq!(
                store.apply(&scope(), generation, &batch).unwrap(),
                Applied::Conflict
            );
            assert_eq!(store.generation(&scope()).unwrap(), after);
            assert_eq!(**store.get(&key(b"p", b"a")).unwrap().unwrap(), *b"theirs");
            assert_eq!(store.get(&key(b"p", b"b")).unwrap(), None);
        }
        let done = store.apply(&scope(), after, &batch).unwrap();
        assert!(matches!(done, Applied::Done(_)));
        assert_eq!(store.get(&key(b"p", b"a")).unwrap(), None);
        assert_eq!(**other.get(&key(b"p", b"b")).unwrap().unwrap(), *b"ours");
    });
}

#[test]
fn changes_are_made_in_their_order() {
    with_each(|store, _| {
        apply(store, |batch| {
            batch.put(key(b"p", b"old"), b"0");
        });
        let all = || range(b"p");
        apply(store, |batch| {
            batch
                .put(key(b"p", b"a"), b"1")
                .delete(key(b"p", b"a"))
                .delete(key(b"p", b"b"))
                .put(key(b"p", b"b"), b"1")
                .put(key(b"p", b"b"), b"2")
                .put(key(b"p", b"c"), b"1")
                .delete_range(all().from(*b"c").until(*b"d"))
                .put(key(b"p", b"c1"), b"1");
        });
        assert_eq!(sorts(store, all(), 9), [&b"b"[..], b"c1", b"old"]);
        assert_eq!(**store.get(&key(b"p", b"b")).unwrap().unwrap(), *b"2");
        apply(store, |batch| {
            batch
                .put(key(b"p", b"x"), b"1")
                .delete_range(all())
                .put(key(b"p", b"y"), b"1");
        });
        assert_eq!(sorts(store, all(), 9), [b"y"]);
    });
}

#[test]
fn a_scan_is_in_order_and_within_its_bounds() {
    let names: [&[u8]; 9] = [
        b"",
        b"\0",
        b"\0\0",
        b"\0\xff",
        b"a",
        b"a\0",
        b"ab",
        b"\xff",
        b"\xff\xff",
    ];
    with_each(|store, _| {
        apply(store, |batch| {
            for name in names.iter().rev() {
                batch.put(key(b"p", name), name);
                batch.put(key(b"p\0", name), b"another's");
                batch.put(key(b"", name), b"another's");
                batch.put(Key::new(TWO, within(b"p"), *name), b"another's");
            }
        });
        let all = || range(b"p");
        assert_eq!(sorts(store, all(), usize::MAX), names);
        for record in store.scan(&all().into(), 100).unwrap() {
            assert_eq!(record.key, key(b"p", &record.value));
        }
        for limit in 0..12 {
            assert_eq!(sorts(store, all(), limit), names[..limit.min(9)]);
        }
        for (at, name) in names.iter().enumerate() {
            assert_eq!(sorts(store, all().from(*name), 100), names[at..]);
            assert_eq!(sorts(store, all().after(*name), 100), names[at + 1..]);
            assert_eq!(sorts(store, all().until(*name), 100), names[..at]);
            let one = all().from(*name).until([name, &[0][..]].concat());
            assert_eq!(sorts(store, one, 100), [*name]);
        }
        assert_eq!(sorts(store, all().from(*b"aa").until(*b"b"), 100), [b"ab"]);
        assert_eq!(sorts(store, all().prefix(*b"a"), 100), names[4..7]);
        assert_eq!(sorts(store, all().prefix(*b"\0"), 100), names[1..4]);
        assert_eq!(sorts(store, all().prefix(*b"\xff"), 100), names[7..]);
        let nothing = all().from(*b"b").until(*b"a");
        assert!(sorts(store, nothing, 100).is_empty());
        assert!(sorts(store, range(b"q"), 100).is_empty());
        let mut paged = Vec::new();
        let mut next = all();
        loop {
            let page = sorts(store, next, 2);
            paged.extend(page.iter().cloned());
            let Some(last) = page.last().filter(|_| page.len() == 2) else {
                break;
            };
            next = all().after(last.clone());
        }
        assert_eq!(paged, names);
    });
}

#[test]
fn a_range_is_deleted_and_nothing_beside_it() {
    let names: [&[u8]; 6] = [b"", b"\0", b"a", b"b", b"b\0", b"\xff"];
    let partitions: [&[u8]; 4] = [b"", b"p", b"p\0", b"\xff"];
    for (from, until) in [
        (&b""[..], None),
        (b"", Some(&b"a"[..])),
        (b"a", Some(b"b\0")),
        (b"b", None),
        (b"b", Some(b"a")),
        (b"\xff", None),
    ] {
        with_each(|store, _| {
            apply(store, |batch| {
                for partition in partitions {
                    for name in names {
                        batch.put(key(partition, name), b"v");
                    }
                }
            });
            let deleted = Range {
                table: ONE,
                partition: within(b"p"),
                from: from.to_vec(),
                until: until.map(<[u8]>::to_vec),
            };
            apply(store, |batch| {
                batch.delete_range(deleted.clone());
            });
            for partition in partitions {
                let left = sorts(store, range(partition), 100);
                let gone = |name: &[u8]| partition == b"p" && deleted.contains(name);
                let expected: Vec<_> = names.into_iter().filter(|name| !gone(name)).collect();
                assert_eq!(left, expected);
            }
        });
    }
}

#[test]
fn partitions_are_listed_once_each() {
    let names: [&[u8]; 7] = [b"", b"\0", b"a", b"a\0", b"ab", b"\xff", b"\xff\xff"];
    with_each(|store, _| {
        assert!(partitions(store, ONE).is_empty());
        apply(store, |batch| {
            for name in names {
                for number in 0..5 {
                    batch.put(key(name, &[number]), b"v");
                }
            }
            batch.put(Key::new(TWO, within(b"else"), *b""), b"v");
        });
        assert_eq!(partitions(store, ONE), names);
        assert_eq!(partitions(store, TWO), [b"else"]);
        assert!(partitions(store, Table::new(0)).is_empty());
        assert!(partitions(store, Table::new(255)).is_empty());
        // In pages, in the store's own order.
        let whole = store.scan(&Scan::partitions(ONE), 100).unwrap();
        for limit in [1, 2, 3, 7] {
            let mut paged: Vec<Record> = Vec::new();
            loop {
                let after = paged.last().map(|record| record.key.partition.clone());
                let page = store
                    .scan(&Scan::Partitions { table: ONE, after }, limit)
                    .unwrap();
                let done = page.len() < limit;
                paged.extend(page);
                if done {
                    break;
                }
            }
            assert_eq!(paged, whole);
        }
        assert!(store.scan(&Scan::partitions(ONE), 0).unwrap().is_empty());
        apply(store, |batch| {
            batch.delete_range(range(b"a"));
        });
        assert_eq!(partitions(store, ONE).len(), names.len() - 1);
    });
}

#[test]
fn limits_are_the_same_everywhere() {
    // The partitions begin with their scope.
    let place = MAX_KEY_PART - within(b"").len();
    let (long, long_partition) = (vec![1; MAX_KEY_PART], vec![1; place]);
    let longer = vec![1; MAX_KEY_PART + 1];
    with_each(|store, _| {
        let before = apply(store, |batch| {
            batch.put(key(&long_partition, &long), b"v");
        });
        assert!(store.get(&key(&long_partition, &long)).unwrap().is_some());
        let rest = range(&long_partition).after(&*long);
        assert!(sorts(store, rest, 1).is_empty());
        let refused = |outcome: StoreError| assert_eq!(outcome, StoreError::TooLarge);
        refused(store.get(&key(&longer, b"")).unwrap_err());
        refused(store.get(&key(b"", &longer)).unwrap_err());
        let too_long = range(&longer);
        refused(store.scan(&too_long.clone().into(), 1).unwrap_err());
        let batches: [&dyn Fn(&mut Batch); 4] = [
            &|batch| {
                batch.put(key(b"p", &longer), b"");
            },
            &|batch| {
                batch.delete(key(&longer, b""));
            },
            &|batch| {
                batch.delete_range(too_long.clone());
            },
            &|batch| {
                batch.put(key(b"p", b""), &vec![0; MAX_VALUE + 1]);
            },
        ];
        for build in batches {
            let mut batch = Batch::new();
            batch.put(key(b"p", b"beside it"), b"v");
            build(&mut batch);
            refused(store.apply(&scope(), before, &batch).unwrap_err());
        }
        assert_eq!(store.get(&key(b"p", b"beside it")).unwrap(), None);
        assert_eq!(store.generation(&scope()).unwrap(), before);
    });
    let mut batch = Batch::new();
    for number in 0..5 {
        batch.put(key(b"p", &[number]), &vec![0; MAX_BATCH / 5]);
    }
    assert_eq!(batch.check(&scope()), Err(StoreError::TooLarge));
}

#[test]
fn a_batch_may_be_large() {
    with_each(|store, other| {
        let mut rng = StdRng::seed_from_u64(3);
        let mut large = vec![0; 1 << 20];
        rng.fill_bytes(&mut large);
        apply(store, |batch| {
            // What a group message for 1,000 devices changes, and a jump over 10,000 messages.
            for device in 0..1000_u32 {
                let session = [&b"juliet@capulet.example/"[..], &device.to_be_bytes()].concat();
                batch.put(key(&session, b""), &large[..319]);
            }
            for n in 0..10_000_u32 {
                batch.put(
                    Key::new(TWO, within(b"session"), n.to_be_bytes()),
                    &large[..36],
                );
            }
            batch.put(key(b"large", b""), &large);
        });
        assert_eq!(partitions(other, ONE).len(), 1001);
        assert_eq!(**other.get(&key(b"large", b"")).unwrap().unwrap(), *large);
        let all = || Range::partition(TWO, within(b"session"));
        let oldest = sorts(other, all(), 3);
        assert_eq!(oldest, [0_u32, 1, 2].map(u32::to_be_bytes));
        apply(store, |batch| {
            batch.delete_range(all().until(9_990_u32.to_be_bytes()));
        });
        assert_eq!(sorts(other, all(), 100).len(), 10);
    });
}

/// What a reader sees while others write is one state: each batch moves everything at once.
#[test]
fn a_scan_sees_whole_batches_only() {
    with_each(|store, other| {
        let fill = |store: &dyn Store, number: u32| {
            apply(store, |batch| {
                for place in 0..50_u8 {
                    batch.put(key(b"p", &[place]), &number.to_be_bytes());
                }
            });
        };
        fill(store, 0);
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| (1..60).for_each(|number| fill(store, number)));
            let mut last = Value::default();
            while !writer.is_finished() {
                let records = other.scan(&range(b"p").into(), 100).unwrap();
                assert_eq!(records.len(), 50);
                let first = records[0].value.clone();
                assert!(records.iter().all(|record| record.value == first));
                assert!(*first >= *last, "a state comes back");
                last = first;
            }
        });
    });
}

/// Threads that count, each with what it has read: nothing is lost.
#[test]
fn conflicts_lose_nothing() {
    const EACH: u64 = 100;
    with_each(|store, other| {
        let count = |store: &dyn Store| {
            for _ in 0..EACH {
                loop {
                    let generation = store.generation(&scope()).unwrap();
                    let counter = key(b"p", b"counter");
                    let value = store.get(&counter).unwrap();
                    let number = value.map_or(0, |v| u64::from_be_bytes((**v).try_into().unwrap()));
                    let mut batch = Batch::new();
                    batch.put(counter, &(number + 1).to_be_bytes());
                    match store.apply(&scope(), generation, &batch) {
                        Ok(Applied::Done(_)) => break,
                        Ok(Applied::Conflict) | Err(StoreError::Busy) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            }
        };
        std::thread::scope(|scope| {
            for handle in [store, other, store, other] {
                scope.spawn(move || count(handle));
            }
        });
        let value = store.get(&key(b"p", b"counter")).unwrap().unwrap();
        assert_eq!(**value, (4 * EACH).to_be_bytes());
    });
}
