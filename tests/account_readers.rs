//! Who reads a message: rooms of which some members can get nothing, devices that are silent, ids that some
//! clients cannot read, and stanzas that would become too large.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod world;

use omemo::account::{
    APPLICATION, Absence, Account, Audience, Bundles, ConversationState, EncryptError,
    FetchedBundle, Gap, LeftOut, Outgoing, Peer, Received, Refusal, RoomPolicy, Sent, Space, Terms,
    Trust,
};
use omemo::model::{BareJid, Device, DeviceId, DeviceList, PerVersion, Version};
use omemo::stanza::{account_size, element_size, key_size, write_encrypted};
use world::{JULIET, ROMEO, World, jid};

const NURSE: &str = "nurse@capulet.example";
const TYBALT: &str = "tybalt@capulet.example";

fn room() -> Terms<'static> {
    let mut terms = Terms::default();
    terms.audience = Audience::Room(RoomPolicy::LeaveOut);
    terms
}

fn strict_room() -> Terms<'static> {
    let mut terms = Terms::default();
    terms.audience = Audience::Room(RoomPolicy::Refuse);
    terms
}

fn send(
    world: &mut World,
    to: &[BareJid],
    payloads: PerVersion<Option<&[u8]>>,
    bundles: &Bundles,
    terms: &Terms<'_>,
) -> Result<Sent, Refusal> {
    let now = world.time();
    let outgoing = Outgoing {
        recipients: to,
        payloads,
        bundles,
    };
    let account = &world.devices[0].account;
    match account.encrypt_on(&outgoing, terms, now, &mut world.rng) {
        Ok(sent) => Ok(sent),
        Err(EncryptError::Refused(refusal)) => Err(*refusal),
        Err(other) => panic!("{other:?}"),
    }
}

/// In both versions, with all bundles.
fn say(world: &mut World, to: &[BareJid], terms: &Terms<'_>) -> Result<Sent, Refusal> {
    let bundles = world.fetch_missing(0, to, PerVersion::from_fn(|_| true));
    let payloads = PerVersion::from_fn(|_| Some(&b"to all"[..]));
    send(world, to, payloads, &bundles, terms)
}

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

/// Juliet, Romeo and the nurse; what the nurse lacks is done to Juliet's account.
fn three(lack: impl Fn(&Account, &World)) -> (World, Vec<BareJid>) {
    let mut world = World::new(31);
    for address in [JULIET, ROMEO, NURSE] {
        world.add(address);
    }
    world.publish_lists();
    lack(&world.devices[0].account, &world);
    let members = [JULIET, ROMEO, NURSE].map(jid).to_vec();
    (world, members)
}

#[test]
fn no_member_of_a_room_silences_the_others() {
    let nurse = jid(NURSE);
    type Lack = fn(&Account, &World);
    let lacks: [(Lack, Absence); 3] = [
        (
            |account, world| {
                for version in Version::ALL {
                    let empty = list(version, []);
                    account
                        .set_device_list(&jid(NURSE), &empty, world.time())
                        .unwrap();
                }
            },
            Absence::NoDevices,
        ),
        (
            |account, world| {
                let key = world.devices[2].account.fingerprint();
                account
                    .set_trust(&jid(NURSE), &key, Trust::Distrusted, world.time())
                    .unwrap();
            },
            Absence::NoReader,
        ),
        (
            |account, world| {
                account
                    .opt_out(&jid(NURSE), false, None, world.time())
                    .unwrap();
            },
            Absence::OptedOut,
        ),
    ];
    for (lack, why) in lacks {
        let (mut world, members) = three(lack);
        let sent = say(&mut world, &members, &room()).unwrap();
        let jid = nurse.clone();
        assert_eq!(sent.report.left_out, [LeftOut { jid, why }]);
        assert!(sent.report.reaches(&members[1]) && !sent.report.reaches(&nurse));
        let stanza = world.for_device(1, &sent.elements);
        assert!(matches!(world.read(1, 0, &stanza), Received::Message(_)));
        // Who wants all or nothing gets it, and so does a conversation with the nurse herself.
        for (to, terms) in [
            (&members[..], strict_room()),
            (&members[2..], Terms::default()),
        ] {
            let (mut world, _) = three(lack);
            let refusal = say(&mut world, to, &terms).unwrap_err();
            match (why, &refusal) {
                (Absence::NoDevices, Refusal::NoDevices(jid, _))
                | (Absence::NoReader, Refusal::NobodyReached(jid, _))
                | (Absence::OptedOut, Refusal::OptedOut(jid)) => assert_eq!(*jid, nurse),
                _ => panic!("{why:?} {refusal:?}"),
            }
        }
        // Where she is the only one, there is nobody to write to.
        let (mut world, _) = three(lack);
        let refusal = say(&mut world, &[members[0].clone(), nurse.clone()], &room());
        assert!(matches!(refusal, Err(Refusal::NobodyInRoom(_))));
    }
}

