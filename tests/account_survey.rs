//! What an account says about its store, and that it writes nothing to say so.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod world;

use omemo::account::{APPLICATION, BundleState, CatchUp, Order, Received, SessionState};
use omemo::model::Version;
use world::{DAY, JULIET, ROMEO, World, jid};

#[test]
fn a_new_account_has_all_keys_and_has_published_nothing() {
    let mut world = World::new(1);
    let juliet = world.add(JULIET);
    let account = &world.devices[juliet].account;
    let survey = account.survey().unwrap();
    assert_eq!(survey.versions.len(), Version::ALL.len());
    for (version, side) in Version::ALL.into_iter().zip(&survey.versions) {
        assert_eq!((side.version, side.offered, side.used), (version, 100, 0));
        assert_eq!((side.oldest_used, side.announced), (None, None));
        assert_eq!((side.old_signed_pre_keys, side.put_back), (0, 0));
        assert_eq!(side.signed_pre_key_created, world.time());
        assert_eq!(side.bundle, BundleState::Unpublished);
    }
    assert_eq!(survey.catch_ups, []);
    assert_eq!(survey.written_since_incarnation, None);
    assert_eq!(survey.inbox.len(), 1);
    assert_eq!(survey.inbox[0].name, APPLICATION);
    assert_eq!(
        (survey.inbox[0].messages, survey.inbox[0].oldest),
        (0, None)
    );
    assert!(account.peers(&jid(ROMEO)).unwrap().is_empty());
}

#[test]
fn what_was_published_and_rotated_is_told() {
    let mut world = World::of_two(2);
    let account = &world.devices[0].account;
    for version in Version::ALL {
        let revision = account.bundle(version).unwrap().revision;
        account.bundle_published(version, revision).unwrap();
        account
            .device_list_published(version, world.time())
            .unwrap();
    }
    let marker = account.next_incarnation(&mut world.rng).unwrap();
    account.enter_incarnation(&marker).unwrap();
    let survey = account.survey().unwrap();
    assert_eq!(survey.written_since_incarnation, Some(1));
    for side in &survey.versions {
        assert_eq!(side.bundle, BundleState::Published);
        assert_eq!(side.announced, Some(world.time()));
    }

    world.now += 8 * DAY;
    let (now, account) = (world.time(), &world.devices[0].account);
    account.maintain(now, &mut world.rng).unwrap();
    for side in account.survey().unwrap().versions {
        assert_eq!(side.bundle, BundleState::Outdated);
        assert_eq!(side.old_signed_pre_keys, 1);
        assert_eq!(
            (side.signed_pre_key.get(), side.signed_pre_key_created),
            (2, now)
        );
    }
}

#[test]
fn sessions_are_told_from_both_sides() {
    for version in Version::ALL {
        let mut world = World::of_two(3);
        let (juliet, romeo) = (0, 1);
        let now = world.time();
        let account = &world.devices[romeo].account;
        account.set_accepted(&jid(JULIET), true, now).unwrap();
        let id = account.begin_catch_up(Order::NewestFirst, now).unwrap();
        let stanzas =
            [b"one", b"two", b"six"].map(|text| world.write(juliet, romeo, version, text));
        assert!(matches!(
            world.read(romeo, juliet, &stanzas[2]),
            Received::Message(_)
        ));
        let before = world.devices[romeo].dump();

        let account = &world.devices[romeo].account;
        let survey = account.survey().unwrap();
        let order = Order::NewestFirst;
        let since = now;
        assert_eq!(survey.catch_ups, [CatchUp { id, since, order }]);
        let waiting = &survey.inbox[0];
        assert_eq!(
            (waiting.messages, waiting.bytes, waiting.oldest),
            (1, 3, Some(now))
        );
        for side in survey.versions {
            let used = usize::from(side.version == version);
            assert_eq!((side.offered, side.used), (100, used));
            assert_eq!(side.oldest_used.is_some(), side.version == version);
        }
        let peers = account.peers(&jid(JULIET)).unwrap();
        let peer = peers
            .iter()
            .find(|peer| peer.peer.version == version)
            .unwrap();
        assert_eq!(peer.peer.device, world.devices[juliet].id());
        assert_eq!(
            (peer.owed_since, peer.failed, peer.no_session),
            (Some(now), 0, false)
        );
        let [session] = peer.sessions.as_slice() else {
            panic!("{peer:?}");
        };
        assert_eq!((session.number, session.state), (1, SessionState::Current));
        assert_eq!((session.initiated, session.answered), (false, true));
        assert_eq!((session.created, session.sent), (now, 0));
        assert_eq!((session.receiving_steps, session.skipped), (1, 2));
        assert_eq!(world.devices[romeo].dump(), before, "nothing is written");

        let account = &world.devices[juliet].account;
        let peers = account.peers(&jid(ROMEO)).unwrap();
        let peer = peers
            .iter()
            .find(|peer| peer.peer.version == version)
            .unwrap();
        let session = &peer.sessions[0];
        assert_eq!((session.initiated, session.answered), (true, false));
        assert_eq!((session.sent, session.receiving_steps), (3, 0));
        account.reset_sessions(&jid(ROMEO), None, now).unwrap();
        let peers = account.peers(&jid(ROMEO)).unwrap();
        let states: Vec<_> = peers.iter().flat_map(|peer| &peer.sessions).collect();
        assert_eq!(states[0].state, SessionState::ReceiveOnly);
    }
}
