//! Several catch-ups on one store: what one needs, the end of another does not take.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod world;

use omemo::account::{
    Account, Arrival, Bundles, CatchUpId, FailureReason, FetchedBundle, Opening, Order, Outgoing,
    Received,
};
use omemo::model::{BareJid, PerVersion, SignedPreKeyId, Version};
use world::{DAY, JULIET, ROMEO, Stanza, World, jid, options};

const ROMEOS: usize = 0;

/// Romeo, and two devices of others that have written to him for one bundle, with the same pre-key.
fn two_of_one_pre_key(version: Version) -> (World, [Stanza; 2]) {
    let mut world = World::new(1);
    world.add(ROMEO);
    world.add(JULIET);
    world.add("nurse@capulet.example");
    world.publish_lists();
    let peer = world.devices[ROMEOS].peer(version);
    let account = &world.devices[ROMEOS].account;
    let mut bundle = account.bundle(version).unwrap().bundle;
    bundle.pre_keys.truncate(1);
    let bundle = FetchedBundle::Bundle(Box::new(bundle));
    let bundles = Bundles::from([(peer, bundle)]);
    let mut payloads = PerVersion::default();
    *payloads.get_mut(version) = Some(&b"first"[..]);
    let outgoing = Outgoing {
        recipients: &[jid(ROMEO)],
        payloads,
        bundles: &bundles,
    };
    let now = world.time();
    let stanzas = [1, 2].map(|from: usize| {
        let writer = &world.devices[from].account;
        let sent = writer.encrypt(&outgoing, now, &mut world.rng).unwrap();
        world.for_device(ROMEOS, &sent.elements)
    });
    (world, stanzas)
}

/// Another handle of Romeo's account, as another process has it.
fn another_handle(world: &mut World) -> Account {
    let store = world::shared(&world.devices[ROMEOS].store);
    let now = world.time();
    let account = Account::open(store, jid(ROMEO), options(), now, &mut world.rng).unwrap();
    assert_eq!(account.opening(), Opening::Found);
    account
}

fn begin(world: &World, account: &Account) -> CatchUpId {
    account
        .begin_catch_up(Order::OldestFirst, world.time())
        .unwrap()
}

fn end(world: &mut World, account: &Account, catch_up: CatchUpId) {
    let now = world.time();
    account.end_catch_up(catch_up, now, &mut world.rng).unwrap();
}

fn used(account: &Account, version: Version) -> usize {
    let survey = account.survey().unwrap();
    let mut sides = survey.versions.into_iter();
    sides.find(|side| side.version == version).unwrap().used
}

fn is_read(world: &mut World, from: usize, stanza: &Stanza, arrival: Arrival) {
    let read = world.read_as(ROMEOS, from, stanza, arrival);
    assert!(matches!(read, Received::Message(_)), "{read:?}");
}

/// Whichever of them ends first, and whichever handle began it: the pre-key stays until the last one ends.
#[test]
fn the_end_of_one_catch_up_takes_no_pre_key_from_another() {
    for version in Version::ALL {
        for ends_first in [0, 1] {
            let (mut world, [first, second]) = two_of_one_pre_key(version);
            let other = another_handle(&mut world);
            let own = world.devices[ROMEOS].account.clone();
            let handles = [own, other];
            let catch_ups = [0, 1].map(|at| begin(&world, &handles[at]));
            is_read(&mut world, 1, &first, Arrival::Archived(catch_ups[0]));
            end(&mut world, &handles[ends_first], catch_ups[ends_first]);
            assert_eq!(used(&handles[0], version), 1);
            let last = 1 - ends_first;
            is_read(&mut world, 2, &second, Arrival::Archived(catch_ups[last]));
            // A handle may end what another has begun.
            end(&mut world, &handles[ends_first], catch_ups[last]);
            assert_eq!(used(&handles[0], version), 0);
        }
    }
}

/// To end one twice, or one that there never was, is no end of another.
#[test]
fn a_catch_up_is_ended_once() {
    let version = Version::Legacy;
    let (mut world, [first, second]) = two_of_one_pre_key(version);
    let account = world.devices[ROMEOS].account.clone();
    let (one, other) = (begin(&world, &account), begin(&world, &account));
    assert_ne!(one, other);
    is_read(&mut world, 1, &first, Arrival::Archived(one));
    for id in [
        one,
        one,
        CatchUpId::from_number(0),
        CatchUpId::from_number(99),
    ] {
        end(&mut world, &account, id);
    }
    is_read(&mut world, 2, &second, Arrival::Archived(other));
    end(&mut world, &account, other);
    // Nor does the number of one that was ended come back.
    let next = begin(&world, &account);
    assert!(next > other);
    end(&mut world, &account, other);
    assert_eq!(account.survey().unwrap().catch_ups.len(), 1);
}

/// A day goes by while an archive is read: what is done daily takes nothing from it.
#[test]
fn the_daily_work_takes_nothing_from_an_open_catch_up() {
    for version in Version::ALL {
        let (mut world, [first, second]) = two_of_one_pre_key(version);
        let account = world.devices[ROMEOS].account.clone();
        let signed = |account: &Account| -> SignedPreKeyId {
            account.bundle(version).unwrap().bundle.signed_pre_key_id
        };
        let before = signed(&account);
        world.now += 8 * DAY;
        let catch_up = begin(&world, &account);
        is_read(&mut world, 1, &first, Arrival::Archived(catch_up));
        for _ in 0..3 {
            world.now += DAY;
            let now = world.time();
            account.maintain(now, &mut world.rng).unwrap();
        }
        assert_eq!(signed(&account), before, "not before the end");
        is_read(&mut world, 2, &second, Arrival::Archived(catch_up));
        end(&mut world, &account, catch_up);
        assert_ne!(signed(&account), before);
        assert_eq!(used(&account, version), 0);
    }
}