#[test]
fn bundles_that_are_missing_or_broken_silence_nobody() {
    for fetched in [FetchedBundle::Absent, FetchedBundle::Broken] {
        let (mut world, members) = three(|_, _| ());
        let mut bundles = world.fetch_missing(0, &members, PerVersion::from_fn(|_| true));
        for (peer, bundle) in &mut bundles {
            if peer.jid == members[2] {
                *bundle = fetched.clone();
            }
        }
        let payloads = PerVersion::from_fn(|_| Some(&b"to all"[..]));
        let sent = send(&mut world, &members, payloads, &bundles, &room()).unwrap();
        assert_eq!(sent.report.left_out[0].why, Absence::NoReader);
        assert!(sent.report.reaches(&members[1]));
    }
}

/// A phone of Juliet's own is no reason to say that the room was written to.
#[test]
fn a_message_that_only_own_devices_would_get_is_refused() {
    let mut world = World::of_two(32);
    world.add(JULIET);
    world.publish_lists();
    for members in [vec![], vec![jid(JULIET)], vec![jid(JULIET), jid(NURSE)]] {
        let refusal = say(&mut world, &members, &room()).unwrap_err();
        assert!(matches!(refusal, Refusal::NobodyInRoom(_)), "{refusal:?}");
    }
    // A note to oneself is for them.
    let sent = say(&mut world, &[jid(JULIET)], &Terms::default()).unwrap();
    assert!(sent.report.reaches(&jid(JULIET)));
}

#[test]
fn a_note_to_oneself_needs_another_device() {
    let mut world = World::of_two(33);
    let refusal = say(&mut world, &[jid(JULIET)], &Terms::default()).unwrap_err();
    assert_eq!(refusal, Refusal::NoOtherDevice);
    // One that is there and cannot be written to is another matter.
    world.add(JULIET);
    world.publish_lists();
    let payloads = PerVersion::from_fn(|_| Some(&b"note"[..]));
    let refusal = send(
        &mut world,
        &[jid(JULIET)],
        payloads,
        &Bundles::new(),
        &Terms::default(),
    );
    assert!(matches!(refusal, Err(Refusal::Gaps(report)) if report.devices.len() == 1));
}

/// Juliet and Romeo talk in clear, and share a room.
#[test]
fn what_goes_to_a_room_says_nothing_of_the_conversations_with_its_members() {
    for audience in [
        Audience::Room(RoomPolicy::LeaveOut),
        Audience::Occupant,
        Audience::Accounts,
    ] {
        let mut world = World::of_two(34);
        let mut terms = Terms::default();
        terms.audience = audience;
        say(&mut world, &[jid(ROMEO)], &terms).unwrap();
        let account = &world.devices[0].account;
        let state = account.conversation_state(&jid(ROMEO)).unwrap();
        let is_encrypted = matches!(state, ConversationState::Encrypted { .. });
        assert_eq!(is_encrypted, audience == Audience::Accounts, "{audience:?}");
        assert!(account.is_accepted(&jid(ROMEO)).unwrap());
    }
}

/// Somebody who only reads is still written to; a second device that is silent is not.
#[test]
fn the_last_device_of_an_account_is_written_to_however_silent_it_is() {
    let mut world = World::new(35);
    let mut impatient = world::options();
    impatient.silent_after = Some(3);
    world.add_with(JULIET, impatient);
    world.add(ROMEO);
    world.add(ROMEO);
    world.publish_lists();
    let romeo = jid(ROMEO);
    for n in 0..10 {
        let sent = say(&mut world, std::slice::from_ref(&romeo), &Terms::default()).unwrap();
        assert_eq!(sent.report.encrypted().count(), 2, "{n}");
        for device in [1, 2] {
            let stanza = world.for_device(device, &sent.elements);
            world.expect(device, 0, &stanza, b"to all");
        }
    }
    // One of them answers: the other one can be spared again.
    let stanza = world.write(1, 0, Version::Legacy, b"I am here");
    world.expect(0, 1, &stanza, b"I am here");
    for terms in [Terms::default(), room()] {
        let sent = say(&mut world, std::slice::from_ref(&romeo), &terms).unwrap();
        let spared: Vec<_> = sent.report.skipped().collect();
        assert_eq!(spared.len(), 1);
        assert_eq!(spared[0].0.device, world.devices[2].id());
        assert_eq!(spared[0].1, Gap::Silent);
    }
}

