//! Whose a stanza is, where its way here does not say: candidates are weighed, and nobody is guessed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod adversary;
mod world;

use adversary::{MALLORY, Mallory, bundle, give, text_of, unchanged, with_garbage_for_mac};
use omemo::account::{
    Arrival, Bundles, Candidates, FailureReason, FetchedBundle, Incoming, LookupError, Peer,
    Received, Sender,
};
use omemo::model::{BareJid, Bundle, Device, DeviceId, DeviceList, Version};
use omemo::protocol::of;
use omemo::stanza::author;
use world::{JULIET, ROMEO, Stanza, World, jid};

const NURSE: &str = "nurse@capulet.example";

/// Romeo has announced a phone, of which Juliet has never heard. Mallory uses its id.
fn with_a_phone(seed: u64, version: Version) -> (World, Mallory) {
    let mut world = World::of_two(seed);
    let now = world.time();
    let mut mallory = Mallory::new(&mut world);
    let phone = DeviceId::new(4711).unwrap();
    let devices = [world.devices[1].id(), phone].map(|id| Device { id, label: None });
    let list = DeviceList {
        version,
        devices: devices.to_vec(),
    };
    let juliet = &world.devices[0].account;
    juliet.set_device_list(&jid(ROMEO), &list, now).unwrap();
    mallory.device = phone;
    (world, mallory)
}

/// A bundle that shows Mallory's identity.
fn shown_by(mallory: &Mallory, world: &World, version: Version) -> FetchedBundle {
    let shown = Bundle {
        identity: of(version).identity(&mallory.identity),
        ..bundle(world, 1, version)
    };
    FetchedBundle::Bundle(Box::new(shown))
}

fn give_to_juliet(world: &mut World, candidates: Candidates<'_>, stanza: &Stanza) -> Received {
    give_as(world, Sender::OneOf(candidates), None, stanza)
}

type Author = fn(Version, Option<&[u8]>) -> Option<BareJid>;

fn give_as(
    world: &mut World,
    sender: Sender<'_>,
    author: Option<Author>,
    stanza: &Stanza,
) -> Received {
    let now = world.time();
    let account = &world.devices[0].account;
    let incoming = Incoming {
        sender,
        elements: stanza,
        arrival: Arrival::Delayed,
        author,
        attached: &[],
    };
    account.decrypt(&incoming, now, &mut world.rng).unwrap()
}

fn anybodys(received: Received) {
    let Received::Failed(failure) = received else {
        panic!("{received:?}");
    };
    assert_eq!(failure.reason, FailureReason::AmbiguousSender);
    assert_eq!(failure.sender, None);
}

/// He must not be taken for Romeo, nor his key for the one of that device.
#[test]
fn a_member_does_not_become_a_device_whose_key_was_not_seen() {
    for version in Version::ALL {
        let (mut world, mallory) = with_a_phone(71, version);
        let offered = bundle(&world, 0, version);
        let stanza = mallory.exchange(&mut world, &offered, b"it is I, Romeo");
        for candidates in [[ROMEO, MALLORY, NURSE], [NURSE, MALLORY, ROMEO]] {
            let candidates = candidates.map(jid);
            anybodys(unchanged(&mut world, 0, |world| {
                give(world, 0, &candidates, &stanza)
            }));
            // Nor if he is the only one who can have it: others were not asked.
            let only = Candidates {
                accounts: &[jid(ROMEO)],
                are_all: true,
                bundles: &Bundles::new(),
            };
            anybodys(unchanged(&mut world, 0, |world| {
                give_to_juliet(world, only, &stanza)
            }));
        }
    }
}

