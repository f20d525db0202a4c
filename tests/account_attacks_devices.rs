//! Device lists that a server, or a contact, made up.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod adversary;
mod world;

use std::collections::BTreeSet;

use adversary::{MALLORY, Mallory, bundle, give, refused, text_of, unchanged};
use omemo::account::{
    Bundles, DowngradePolicy, EncryptError, FailureReason, Fate, FetchedBundle, Gap, GapPolicy,
    Listing, Outgoing, Received, Refusal, Sent, Trust, TrustPolicy,
};
use omemo::model::{BareJid, Device, DeviceId, DeviceList, PerVersion, Version};
use omemo::store::Table;
use rand::RngExt;
use world::{HOUR, JULIET, ROMEO, World, jid, options};

const ROMEOS: usize = 1;
const FAILURES: Table = Table::new(8);

fn list(version: Version, ids: impl IntoIterator<Item = u32>) -> DeviceList {
    let devices = ids.into_iter().map(|id| Device {
        id: DeviceId::new(id).unwrap(),
        label: None,
    });
    DeviceList {
        version,
        devices: devices.collect(),
    }
}

fn refusal(outcome: Result<Sent, EncryptError>) -> Refusal {
    let Err(EncryptError::Refused(refusal)) = outcome else {
        panic!("{outcome:?}");
    };
    *refusal
}

#[test]
fn a16_a_device_that_spoke_omemo_2_and_is_listed_for_legacy_alone() {
    for policy in [DowngradePolicy::Report, DowngradePolicy::Skip] {
        let mut world = World::new(16);
        let mut options = options();
        options.downgrades = policy;
        let (juliet, romeo) = (world.add_with(JULIET, options), world.add(ROMEO));
        world.publish_lists();
        let stanza = world.write(romeo, juliet, Version::Omemo2, b"hello");
        world.expect(juliet, romeo, &stanza, b"hello");

        let device = world.devices[romeo].id();
        let empty = list(Version::Omemo2, []);
        let now = world.time();
        let account = &world.devices[juliet].account;
        let change = account.set_device_list(&jid(ROMEO), &empty, now).unwrap();
        assert_eq!(change.removed, [device]);
        assert_eq!(change.downgraded, [device]);
        let outcome = world.send(juliet, &[jid(ROMEO)], b"are you there?");
        match policy {
            DowngradePolicy::Skip => {
                let Refusal::NobodyReached(_, report) = refusal(outcome) else {
                    panic!();
                };
                assert_eq!(report.skipped().next().unwrap().1, Gap::Downgraded);
            }
            _ => {
                let report = outcome.unwrap().report;
                assert!(report.devices[0].is_downgraded);
                assert!(matches!(
                    report.devices[0].fate,
                    Fate::Encrypted {
                        version: Version::Legacy,
                        key_exchange: true
                    }
                ));
            }
        }
    }
}

/// One of the devices that a random world lists, and what is thought of it.
fn expected(trust: Option<Trust>, has_bundle: bool) -> bool {
    has_bundle && trust.is_some_and(Trust::allows_sending)
}