/// Clients that read ids as signed numbers drop a whole stanza that has a larger one in it.
#[test]
fn a_large_id_does_not_share_a_legacy_stanza() {
    const LARGE: u32 = 3_000_000_000;
    let legacy = |world: &mut World, to: &[BareJid], terms: &Terms<'_>, version| {
        let mut payloads = PerVersion::default();
        *payloads.get_mut(version) = Some(&b"x"[..]);
        let used = PerVersion::from_fn(|it| it == version);
        let missing = world.devices[0].account.missing(to, used).unwrap();
        let bundles = missing.bundles.into_iter().map(|peer| {
            // The large device has a good bundle, whosever it is.
            let of = match peer.device.get() {
                LARGE => world.devices[3].peer(peer.version),
                _ => peer.clone(),
            };
            (peer, world.fetch(&of))
        });
        let bundles = bundles.collect();
        send(world, to, payloads, &bundles, terms).unwrap().report
    };
    let world = |version, of: &str, others: bool| {
        let mut world = World::new(36);
        for address in [JULIET, ROMEO, NURSE, TYBALT] {
            world.add(address);
        }
        world.publish_lists();
        let mut ids = vec![LARGE];
        let device = world
            .devices
            .iter()
            .position(|device| device.jid().as_str() == of);
        ids.extend(others.then(|| world.devices[device.unwrap()].id().get()));
        let now = world.time();
        let account = &world.devices[0].account;
        account
            .set_device_list(&jid(of), &list(version, ids), now)
            .unwrap();
        world
    };
    let large = |report: &omemo::account::Report| {
        let mut devices = report.devices.iter();
        devices
            .find(|device| device.device.get() == LARGE)
            .unwrap()
            .fate
    };
    let left_out = omemo::account::Fate::Skipped(Gap::LargeId);
    let (romeo, all) = ([jid(ROMEO)], [jid(ROMEO), jid(NURSE)]);
    // Beside another of the account, and in a room beside anybody's.
    let mut beside = world(Version::Legacy, ROMEO, true);
    let report = legacy(&mut beside, &romeo, &Terms::default(), Version::Legacy);
    assert_eq!(large(&report), left_out);
    assert!(report.reaches(&jid(ROMEO)));
    let mut beside = world(Version::Legacy, ROMEO, false);
    let report = legacy(&mut beside, &all, &room(), Version::Legacy);
    assert_eq!(large(&report), left_out);
    assert_eq!(report.left_out[0].jid, jid(ROMEO));
    // A device of Juliet's own does not keep Romeo from reading.
    let mut own = world(Version::Legacy, JULIET, true);
    let report = legacy(&mut own, &romeo, &Terms::default(), Version::Legacy);
    assert_eq!(large(&report), left_out);
    // The only reader gets it, and so does one who reads the other version.
    let mut only = world(Version::Legacy, ROMEO, false);
    for terms in [Terms::default(), room()] {
        let report = legacy(&mut only, &romeo, &terms, Version::Legacy);
        assert_ne!(large(&report), left_out);
    }
    let mut other = world(Version::Omemo2, ROMEO, true);
    let report = legacy(&mut other, &romeo, &Terms::default(), Version::Omemo2);
    assert_ne!(large(&report), left_out);
}

fn space(bytes: usize, sender: DeviceId, payload: usize) -> Space {
    Space {
        bytes,
        keys: 4096,
        element: PerVersion::from_fn(|version| element_size(version, sender, payload)),
        account: account_size,
        key: key_size,
    }
}

fn size(sent: &Sent) -> usize {
    let elements = sent.elements.iter();
    elements
        .map(|element| write_encrypted(element).unwrap().len())
        .sum()
}

/// One identity may have any number of devices, each with the same good bundle.
fn flood(
    world: &World,
    of: usize,
    version: Version,
    ids: std::ops::RangeInclusive<u32>,
) -> Bundles {
    let peer = world.devices[of].peer(version);
    let with_own = ids.clone().chain([peer.device.get()]);
    let account = &world.devices[0].account;
    account
        .set_device_list(&peer.jid, &list(version, with_own), world.time())
        .unwrap();
    let bundle = world.fetch(&peer);
    ids.map(|id| {
        let device = DeviceId::new(id).unwrap();
        (
            Peer {
                device,
                ..peer.clone()
            },
            bundle.clone(),
        )
    })
    .collect()
}

