//! Messages that go and come.

use omemo::account::{
    APPLICATION, Arrival, Bundles, Incoming, Order, Outgoing, Received, Sender, Sent,
};
use omemo::model::{PerVersion, Timestamp, Version};

use crate::ledger::Ledger;
use crate::trial::{
    JULIETS, Operation, ROMEOS, account_error, acquainted, all, converse, decrypting,
    fails_everywhere, has_read, on, options, tears,
};
use crate::world::{JULIET, ROMEO, World, jid};

/// Encrypting for Romeo's devices and Juliet's other one.
fn encrypting(now: Timestamp, bundles: Bundles) -> impl Operation<Sent> {
    on(JULIET, now, move |account, rng| {
        let outgoing = Outgoing {
            recipients: &[jid(ROMEO)],
            payloads: PerVersion {
                legacy: Some(b"text"),
                omemo2: Some(b"text"),
            },
            bundles: &bundles,
        };
        account.encrypt(&outgoing, now, rng).map_err(account_error)
    })
}

#[test]
fn c06_c07_encrypting_for_several_devices() {
    let mut world = World::of_two(2);
    let romeos_second = world.add(ROMEO);
    let juliets_second = world.add(JULIET);
    world.publish_lists();
    let ledger = Ledger::default();
    let used = PerVersion {
        legacy: true,
        omemo2: true,
    };
    let readers = [ROMEOS, romeos_second, juliets_second];
    let check = |ledger: &Ledger, world: &mut World, sent: &Sent| {
        assert_eq!(sent.report.encrypted().count(), readers.len());
        let mut ledger = ledger.clone();
        assert!(ledger.takes_all(&sent.elements));
        for reader in readers {
            let stanza = world.for_device(reader, &sent.elements);
            world.expect(reader, JULIETS, &stanza, b"text");
        }
        converse(world, &mut ledger);
    };

    // New sessions.
    let bundles = world.fetch_missing(JULIETS, &[jid(ROMEO)], used);
    assert_eq!(bundles.len(), readers.len());
    let operation = encrypting(world.time(), bundles);
    all(&world, JULIETS, &operation, &|world: &mut World, sent| {
        check(&ledger, world, &sent);
    });

    // Sessions that are there.
    let mut ledger = ledger;
    let sent = world.send(JULIETS, &[jid(ROMEO)], b"first").unwrap();
    assert!(ledger.takes_all(&sent.elements));
    let operation = encrypting(world.time(), Bundles::new());
    all(&world, JULIETS, &operation, &|world: &mut World, sent| {
        check(&ledger, world, &sent);
    });
}

#[test]
fn c06_c07_reading_a_key_exchange_and_a_message() {
    for version in Version::ALL {
        // A key exchange.
        let mut world = World::of_two(3);
        let stanza = world.write(JULIETS, ROMEOS, version, b"first");
        assert!(stanza[0].keys[0].key_exchange);
        let operation = decrypting(ROMEO, JULIET, stanza.clone(), world.time());
        let check = |world: &mut World, received: Received| {
            has_read(world, ROMEOS, &received, b"first");
            converse(world, &mut Ledger::default());
        };
        all(&world, ROMEOS, &operation, &check);

        // While catching up the pre-key is kept.
        let now = world.time();
        let account = &world.devices[ROMEOS].account;
        account.begin_catch_up(Order::OldestFirst, now).unwrap();
        all(&world, ROMEOS, &operation, &check);

        // A message that opens a new chain, and one behind it.
        let (mut world, ledger) = acquainted();
        let first = world.write(JULIETS, ROMEOS, version, b"first");
        let second = world.write(JULIETS, ROMEOS, version, b"second");
        let operation = decrypting(ROMEO, JULIET, first, world.time());
        all(
            &world,
            ROMEOS,
            &operation,
            &|world: &mut World, received| {
                has_read(world, ROMEOS, &received, b"first");
                let received = world.read(ROMEOS, JULIETS, &second);
                has_read(world, ROMEOS, &received, b"second");
                converse(world, &mut ledger.clone());
            },
        );
    }
}