/// Of each candidate it has to be known which key the device shows.
#[test]
fn a_key_exchange_is_whose_bundle_shows_its_identity() {
    let accounts = [ROMEO, MALLORY, NURSE].map(jid);
    for version in Version::ALL {
        let (mut world, mallory) = with_a_phone(72, version);
        let offered = bundle(&world, 0, version);
        let stanza = mallory.exchange(&mut world, &offered, b"it is I, Mallory");
        let peer = |of: &str| Peer::new(jid(of), mallory.device, version);
        let hers = shown_by(&mallory, &world, version);
        let other = FetchedBundle::Bundle(Box::new(bundle(&world, 1, version)));
        let unreachable = FetchedBundle::Unreachable(LookupError::NoAnswer);
        let absent = FetchedBundle::Absent;
        for (romeo, mallorys, nurse, is_hers) in [
            (Some(&other), Some(&hers), Some(&absent), true),
            (
                Some(&absent),
                Some(&hers),
                Some(&FetchedBundle::Broken),
                true,
            ),
            (Some(&hers), Some(&hers), Some(&absent), false),
            (Some(&other), Some(&hers), None, false),
            (Some(&other), Some(&hers), Some(&unreachable), false),
            (Some(&other), Some(&absent), Some(&absent), false),
            (None, None, None, false),
        ] {
            let fetched = [(ROMEO, romeo), (MALLORY, mallorys), (NURSE, nurse)];
            let fetched = fetched.into_iter();
            let bundles: Bundles = fetched
                .filter_map(|(of, bundle)| Some((peer(of), bundle?.clone())))
                .collect();
            for are_all in [false, true] {
                let candidates = Candidates {
                    accounts: &accounts,
                    are_all,
                    bundles: &bundles,
                };
                // One that is read is not given again.
                if is_hers && are_all {
                    continue;
                }
                anybodys(unchanged(&mut world, 0, |world| {
                    give_to_juliet(world, candidates, &stanza)
                }));
            }
            if is_hers {
                let (mut world, mallory) = with_a_phone(72, version);
                let offered = bundle(&world, 0, version);
                let stanza = mallory.exchange(&mut world, &offered, b"it is I, Mallory");
                let candidates = Candidates {
                    accounts: &accounts,
                    are_all: true,
                    bundles: &bundles,
                };
                let Received::Message(read) = give_to_juliet(&mut world, candidates, &stanza)
                else {
                    panic!("not read");
                };
                assert_eq!(read.sender, peer(MALLORY));
                let devices = world.devices[0].account.devices(&jid(ROMEO)).unwrap();
                let phone = devices.iter().find(|device| device.id == mallory.device);
                assert_eq!(phone.unwrap().fingerprint, None, "it is not Romeo's key");
            }
        }
    }
}

#[test]
fn it_is_said_whose_bundles_would_tell() {
    let accounts = [ROMEO, MALLORY, JULIET].map(jid);
    for version in Version::ALL {
        let (mut world, mallory) = with_a_phone(73, version);
        let offered = bundle(&world, 0, version);
        let stanza = mallory.exchange(&mut world, &offered, b"hello");
        let peer = |of: &str| Peer::new(jid(of), mallory.device, version);
        let absent = [(peer(MALLORY), FetchedBundle::Absent)].into();
        let none = Bundles::new();
        let of = |sender, stanza: &Stanza| {
            let incoming = Incoming {
                sender,
                elements: stanza,
                arrival: Arrival::Delayed,
                author: None,
                attached: &[],
            };
            world.devices[0].account.bundles_to_tell(&incoming).unwrap()
        };
        let one_of = |bundles| {
            Sender::OneOf(Candidates {
                accounts: &accounts,
                are_all: true,
                bundles,
            })
        };
        let mut all = [JULIET, ROMEO, MALLORY].map(peer).to_vec();
        all.sort();
        assert_eq!(of(one_of(&none), &stanza), all);
        all.retain(|other| *other != peer(MALLORY));
        assert_eq!(of(one_of(&absent), &stanza), all);
        assert_eq!(of(Sender::Known(&accounts[0]), &stanza), []);
        assert_eq!(of(Sender::Nobody, &stanza), []);
    }
}

/// In OMEMO 2 the envelope has to say so too: in legacy there is none.
#[test]
fn the_envelope_of_a_candidate_names_its_author() {
    let version = Version::Omemo2;
    let envelope = |from: &str| {
        format!(
            "<envelope xmlns='urn:xmpp:sce:1'><content><body xmlns='jabber:client'>x</body></content>\
             <rpad/>{from}<to jid='garden@rooms.example'/></envelope>"
        )
    };
    for (from, is_right) in [
        (format!("<from jid='{MALLORY}'/>"), true),
        (format!("<from jid='{ROMEO}'/>"), false),
        (String::new(), false),
    ] {
        let (mut world, mallory) = with_a_phone(74, version);
        let offered = bundle(&world, 0, version);
        let stanza = mallory.exchange(&mut world, &offered, envelope(&from).as_bytes());
        let peer = |of: &str| Peer::new(jid(of), mallory.device, version);
        let bundles = [
            (peer(ROMEO), FetchedBundle::Absent),
            (peer(MALLORY), shown_by(&mallory, &world, version)),
        ];
        let bundles = bundles.into();
        let candidates = Candidates {
            accounts: &[jid(ROMEO), jid(MALLORY)],
            are_all: true,
            bundles: &bundles,
        };
        if is_right {
            let Received::Message(read) =
                give_as(&mut world, Sender::OneOf(candidates), Some(author), &stanza)
            else {
                panic!("not read");
            };
            assert_eq!(read.sender, peer(MALLORY));
        } else {
            anybodys(unchanged(&mut world, 0, |world| {
                give_as(world, Sender::OneOf(candidates), Some(author), &stanza)
            }));
        }
    }
}