#[test]
fn a_thousand_devices_of_one_account_leave_room_for_the_others() {
    for version in Version::ALL {
        let mut world = World::new(37);
        for address in [JULIET, ROMEO, NURSE] {
            world.add(address);
        }
        world.publish_lists();
        let members = [JULIET, ROMEO, NURSE].map(jid);
        let mut payloads = PerVersion::default();
        *payloads.get_mut(version) = Some(&b"to all"[..]);
        // The nurse's real device is one that Juliet has heard of.
        let stanza = world.write(2, 0, version, b"hello");
        world.expect(0, 2, &stanza, b"hello");
        world.now += world::DAY;
        let used = PerVersion::from_fn(|it| it == version);
        let mut bundles = world.fetch_missing(0, &members, used);
        bundles.extend(flood(&world, 2, version, 1..=300));
        let sender = world.devices[0].id();
        for bytes in [60_000, 10_000, 2_000, 1_300] {
            let mut terms = room();
            terms.space = Some(space(bytes, sender, 6));
            let sent = send(&mut world, &members, payloads, &bundles, &terms).unwrap();
            let size = size(&sent);
            assert!(size <= bytes, "{version:?}: {size} of {bytes}");
            // Numbers are reckoned with in their longest form.
            let most = size + size / 8 + key_size(version, sender, true, 230);
            assert!(most > bytes, "{version:?}: only {size} of {bytes}");
            assert!(sent.report.reaches(&members[1]), "{version:?} {bytes}");
            let real = world.devices[2].id();
            let mut reads = sent.report.encrypted();
            assert!(
                reads.any(|device| device.device == real),
                "{version:?} {bytes}"
            );
            let mut gaps = sent.report.skipped();
            assert!(gaps.all(|(_, gap)| gap == Gap::TooManyDevices));
        }
        // What is too large for anybody is said to be so, and moves no session.
        let mut terms = Terms::default();
        terms.space = Some(space(100, sender, 6));
        let account = &world.devices[0].account;
        let sessions = account.survey().unwrap();
        let refusal = send(&mut world, &members[1..2], payloads, &bundles, &terms);
        assert!(matches!(refusal, Err(Refusal::TooLarge(_))), "{refusal:?}");
        let account = &world.devices[0].account;
        assert_eq!(account.survey().unwrap(), sessions);
    }
}

/// Two accounts with two devices each: each loses one before any loses both, and a verified key goes last.
#[test]
fn no_account_loses_its_only_device_while_another_has_two() {
    let version = Version::Omemo2;
    let mut world = World::new(38);
    for address in [JULIET, ROMEO, ROMEO, NURSE, NURSE] {
        world.add(address);
    }
    world.publish_lists_of(&[version]);
    let now = world.time();
    let members = [JULIET, ROMEO, NURSE].map(jid);
    let verified = world.devices[2].account.fingerprint();
    let account = &world.devices[0].account;
    account
        .set_trust(&members[1], &verified, Trust::Verified, now)
        .unwrap();
    account
        .set_trust(
            &members[1],
            &world.devices[1].account.fingerprint(),
            Trust::Blind,
            now,
        )
        .unwrap();
    // They have to be known, for their trust to be.
    say(&mut world, &members, &room()).unwrap();
    let sender = world.devices[0].id();
    let mut payloads = PerVersion::default();
    *payloads.get_mut(version) = Some(&b"x"[..]);
    for (keys, romeo, nurse) in [(4, 2, 2), (3, 1, 1), (2, 1, 1), (1, 1, 0)] {
        let mut terms = room();
        terms.space = Some(Space {
            keys,
            ..space(usize::MAX, sender, 1)
        });
        let sent = send(&mut world, &members, payloads, &Bundles::new(), &terms).unwrap();
        let count = |of: &BareJid| {
            let devices = sent.report.encrypted();
            devices.filter(|device| device.jid == *of).count()
        };
        let (found_romeo, found_nurse) = (count(&members[1]), count(&members[2]));
        assert_eq!(found_romeo + found_nurse, keys);
        assert!(found_romeo >= romeo && found_nurse >= nurse, "{keys}");
        if found_romeo == 1 {
            let mut reads = sent.report.encrypted();
            assert!(
                reads.any(|device| device.device == world.devices[2].id()),
                "{keys}"
            );
        }
    }
}

