//! What waits to be acknowledged: counted rightly, kept within its limits, the oldest first to go.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod adversary;
mod world;

use adversary::{MALLORY, Mallory, bundle, give, text_of};
use omemo::account::{
    APPLICATION, AccountError, Arrival, ConsumerSurvey, InboxLimits, Incoming, MessageId, Received,
    Sender,
};
use omemo::crypto::random;
use omemo::model::Version;
use omemo::protocol::of;
use omemo::store::{Batch, Scope, Store as _};
use rand::SeedableRng;
use rand::rngs::StdRng;
use world::{JULIET, ROMEO, World, jid, options};

const ROMEOS: usize = 0;
const JULIETS: usize = 1;

/// Romeo, in whose inbox there is room for so much, and Juliet.
fn with_limits(messages: u32, bytes: u64) -> World {
    let mut options = options();
    options.inbox = Some(InboxLimits {
        messages,
        bytes,
        ..InboxLimits::DEFAULT
    });
    let mut world = World::new(1);
    world.add_with(ROMEO, options);
    world.add(JULIET);
    world.publish_lists();
    world
}

fn receive(world: &mut World, text: &[u8]) -> ConsumerSurvey {
    let stanza = world.write(JULIETS, ROMEOS, Version::Omemo2, text);
    assert_eq!(text_of(&world.read(ROMEOS, JULIETS, &stanza)), text);
    let survey = world.devices[ROMEOS].account.survey().unwrap();
    survey.inbox[0].clone()
}

fn waiting(world: &World) -> Vec<Vec<u8>> {
    let account = &world.devices[ROMEOS].account;
    let inbox = account.inbox(APPLICATION).unwrap();
    inbox.iter().map(|one| one.payload.to_vec()).collect()
}

#[test]
fn the_oldest_go_until_the_rest_has_room() {
    let mut world = with_limits(1000, 10_000);
    // So small that a tenth of them makes no room.
    for _ in 0..50 {
        receive(&mut world, b"t");
    }
    for n in 0..20_u8 {
        let survey = receive(&mut world, &[n; 3000]);
        assert!(survey.bytes <= 10_000, "{survey:?}");
        assert_eq!(waiting(&world).last(), Some(&vec![n; 3000]));
    }
    // The one that has just come stays, however large.
    assert_eq!(receive(&mut world, &[7; 20_000]).messages, 1);
}

#[test]
fn a_tenth_goes_when_there_are_too_many() {
    let mut world = with_limits(20, 10_000);
    for n in 0..60_u8 {
        let survey = receive(&mut world, &[n]);
        assert!((18..=20).contains(&survey.messages) || n < 20, "{n}");
    }
    let waiting = waiting(&world);
    assert!(waiting.is_sorted());
    assert_eq!(waiting.last(), Some(&vec![59]));
}

/// A sender that draws the same ratchet key twice gives two messages one name.
#[test]
fn messages_of_one_name_are_counted_as_the_one_that_waits() {
    let mut world = with_limits(20, 10_000);
    let mallory = Mallory::new(&mut world);
    for n in 0..100_u8 {
        let offered = bundle(&world, ROMEOS, Version::Omemo2);
        let mut session = mallory.session(&mut world, &offered);
        let salt = random(&mut world.rng).unwrap();
        let sealed = of(Version::Omemo2).seal_payload(&[n], &salt).unwrap();
        let chance = core::mem::replace(&mut world.rng, StdRng::seed_from_u64(777));
        let mut stanza = mallory.empty(&mut world, &mut session, sealed.key_material.expose());
        world.rng = chance;
        stanza[0].payload = Some(sealed.ciphertext);
        let read = give(&mut world, ROMEOS, &[jid(MALLORY)], &stanza);
        assert_eq!(text_of(&read), [n]);
        let Received::Message(message) = read else {
            panic!("it is one");
        };
        assert_eq!(waiting(&world), [vec![n]]);
        if n == 99 {
            let account = &world.devices[ROMEOS].account;
            account.acknowledge(&[message.id], APPLICATION).unwrap();
        }
    }
    for n in 0..20 {
        receive(&mut world, &[n]);
    }
    assert_eq!(waiting(&world).len(), 20);
}

