//! A store that was put back from a copy: what it had is not given out a second time.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod world;

use std::sync::Arc;

use omemo::account::{Account, FailureReason, Opening, Received};
use omemo::model::Version;
use world::{DAY, JULIET, World, options};

#[test]
fn an_id_of_a_signed_pre_key_never_stands_for_two_keys() {
    let mut world = World::new(1);
    let juliet = world.add(JULIET);
    let mut options = options();
    let first = world.devices[juliet]
        .account
        .next_incarnation(&mut world.rng)
        .unwrap();
    let account = &world.devices[juliet].account;
    account.enter_incarnation(&first).unwrap();
    let backup = Arc::new(world.devices[juliet].store.copy());
    let second = account.next_incarnation(&mut world.rng).unwrap();
    account.enter_incarnation(&second).unwrap();

    world.now += 8 * DAY;
    let now = world.time();
    account.maintain(now, &mut world.rng).unwrap();
    options.incarnations = Some(vec![second]);
    let restored =
        Account::open(backup, account.jid().clone(), options, now, &mut world.rng).unwrap();
    assert_eq!(restored.opening(), Opening::RolledBack);
    restored.maintain(now, &mut world.rng).unwrap();
    for version in Version::ALL {
        let (lost, now) = (account.bundle(version), restored.bundle(version));
        let (lost, now) = (lost.unwrap().bundle, now.unwrap().bundle);
        assert_ne!(lost.signed_pre_key, now.signed_pre_key);
        assert!(lost.signed_pre_key_id < now.signed_pre_key_id);
    }
}

/// What an archive has from before the copy was made is known to have been read.
#[test]
fn what_was_read_before_the_copy_is_a_duplicate() {
    for version in Version::ALL {
        let mut world = World::of_two(2);
        let late = world.write(0, 1, version, b"late");
        let read: Vec<_> = (0..5)
            .map(|n| {
                let stanza = world.write(0, 1, version, &[n]);
                world.expect(1, 0, &stanza, &[n]);
                stanza
            })
            .collect();
        let mut options = options();
        let account = &world.devices[1].account;
        let kept = account.next_incarnation(&mut world.rng).unwrap();
        options.incarnations = Some(vec![kept]);
        assert_eq!(world.reopen(1, options), Opening::RolledBack);
        for stanza in &read {
            let again = world.read(1, 0, stanza);
            assert!(matches!(again, Received::Duplicate(_)), "{again:?}");
        }
        // Its key may have been used after the copy was made.
        let Received::Failed(failure) = world.read(1, 0, &late) else {
            panic!("its key is there");
        };
        assert_eq!(failure.reason, FailureReason::KeyGone);
    }
}