/// The sizes that are reckoned with are those of what goes out, or a little more.
#[test]
fn no_key_is_longer_than_was_reckoned_with() {
    for version in Version::ALL {
        let mut world = World::of_two(39);
        let most = |is_exchange| omemo::protocol::of(version).max_key_len(is_exchange);
        let mut payloads = PerVersion::default();
        *payloads.get_mut(version) = Some(&b"x"[..]);
        for n in 0..3 {
            let sent = world.send_in(0, &[jid(ROMEO)], payloads).unwrap();
            let key = &sent.elements[0].keys[0];
            assert_eq!(key.key_exchange, n < 2);
            let most = most(key.key_exchange);
            assert!(key.bytes.len() <= most && key.bytes.len() + 40 > most);
            let stanza = world.for_device(1, &sent.elements);
            let Received::Message(read) = world.read(1, 0, &stanza) else {
                panic!();
            };
            world.devices[1]
                .account
                .acknowledge(&[read.id], APPLICATION)
                .unwrap();
            if n == 1 {
                let answer = world.write(1, 0, version, b"y");
                world.expect(0, 1, &answer, b"y");
            }
        }
    }
}

/// Sends to Romeo and the nurse, whose list has a device of somebody else's with his bundle.
fn say_with_copy(world: &mut World, of: usize, text: &[u8]) -> Sent {
    let (nurse, copied) = (jid(NURSE), world.devices[of].id());
    let both = list(Version::Legacy, [world.devices[2].id().get(), copied.get()]);
    let account = &world.devices[0].account;
    account
        .set_device_list(&nurse, &both, world.time())
        .unwrap();
    let members = [jid(ROMEO), nurse.clone()];
    let payloads = PerVersion::from_fn(|_| Some(text));
    let mut bundles = world.fetch_missing(0, &members, PerVersion::from_fn(|_| true));
    let original = world.devices[of].peer(Version::Legacy);
    let copy = Peer::new(nurse, copied, Version::Legacy);
    bundles.insert(copy, world.fetch(&original));
    send(world, &members, payloads, &bundles, &room()).unwrap()
}

/// Romeo's device would open the key of the copy, too, and then write on a session that Juliet keeps as the
/// nurse's.
#[test]
fn who_copies_a_bundle_does_not_come_between_two_others() {
    // Before and after they have heard of each other.
    for has_met in [false, true] {
        let (mut world, _) = three(|_, _| ());
        if has_met {
            for (from, to) in [(0, 1), (1, 0)] {
                let members = [world.devices[to].jid().clone()];
                let sent = world.send(from, &members, b"hello").unwrap();
                let stanza = world.for_device(to, &sent.elements);
                world.expect(to, from, &stanza, b"hello");
            }
        }
        for _ in 0..2 {
            let sent = say_with_copy(&mut world, 1, b"to both");
            let copied: Vec<_> = sent.report.skipped().collect();
            assert_eq!(copied.len(), 1, "{copied:?}");
            assert_eq!(copied[0].1, Gap::CopiedKey);
            assert_eq!(copied[0].0.jid, jid(NURSE));
            let stanza = world.for_device(1, &sent.elements);
            world.expect(1, 0, &stanza, b"to both");
            let sent = world.send(1, &[jid(JULIET)], b"and back").unwrap();
            let stanza = world.for_device(0, &sent.elements);
            world.expect(0, 1, &stanza, b"and back");
        }
    }
}

/// Each element of a stanza is read: also that of the version in which the original is not written to.
#[test]
fn a_copy_in_another_version_is_a_copy() {
    let (mut world, _) = three(|account, world| {
        let empty = list(Version::Legacy, []);
        let romeo = jid(ROMEO);
        account
            .set_device_list(&romeo, &empty, world.time())
            .unwrap();
    });
    let sent = say_with_copy(&mut world, 1, b"to both");
    let copied: Vec<_> = sent.report.skipped().collect();
    assert_eq!(copied.len(), 1, "{copied:?}");
    assert_eq!(copied[0].1, Gap::CopiedKey);
    assert!(sent.report.reaches(&jid(ROMEO)) && sent.report.reaches(&jid(NURSE)));
}

#[test]
fn nothing_is_encrypted_for_a_copy_of_the_own_bundle() {
    let (mut world, _) = three(|_, _| ());
    let key = world.devices[0].account.fingerprint();
    // Distrusted from the beginning; and left out, too, where the user has been talked into trusting it.
    for gap in [Gap::Distrusted(key), Gap::CopiedKey] {
        let sent = say_with_copy(&mut world, 0, b"to both");
        let copied: Vec<_> = sent.report.skipped().collect();
        assert_eq!(copied.len(), 1, "{copied:?}");
        assert_eq!(copied[0].1, gap);
        assert!(sent.report.reaches(&jid(ROMEO)) && sent.report.reaches(&jid(NURSE)));
        let (account, now) = (&world.devices[0].account, world.time());
        let copier = copied[0].0.jid.clone();
        account
            .set_trust(&copier, &key, Trust::Verified, now)
            .unwrap();
    }
}