/// Lists, trust and bundles at random: the keys of a message are for exactly the devices that are listed,
/// trusted and reachable, and the report is about all that are listed.
#[test]
fn a18_a19_exactly_the_trusted_devices_of_the_newest_list_get_a_key() {
    let mut world = World::new(18);
    let mut options = options();
    options.trust = TrustPolicy::Manual;
    let juliet = world.add_with(JULIET, options);
    let romeos: Vec<_> = (0..6).map(|_| world.add(ROMEO)).collect();
    let nurses: Vec<_> = (0..3).map(|_| world.add("nurse@capulet.example")).collect();
    let own: Vec<_> = (0..2).map(|_| world.add(JULIET)).collect();
    let others: Vec<_> = [romeos, nurses, own].concat();
    let addresses = [jid(ROMEO), jid("nurse@capulet.example"), jid(JULIET)];
    let mut reached = 0;
    for round in 0..300 {
        let now = world.time();
        let mut listed = BTreeSet::new();
        for address in &addresses {
            let mut of_address = list(Version::Omemo2, []);
            for &device in &others {
                let device = &world.devices[device];
                if device.jid() == address && world.rng.random() {
                    // Named twice by some servers.
                    for _ in 0..world.rng.random_range(1..=2) {
                        of_address.devices.push(Device {
                            id: device.id(),
                            label: None,
                        });
                    }
                    listed.insert((address.clone(), device.id()));
                }
            }
            // Our own id on another account's list, and on ours.
            of_address.devices.push(Device {
                id: world.devices[juliet].id(),
                label: None,
            });
            if *address != jid(JULIET) {
                listed.insert((address.clone(), world.devices[juliet].id()));
            }
            let account = &world.devices[juliet].account;
            account.set_device_list(address, &of_address, now).unwrap();
        }
        let all = [
            Trust::Undecided,
            Trust::Distrusted,
            Trust::Blind,
            Trust::Verified,
        ];
        let mut bundles = Bundles::new();
        let mut trusted = BTreeSet::new();
        for &device in &others {
            let peer = world.devices[device].peer(Version::Omemo2);
            let key = world.devices[device].account.fingerprint();
            let trust = all[world.rng.random_range(0..4)];
            let account = &world.devices[juliet].account;
            account.set_trust(&peer.jid, &key, trust, now).unwrap();
            let has_session = account.devices(&peer.jid).unwrap().iter().any(|known| {
                known.id == peer.device && known.versions.get(Version::Omemo2).has_session
            });
            let has_bundle = world.rng.random_bool(0.7);
            if has_bundle {
                bundles.insert(peer.clone(), world.fetch(&peer));
            }
            if expected(Some(trust), has_bundle || has_session)
                && listed.contains(&(peer.jid.clone(), peer.device))
            {
                trusted.insert((peer.jid, peer.device));
            }
        }
        let outgoing = Outgoing {
            recipients: &addresses[..2],
            payloads: PerVersion {
                legacy: None,
                omemo2: Some(b"text"),
            },
            bundles: &bundles,
        };
        let account = &world.devices[juliet].account;
        let nobody = |jid: &BareJid| trusted.iter().all(|(account, _)| account != jid);
        match account.encrypt(&outgoing, now, &mut world.rng) {
            Ok(sent) => {
                let keys = sent.elements.iter().flat_map(|element| &element.keys);
                let keys: Vec<_> = keys.map(|key| (key.account.clone(), key.device)).collect();
                assert_eq!(keys.len(), trusted.len(), "{round}");
                assert_eq!(BTreeSet::from_iter(keys), trusted, "{round}");
                let reported = sent.report.devices.iter();
                let reported = reported.map(|device| (device.jid.clone(), device.device));
                assert_eq!(BTreeSet::from_iter(reported), listed, "{round}");
                reached += 1;
            }
            Err(EncryptError::Refused(refusal)) => match *refusal {
                Refusal::NoDevices(jid, _) | Refusal::NobodyReached(jid, _) => {
                    assert!(nobody(&jid), "{round}");
                }
                other => panic!("{other:?}"),
            },
            Err(other) => panic!("{other:?}"),
        }
        world.now += HOUR;
    }
    assert!(reached > 50, "{reached}");
}

#[test]
fn a18_a_list_of_a_hundred_thousand_devices_is_kept_in_bounds() {
    let mut world = World::of_two(18);
    for ids in [1..=100_000, 100_001..=200_000] {
        let now = world.time();
        let account = &world.devices[0].account;
        let long = list(Version::Omemo2, ids);
        let change = account.set_device_list(&jid(ROMEO), &long, now).unwrap();
        assert!(change.added.len() <= 1000);
        assert!(account.devices(&jid(ROMEO)).unwrap().len() <= 1000);
    }
    // What has left the list, and never showed a key, is forgotten: there is room again.
    world.publish_lists();
    let account = &world.devices[0].account;
    assert_eq!(account.devices(&jid(ROMEO)).unwrap().len(), 1);
    let stanza = world.write(0, 1, Version::Omemo2, b"hello");
    world.expect(1, 0, &stanza, b"hello");
}

/// Each key exchange is authentic: whoever has an account somewhere can write as many of them as it
/// likes, each under another device id.
#[test]
fn a18_devices_that_are_on_no_list_are_kept_in_bounds() {
    let mut world = World::of_two(19);
    let mut mallory = Mallory::new(&mut world);
    let mut refusals = 0;
    for id in 1..=1010 {
        mallory.device = DeviceId::new(id).unwrap();
        let offered = bundle(&world, 1, Version::Omemo2);
        let exchange = mallory.exchange(&mut world, &offered, b"hello");
        if id <= 1000 {
            let read = give(&mut world, 1, &[jid(MALLORY)], &exchange);
            assert_eq!(text_of(&read), b"hello");
        } else {
            unchanged(&mut world, 1, |world| {
                refused(world, 1, MALLORY, &exchange, FailureReason::TooManyDevices);
            });
            refusals += 1;
        }
    }
    assert_eq!(refusals, 10);
    let account = &world.devices[1].account;
    assert_eq!(account.devices(&jid(MALLORY)).unwrap().len(), 1000);
    // Those that are known are read, and so is everybody else.
    mallory.device = DeviceId::new(7).unwrap();
    let offered = bundle(&world, 1, Version::Omemo2);
    let exchange = mallory.exchange(&mut world, &offered, b"again");
    let read = give(&mut world, 1, &[jid(MALLORY)], &exchange);
    assert_eq!(text_of(&read), b"again");
    let stanza = world.write(0, 1, Version::Omemo2, b"hello");
    world.expect(1, 0, &stanza, b"hello");
}