/// The process that has begun a catch-up was killed. After seven days it holds nothing back any more.
#[test]
fn the_lease_of_a_process_that_was_killed_expires_after_seven_days() {
    for version in Version::ALL {
        let (mut world, [first, second]) = two_of_one_pre_key(version);
        let account = world.devices[ROMEOS].account.clone();
        let killed = begin(&world, &account);
        is_read(&mut world, 1, &first, Arrival::Archived(killed));
        world.now += 7 * DAY - 1;
        let alive = begin(&world, &account);
        end(&mut world, &account, alive);
        assert_eq!(used(&account, version), 1, "a millisecond is left");
        world.now += 1;
        let now = world.time();
        account.maintain(now, &mut world.rng).unwrap();
        assert_eq!(used(&account, version), 0);
        let read = world.read_as(ROMEOS, 2, &second, Arrival::Archived(killed));
        let Received::Failed(failure) = read else {
            panic!("{read:?}");
        };
        assert_eq!(failure.reason, FailureReason::UnknownPreKey);
        begin(&world, &account);
        assert_eq!(account.survey().unwrap().catch_ups.len(), 1);
    }
}

/// A client that is killed in the middle of each login does not put off the replacement of keys for ever,
/// and leaves no more than so many records behind.
#[test]
fn catch_ups_that_are_never_ended_put_the_daily_work_off_for_two_weeks() {
    let mut world = World::new(2);
    world.add(ROMEO);
    let account = world.devices[ROMEOS].account.clone();
    let signed = |account: &Account| {
        let bundle = account.bundle(Version::Omemo2).unwrap().bundle;
        bundle.signed_pre_key_id
    };
    let first = signed(&account);
    let start = world.now;
    while signed(&account) == first {
        begin(&world, &account);
        let now = world.time();
        account.maintain(now, &mut world.rng).unwrap();
        world.now += DAY / 20;
        assert!(world.now < start + 15 * DAY);
    }
    assert!(world.now >= start + 14 * DAY);
    assert!(account.survey().unwrap().catch_ups.len() <= 64);
}

/// Repairs wait for the end of the last catch-up.
#[test]
fn nothing_is_repaired_while_one_of_several_is_open() {
    let mut world = World::of_two(3);
    let now = world.time();
    let account = world.devices[1].account.clone();
    let juliet: BareJid = jid(JULIET);
    account.set_accepted(&juliet, true, now).unwrap();
    let stanza = world.write(0, 1, Version::Legacy, b"first");
    world.expect(1, 0, &stanza, b"first");
    assert_eq!(world.answer(1), 1);
    account.forget(&juliet).unwrap();
    account.set_accepted(&juliet, true, now).unwrap();
    let (one, other) = (begin(&world, &account), begin(&world, &account));
    let stanza = world.write(0, 1, Version::Legacy, b"again");
    assert!(matches!(world.read(1, 0, &stanza), Received::Failed(_)));
    end(&mut world, &account, other);
    assert_eq!(account.repairs_due(now).unwrap(), []);
    end(&mut world, &account, one);
    assert_eq!(account.repairs_due(now).unwrap().len(), 1);
}

/// One archive is read from its end, another from its beginning, at once: in each the order counts that was
/// said of it, and the newest session is the one that is written on.
#[test]
fn each_archive_has_its_own_order() {
    for version in Version::ALL {
        for newest_begins in [true, false] {
            let mut world = World::of_two(4);
            let account = world.devices[1].account.clone();
            let first = world.write(0, 1, version, b"first");
            world.devices[0].account.forget(&jid(ROMEO)).unwrap();
            let second = world.write(0, 1, version, b"second");
            let now = world.time();
            let begin = |order| account.begin_catch_up(order, now).unwrap();
            let backwards = if newest_begins {
                let backwards = begin(Order::NewestFirst);
                begin(Order::OldestFirst);
                backwards
            } else {
                begin(Order::OldestFirst);
                begin(Order::NewestFirst)
            };
            for stanza in [&second, &first] {
                let read = world.read_as(1, 0, stanza, Arrival::Archived(backwards));
                assert!(matches!(read, Received::Message(_)), "{read:?}");
            }
            // What he writes now goes to the session that she has.
            let stanza = world.write(1, 0, version, b"to Juliet");
            world.expect(0, 1, &stanza, b"to Juliet");
        }
    }
}

/// A page that comes when its catch-up has ended is read, and changes nothing about which session is
/// written on.
#[test]
fn what_comes_after_the_end_is_older_than_what_was_read() {
    for version in Version::ALL {
        let mut world = World::of_two(5);
        let account = world.devices[1].account.clone();
        let first = world.write(0, 1, version, b"first");
        world.devices[0].account.forget(&jid(ROMEO)).unwrap();
        let second = world.write(0, 1, version, b"second");
        let catch_up = begin(&world, &account);
        // Another one keeps the keys.
        begin(&world, &account);
        world.expect(1, 0, &second, b"second");
        end(&mut world, &account, catch_up);
        let read = world.read_as(1, 0, &first, Arrival::Archived(catch_up));
        assert!(matches!(read, Received::Message(_)), "{read:?}");
        let stanza = world.write(1, 0, version, b"to Juliet");
        world.expect(0, 1, &stanza, b"to Juliet");
    }
}
