//! A store that was put back from a copy: what it had is not given out a second time.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod world;

use std::sync::Arc;

use omemo::account::{Account, Opening};
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
    account.end_catch_up(now, &mut world.rng).unwrap();
    options.incarnations = Some(vec![second]);
    let restored =
        Account::open(backup, account.jid().clone(), options, now, &mut world.rng).unwrap();
    assert_eq!(restored.opening(), Opening::RolledBack);
    restored.end_catch_up(now, &mut world.rng).unwrap();
    for version in Version::ALL {
        let (lost, now) = (account.bundle(version), restored.bundle(version));
        let (lost, now) = (lost.unwrap().bundle, now.unwrap().bundle);
        assert_ne!(lost.signed_pre_key, now.signed_pre_key);
        assert!(lost.signed_pre_key_id < now.signed_pre_key_id);
    }
}