#[test]
fn a18_our_device_is_put_back_on_its_list_later_and_later() {
    let mut world = World::of_two(20);
    let empty = list(Version::Legacy, []);
    let mut last = 0;
    for round in 0..20 {
        let now = world.time();
        let account = &world.devices[0].account;
        let change = account.set_device_list(&jid(JULIET), &empty, now).unwrap();
        let at = change.announce_at.unwrap();
        let pause = at.since(now).as_millis();
        assert!(round != 0 || pause == 0);
        assert!(
            pause >= last && pause <= 70 * u128::from(HOUR),
            "{round}: {pause}"
        );
        last = pause;
        world.now = at.as_millis();
        let now = world.time();
        let account = &world.devices[0].account;
        account.device_list_published(Version::Legacy, now).unwrap();
    }
    assert!(last >= u128::from(HOUR));
    // A clock that was put back does not keep it away.
    world.now -= 365 * 24 * HOUR;
    let now = world.time();
    let account = &world.devices[0].account;
    let change = account.set_device_list(&jid(JULIET), &empty, now).unwrap();
    let pause = change.announce_at.unwrap().since(now).as_millis();
    assert!(pause <= 70 * u128::from(HOUR), "{pause}");
}

#[test]
fn a19_a_device_that_left_its_list_gets_nothing_and_is_flagged() {
    for version in Version::ALL {
        let mut world = World::new(21);
        let juliet = world.add(JULIET);
        let (old, new) = (world.add(ROMEO), world.add(ROMEO));
        world.publish_lists();
        let stanza = world.write(old, juliet, version, b"hello");
        world.expect(juliet, old, &stanza, b"hello");
        let now = world.time();
        for version in Version::ALL {
            let left = list(version, [world.devices[new].id().get()]);
            let account = &world.devices[juliet].account;
            account.set_device_list(&jid(ROMEO), &left, now).unwrap();
        }
        let sent = world.send(juliet, &[jid(ROMEO)], b"hello").unwrap();
        let keys = sent.elements.iter().flat_map(|element| &element.keys);
        assert!(
            keys.clone()
                .all(|key| key.device == world.devices[new].id())
        );
        assert_eq!(keys.count(), 1);
        let stanza = world.write(old, juliet, version, b"still here");
        let Received::Message(message) = world.read(juliet, old, &stanza) else {
            panic!("not read");
        };
        assert_eq!(message.listing, Listing::Removed);
        let sent = world.send(juliet, &[jid(ROMEO)], b"hello").unwrap();
        assert_eq!(sent.report.devices.len(), 1);
    }
}

/// No answer, no heartbeat, no repair: it may be in the hands of who took it.
#[test]
fn a19_a_device_that_left_its_list_is_not_answered() {
    for version in Version::ALL {
        let mut world = World::of_two(20);
        let now = world.time();
        let romeo = world.devices[ROMEOS].account.clone();
        romeo.set_accepted(&jid(JULIET), true, now).unwrap();
        for round in 0..60 {
            let stanza = world.write(0, ROMEOS, version, b"hello");
            world.expect(ROMEOS, 0, &stanza, b"hello");
            if round == 0 {
                assert_eq!(romeo.answers_due().unwrap().len(), 1);
                let juliet = jid(JULIET);
                romeo
                    .set_device_list(&juliet, &list(version, []), now)
                    .unwrap();
            }
        }
        assert_eq!(romeo.answers_due().unwrap(), []);
        // It comes back.
        let id = world.devices[0].id().get();
        romeo
            .set_device_list(&jid(JULIET), &list(version, [id]), now)
            .unwrap();
        assert_eq!(world.answer(ROMEOS), 1);
    }
}