#[test]
fn c06_c07_reading_out_of_order() {
    let (mut world, ledger) = acquainted();
    world.reopen(JULIETS, options());
    let version = Version::Omemo2;
    let late = world.write(JULIETS, ROMEOS, version, b"late");
    for _ in 0..1000 {
        world.write(JULIETS, ROMEOS, version, b"lost");
    }
    let early = world.write(JULIETS, ROMEOS, version, b"early");

    // The jump over 1,001 messages.
    let operation = decrypting(ROMEO, JULIET, early.clone(), world.time());
    fails_everywhere(
        &world,
        ROMEOS,
        &operation,
        &|world: &mut World, received| {
            has_read(world, ROMEOS, &received, b"early");
            let received = world.read(ROMEOS, JULIETS, &late);
            has_read(world, ROMEOS, &received, b"late");
            converse(world, &mut ledger.clone());
        },
    );
    let counts = (1..).filter(|count| count % 97 == 0 || *count > 995);
    tears(
        &world,
        ROMEOS,
        &operation,
        counts,
        &|world: &mut World, received| {
            has_read(world, ROMEOS, &received, b"early");
            let received = world.read(ROMEOS, JULIETS, &late);
            has_read(world, ROMEOS, &received, b"late");
            converse(world, &mut ledger.clone());
        },
    );

    // The late one, whose key is among the skipped ones.
    world.expect(ROMEOS, JULIETS, &early, b"early");
    let operation = decrypting(ROMEO, JULIET, late, world.time());
    all(
        &world,
        ROMEOS,
        &operation,
        &|world: &mut World, received| {
            has_read(world, ROMEOS, &received, b"late");
        },
    );
}

#[test]
fn c06_c07_a_page_of_an_archive() {
    let mut world = World::of_two(4);
    let romeos_second = world.add(ROMEO);
    world.publish_lists();
    let mut stanzas = Vec::new();
    for n in 0..6_u8 {
        let version = Version::ALL[usize::from(n % 2)];
        let from = [JULIETS, JULIETS, romeos_second][usize::from(n % 3)];
        let text = vec![b'p', n];
        let stanza = world.write(from, ROMEOS, version, &text);
        stanzas.push((world.devices[from].jid().clone(), stanza, text));
    }
    stanzas.swap(2, 4);
    let (page, now) = (stanzas.clone(), world.time());
    let account = &world.devices[ROMEOS].account;
    let catch_up = account.begin_catch_up(Order::OldestFirst, now).unwrap();
    let operation = on(ROMEO, now, move |account, rng| {
        let page: Vec<_> = page
            .iter()
            .map(|(sender, stanza, _)| Incoming {
                sender: Sender::Known(sender),
                elements: stanza,
                arrival: Arrival::Archived(catch_up),
                author: None,
                attached: &[],
            })
            .collect();
        account.decrypt_page(&page, now, rng)
    });
    all(
        &world,
        ROMEOS,
        &operation,
        &|world: &mut World, outcomes| {
            for (received, (_, _, text)) in outcomes.iter().zip(&stanzas) {
                has_read(world, ROMEOS, received, text);
            }
            assert_eq!(outcomes.len(), stanzas.len());
            converse(world, &mut Ledger::default());
        },
    );
}

#[test]
fn c06_c07_acknowledging() {
    let (mut world, ledger) = acquainted();
    let account = &world.devices[ROMEOS].account;
    account.add_consumer("notifications").unwrap();
    let stanza = world.write(JULIETS, ROMEOS, Version::Legacy, b"text");
    let Received::Message(message) = world.read(ROMEOS, JULIETS, &stanza) else {
        panic!("it is one");
    };
    for (consumer, other) in [
        (APPLICATION, "notifications"),
        ("notifications", APPLICATION),
    ] {
        let id = message.id;
        let operation = on(ROMEO, world.time(), move |account, _| {
            account.acknowledge(&[id], consumer)
        });
        let is_last = other == APPLICATION;
        all(&world, ROMEOS, &operation, &|world: &mut World, ()| {
            let account = &world.devices[ROMEOS].account;
            assert!(account.inbox(consumer).unwrap().is_empty());
            assert_eq!(account.inbox(other).unwrap().is_empty(), is_last);
            converse(world, &mut ledger.clone());
        });
        let account = &world.devices[ROMEOS].account;
        account.acknowledge(&[id], consumer).unwrap();
    }
}