#[test]
fn what_the_application_has_acknowledged_does_not_come_again() {
    let mut world = with_limits(1000, 10_000);
    let romeo = world.devices[ROMEOS].account.clone();
    romeo.add_consumer("extension").unwrap();
    let stanza = world.write(JULIETS, ROMEOS, Version::Omemo2, b"hello");
    world.expect(ROMEOS, JULIETS, &stanza, b"hello");
    let again = world.read(ROMEOS, JULIETS, &stanza);
    assert!(matches!(again, Received::Duplicate(_)), "{again:?}");
    // The other one has it still, and takes it over before the application does the next.
    for text in [&b"hello"[..], b"next"] {
        if text == b"next" {
            let stanza = world.write(JULIETS, ROMEOS, Version::Omemo2, text);
            world.read(ROMEOS, JULIETS, &stanza);
        }
        let inbox = romeo.inbox("extension").unwrap();
        assert_eq!(inbox.len(), 1);
        assert_eq!(inbox[0].payload.as_slice(), text);
        romeo.acknowledge(&[inbox[0].id], "extension").unwrap();
    }
    assert_eq!(waiting(&world), [b"next"]);
}

#[test]
fn what_came_with_a_stanza_is_not_printed() {
    let incoming = Incoming {
        sender: Sender::Known(&jid(JULIET)),
        elements: &[],
        arrival: Arrival::Live,
        author: None,
        attached: &[0xab; 3],
    };
    assert!(!format!("{incoming:?}").contains("171"));
}

/// Romeo, in whose inbox so many messages wait, and their names.
fn with_waiting(count: u32) -> (World, Vec<MessageId>) {
    let mut world = with_limits(10_000, 1 << 20);
    for n in 0..count {
        let stanza = world.write(JULIETS, ROMEOS, Version::Omemo2, &n.to_be_bytes());
        assert_eq!(
            text_of(&world.read(ROMEOS, JULIETS, &stanza)),
            n.to_be_bytes()
        );
    }
    let inbox = world.devices[ROMEOS].account.inbox(APPLICATION).unwrap();
    let ids = inbox.iter().map(|message| message.id).collect();
    (world, ids)
}

/// How often something is written while these messages are acknowledged.
fn writes(world: &World, ids: &[MessageId], consumer: &str) -> u64 {
    let romeo = &world.devices[ROMEOS];
    let before = romeo.store.generation(&Scope::new(ROMEO)).unwrap().get();
    romeo.account.acknowledge(ids, consumer).unwrap();
    romeo.store.generation(&Scope::new(ROMEO)).unwrap().get() - before
}

#[test]
fn many_are_acknowledged_with_one_write() {
    let (world, ids) = with_waiting(30);
    let unknown = MessageId::from_bytes([7; 16]);
    let some = [&[unknown, ids[1], ids[1]], &ids[..20]].concat();
    assert_eq!(writes(&world, &some, "nobody"), 0);
    assert_eq!(writes(&world, &[], APPLICATION), 0);
    assert_eq!(writes(&world, &some, APPLICATION), 1);
    assert_eq!(waiting(&world).len(), 10);
    assert_eq!(writes(&world, &some, APPLICATION), 0, "they are gone");
    assert_eq!(writes(&world, &ids, APPLICATION), 1);
    let survey = world.devices[ROMEOS].account.survey().unwrap();
    assert_eq!((survey.inbox[0].messages, survey.inbox[0].bytes), (0, 0));
}

#[test]
fn so_many_that_one_write_has_no_room_are_acknowledged_in_parts() {
    let (world, ids) = with_waiting(1500);
    assert_eq!(writes(&world, &ids, APPLICATION), 2);
    assert!(waiting(&world).is_empty());
}

/// One bad record stops only itself.
#[test]
fn a_damaged_message_keeps_no_other_one_waiting() {
    let (world, ids) = with_waiting(5);
    let romeo = &world.devices[ROMEOS];
    let damage = |value: Option<&[u8]>| {
        let mut records = romeo.dump().into_iter();
        let record = records.find(|it| it.key.sort == ids[2].as_bytes()).unwrap();
        let mut batch = Batch::new();
        match value {
            Some(value) => batch.put(record.key, value),
            None => batch.delete(record.key),
        };
        let generation = romeo.store.generation(&Scope::new(ROMEO)).unwrap();
        let _ = romeo
            .store
            .apply(&Scope::new(ROMEO), generation, &batch)
            .unwrap();
    };
    damage(Some(b"\xff"));
    let acknowledged = romeo.account.acknowledge(&ids, APPLICATION);
    assert_eq!(acknowledged, Err(AccountError::Record));
    damage(None);
    assert!(waiting(&world).is_empty());
}