/// Those who put others on their list again and again, and have them fail.
#[test]
fn a18_nothing_is_kept_of_what_a_forgotten_device_sent() {
    let version = Version::Legacy;
    let mut world = World::of_two(19);
    let now = world.time();
    let romeo = world.devices[ROMEOS].account.clone();
    for accepted in [JULIET, MALLORY] {
        romeo.set_accepted(&jid(accepted), true, now).unwrap();
    }
    let greeting = world.write(0, ROMEOS, version, b"hello");
    world.expect(ROMEOS, 0, &greeting, b"hello");
    world.answer(ROMEOS);
    let mut stanza = world.write(0, ROMEOS, version, b"hello");
    assert!(!stanza[0].keys[0].key_exchange);
    for round in 0..3 {
        let ids = 1000 * round + 1..1000 * round + 101;
        let mallorys = list(version, ids.clone());
        romeo
            .set_device_list(&jid(MALLORY), &mallorys, now)
            .unwrap();
        for id in ids {
            stanza[0].sender_device = DeviceId::new(id).unwrap();
            refused(
                &mut world,
                ROMEOS,
                MALLORY,
                &stanza,
                FailureReason::NoSession,
            );
        }
        let failures = world.devices[ROMEOS].dump().into_iter();
        let failures = failures.filter(|record| record.key.table == FAILURES);
        assert_eq!(failures.count(), 100);
    }
}

#[test]
fn a40_a_device_that_gets_nothing_is_in_the_report() {
    for policy in [GapPolicy::Report, GapPolicy::Refuse] {
        let mut world = World::new(40);
        let mut options = options();
        options.gaps = policy;
        let juliet = world.add_with(JULIET, options);
        let (good, bad) = (world.add(ROMEO), world.add(ROMEO));
        world.publish_lists();
        for broken in [FetchedBundle::Absent, FetchedBundle::Broken] {
            let gap = match broken {
                FetchedBundle::Absent => Gap::NoBundle,
                _ => Gap::BrokenBundle,
            };
            let [good_peer, bad_peer] =
                [good, bad].map(|device| world.devices[device].peer(Version::Omemo2));
            let mut bundles = Bundles::from([(bad_peer.clone(), broken)]);
            let send = |world: &mut World, bundles: &Bundles| {
                let outgoing = Outgoing {
                    recipients: &[jid(ROMEO)],
                    payloads: PerVersion {
                        legacy: None,
                        omemo2: Some(b"text"),
                    },
                    bundles,
                };
                let now = world.time();
                let account = &world.devices[juliet].account;
                account.encrypt(&outgoing, now, &mut world.rng)
            };
            let nobody = unchanged(&mut world, juliet, |world| send(world, &bundles));
            // The good one has a session once something went out.
            match nobody {
                Err(EncryptError::Refused(refusal)) => assert!(matches!(
                    (*refusal, policy),
                    (Refusal::NobodyReached(..), _) | (Refusal::Gaps(_), GapPolicy::Refuse)
                )),
                other => panic!("{other:?}"),
            }
            bundles.insert(good_peer.clone(), world.fetch(&good_peer));
            match (send(&mut world, &bundles), policy) {
                (Ok(sent), GapPolicy::Report) => {
                    let skipped: Vec<_> = sent.report.skipped().collect();
                    assert_eq!(skipped.len(), 1);
                    assert_eq!((skipped[0].0.device, skipped[0].1), (bad_peer.device, gap));
                    let account = &world.devices[juliet].account;
                    let now = world.time();
                    account.reset_sessions(&jid(ROMEO), None, now).unwrap();
                }
                (Err(EncryptError::Refused(refusal)), GapPolicy::Refuse) => {
                    assert!(matches!(*refusal, Refusal::Gaps(_)));
                }
                (other, _) => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn a50_a_new_own_device_is_asked_about_and_gets_nothing() {
    let mut world = World::new(50);
    let mut options = options();
    options.trust_own = omemo::account::Options::new(TrustPolicy::Manual).trust_own;
    let juliet = world.add_with(JULIET, options);
    let romeo = world.add(ROMEO);
    world.publish_lists();
    let inserted = world.add(JULIET);
    world.publish_lists();
    let key = world.devices[inserted].account.fingerprint();
    for _ in 0..2 {
        let sent = world.send(juliet, &[jid(ROMEO)], b"hello").unwrap();
        let keys = sent.elements.iter().flat_map(|element| &element.keys);
        assert!(
            keys.clone()
                .all(|key| key.device == world.devices[romeo].id())
        );
        let asked: Vec<_> = sent.report.undecided().collect();
        assert_eq!(asked.len(), 1);
        assert_eq!(
            (asked[0].0.device, asked[0].1),
            (world.devices[inserted].id(), key)
        );
    }
}