/// A room gives back what this device has written to a member whose device has the same id. In legacy a key for
/// that device looks like one for this.
#[test]
fn the_own_reflection_is_not_blamed_on_who_has_the_same_id() {
    for version in Version::ALL {
        let mut world = World::of_two(75);
        let mut mallory = Mallory::new(&mut world);
        mallory.device = world.devices[0].id();
        let offered = bundle(&world, 0, version);
        let mut session = mallory.session(&mut world, &offered);
        let first = mallory.write(&mut world, &mut session, b"hello");
        assert_eq!(
            text_of(&give(&mut world, 0, &[jid(MALLORY)], &first)),
            b"hello"
        );
        let accounts = [JULIET, MALLORY].map(jid);
        let own = world.devices[0].id();
        for _ in 0..2 {
            let now = world.time();
            let to = Peer::new(jid(MALLORY), own, version);
            let account = &world.devices[0].account;
            account.set_accepted(&jid(MALLORY), true, now).unwrap();
            let made = account
                .encrypt_empty(&to, None, now, &mut world.rng)
                .unwrap();
            let mut reflected: Stanza = vec![omemo::model::Encrypted {
                version,
                sender_device: own,
                keys: made
                    .keys
                    .into_iter()
                    .map(|key| omemo::model::OwnKey {
                        key_exchange: key.key_exchange,
                        bytes: key.bytes,
                    })
                    .collect(),
                iv: made.iv,
                payload: Some(vec![0; 32]),
            }];
            let read = unchanged(&mut world, 0, |world| give(world, 0, &accounts, &reflected));
            assert!(
                matches!(read, Received::OwnReflection),
                "{version:?} {read:?}"
            );
            // Without a key for us too, and where nobody can be named.
            reflected[0].keys.clear();
            for candidates in [&accounts[..], &[]] {
                let read = unchanged(&mut world, 0, |world| {
                    give(world, 0, candidates, &reflected)
                });
                assert!(
                    matches!(read, Received::OwnReflection),
                    "{version:?} {read:?}"
                );
            }
        }
        // What she writes is hers all the same.
        let hers = mallory.write(&mut world, &mut session, b"and I?");
        let Received::Message(read) = give(&mut world, 0, &accounts, &hers) else {
            panic!("not read");
        };
        assert_eq!(read.sender.jid, jid(MALLORY));
    }
}

/// Whoever changes a stanza can put elements into it. The first that opens is the one that is read.
#[test]
fn of_several_elements_of_one_version_one_is_read() {
    for version in Version::ALL {
        for before in 0..6 {
            let mut world = World::of_two(76);
            let good = world.write(1, 0, version, b"hello");
            let bad = with_garbage_for_mac(&good);
            let mut stanza: Stanza = Vec::new();
            stanza.extend((0..before).map(|_| bad[0].clone()));
            stanza.push(good[0].clone());
            stanza.push(good[0].clone());
            let read = give(&mut world, 0, &[jid(ROMEO)], &stanza);
            // More than four are not looked at.
            if before < 4 {
                assert_eq!(text_of(&read), b"hello", "{version:?} {before}");
            } else {
                assert!(
                    matches!(read, Received::Failed(_)),
                    "{version:?} {before} {read:?}"
                );
            }
        }
    }
}

/// Where nobody can be named, nothing is used up.
#[test]
fn nobody_is_named_among_nobody() {
    for version in Version::ALL {
        let mut world = World::of_two(77);
        let stanza = world.write(1, 0, version, b"hello");
        let none: [BareJid; 0] = [];
        anybodys(unchanged(&mut world, 0, |world| {
            give(world, 0, &none, &stanza)
        }));
        world.expect(0, 1, &stanza, b"hello");
    }
}
