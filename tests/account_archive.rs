//! A long archive: 10,000 messages of one chain, read in pages, in both orders, from each store.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod world;

use std::sync::Arc;

use omemo::account::{
    APPLICATION, Account, Arrival, Bundles, FetchedBundle, Incoming, Order, Outgoing, Peer,
    Received, Sender,
};
use omemo::model::{BareJid, PerVersion, Version};
use omemo::store::{
    Applied, Batch, Change, Generation, Key, MemoryStore, Record, Scan, Scope, Store, StoreError,
    Value,
};
use world::{HOUR, JULIET, ROMEO, Stanza, World, jid, options};

const MESSAGES: u32 = 10_000;
const PAGE: usize = 200;

#[test]
fn an_archive_is_read_from_memory_in_both_orders() {
    for version in Version::ALL {
        for order in [Order::OldestFirst, Order::NewestFirst] {
            read_all(Arc::new(MemoryStore::new()), version, order);
        }
    }
}

#[cfg(feature = "sqlite")]
#[test]
fn an_archive_is_read_from_a_file_in_both_orders() {
    for version in Version::ALL {
        for order in [Order::OldestFirst, Order::NewestFirst] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("omemo.db");
            let store = omemo::store::SqliteStore::open(path).unwrap();
            read_all(Arc::new(store), version, order);
        }
    }
}

/// A page that would not fit into one write is read in several, and none is too large for a store.
#[test]
fn a_page_is_as_large_as_a_write() {
    const COUNT: usize = 70;
    let mut large = options();
    let inbox = large.inbox.as_mut().unwrap();
    inbox.bytes = 1 << 30;
    let mut world = World::new(6);
    let romeo = world.add_with(ROMEO, large);
    let juliet = world.add(JULIET);
    world.publish_lists();
    let text = vec![b'x'; 1 << 20];
    let stanzas: Vec<_> = (0..COUNT)
        .map(|_| world.write(juliet, romeo, Version::Legacy, &text))
        .collect();
    let senders = [jid(JULIET)];
    let now = world.time();
    let account = &world.devices[romeo].account;
    let catch_up = account.begin_catch_up(Order::OldestFirst, now).unwrap();
    let mut page = page_of(&senders, &stanzas, Arrival::Archived(catch_up));
    let mut writes = 0;
    while !page.is_empty() {
        let read = account.decrypt_page(&page, now, &mut world.rng).unwrap();
        assert!(read.iter().all(|one| matches!(one, Received::Message(_))));
        assert!((1..=17).contains(&read.len()), "{}", read.len());
        page.drain(..read.len());
        writes += 1;
    }
    assert!(writes >= 4, "{writes}");
    assert_eq!(account.inbox(APPLICATION).unwrap().len(), COUNT);
}

fn page_of<'a>(
    senders: &'a [BareJid],
    stanzas: &'a [Stanza],
    arrival: Arrival,
) -> Vec<Incoming<'a>> {
    let page = stanzas.iter().map(|elements| Incoming {
        sender: Sender::among(senders),
        elements,
        arrival,
        author: None,
        attached: &[],
    });
    page.collect()
}

/// A store that takes little at once.
struct Narrow {
    store: Arc<MemoryStore>,
    /// The most bytes of values in a batch.
    most: usize,
}

impl Store for Narrow {
    fn get(&self, key: &Key) -> Result<Option<Value>, StoreError> {
        self.store.get(key)
    }

    fn scan(&self, scan: &Scan, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.store.scan(scan, limit)
    }

    fn generation(&self, scope: &Scope) -> Result<Generation, StoreError> {
        self.store.generation(scope)
    }

    fn apply(
        &self,
        scope: &Scope,
        if_generation: Generation,
        batch: &Batch,
    ) -> Result<Applied, StoreError> {
        let size = |change: &Change| match change {
            Change::Put(_, value) => value.len(),
            _ => 0,
        };
        if batch.changes().iter().map(size).sum::<usize>() > self.most {
            return Err(StoreError::TooLarge);
        }
        self.store.apply(scope, if_generation, batch)
    }
}

/// Where the store takes one message at once, but no page, the page is read one by one.
#[test]
fn a_page_that_is_too_large_for_the_store_is_read_all_the_same() {
    let mut world = World::of_two(7);
    let (juliet, romeo) = (0, 1);
    let text = [b'x'; 50_000];
    let stanzas: Vec<_> = (0..5)
        .map(|_| world.write(juliet, romeo, Version::Legacy, &text))
        .collect();
    let senders = [jid(JULIET)];
    let store = Arc::new(Narrow {
        store: Arc::clone(&world.devices[romeo].store),
        most: 90_000,
    });
    let now = world.time();
    let account = Account::open(store, jid(ROMEO), options(), now, &mut world.rng).unwrap();
    let catch_up = account.begin_catch_up(Order::OldestFirst, now).unwrap();
    let mut page = page_of(&senders, &stanzas, Arrival::Archived(catch_up));
    while !page.is_empty() {
        let read = account.decrypt_page(&page, now, &mut world.rng).unwrap();
        assert!(matches!(read[..], [Received::Message(_)]), "{read:?}");
        page.drain(..1);
    }
    assert_eq!(account.inbox(APPLICATION).unwrap().len(), 5);
}

/// Juliet writes to Romeo, who has his account in this store and has answered her once.
fn read_all(store: Arc<dyn Store>, version: Version, order: Order) {
    let mut world = World::new(5);
    let now = world.time();
    // Nobody answers for 10,000 messages.
    let mut options = options();
    options.silent_after = None;
    options.inbox.as_mut().unwrap().messages = u32::try_from(PAGE).unwrap();
    let mut open = |store, name| {
        Account::open(store, jid(name), options.clone(), now, &mut world.rng).unwrap()
    };
    let romeo = open(store, ROMEO);
    let writer = open(Arc::new(MemoryStore::new()), JULIET);
    let list = |account: &Account| account.own_device_list(version).unwrap();
    writer
        .set_device_list(romeo.jid(), &list(&romeo), now)
        .unwrap();
    romeo
        .set_device_list(writer.jid(), &list(&writer), now)
        .unwrap();
    romeo.set_accepted(writer.jid(), true, now).unwrap();

    let mut chain = Chain {
        world,
        writer,
        romeo,
        version,
    };
    let first = chain.write(0);
    assert!(first[0].keys[0].key_exchange);
    chain.read(&[first], &[0], Arrival::Live);
    chain.answer();

    let archive: Vec<_> = (1..=MESSAGES).map(|n| chain.write(n)).collect();
    assert!(archive.iter().all(|stanza| !stanza[0].keys[0].key_exchange));
    let mut numbers: Vec<_> = (1..=MESSAGES).collect();
    if order == Order::NewestFirst {
        numbers.reverse();
    }
    chain.world.now += HOUR;
    let catch_up = chain
        .romeo
        .begin_catch_up(order, chain.world.time())
        .unwrap();
    let archived = Arrival::Archived(catch_up);
    for page in numbers.chunks(PAGE) {
        let stanzas: Vec<_> = page
            .iter()
            .map(|n| archive[*n as usize - 1].clone())
            .collect();
        chain.read(&stanzas, page, archived);
    }
    let now = chain.world.time();
    let rng = &mut chain.world.rng;
    chain.romeo.end_catch_up(catch_up, now, rng).unwrap();
    chain.acknowledge_all();
    // All keys are used: everything is a duplicate.
    let senders = [chain.writer.jid().clone()];
    for n in [1, MESSAGES / 2, MESSAGES] {
        let again = Incoming {
            sender: Sender::among(&senders),
            elements: &archive[n as usize - 1],
            arrival: archived,
            author: None,
            attached: &[],
        };
        let read = chain.romeo.decrypt(&again, now, &mut chain.world.rng);
        assert!(matches!(read.unwrap(), Received::Duplicate(_)), "{n}");
    }
    let next = chain.write(MESSAGES + 1);
    chain.read(&[next], &[MESSAGES + 1], Arrival::Live);
}

struct Chain {
    world: World,
    writer: Account,
    romeo: Account,
    version: Version,
}

impl Chain {
    fn write(&mut self, n: u32) -> Stanza {
        let peer = Peer {
            jid: self.romeo.jid().clone(),
            device: self.romeo.device(),
            version: self.version,
        };
        let bundles = if n == 0 {
            let bundle = self.romeo.bundle(self.version).unwrap().bundle;
            Bundles::from([(peer, FetchedBundle::Bundle(Box::new(bundle)))])
        } else {
            Bundles::new()
        };
        let text = n.to_be_bytes();
        let mut payloads = PerVersion::default();
        *payloads.get_mut(self.version) = Some(&text[..]);
        let outgoing = Outgoing {
            recipients: &[self.romeo.jid().clone()],
            payloads,
            bundles: &bundles,
        };
        let now = self.world.time();
        let sent = self.writer.encrypt(&outgoing, now, &mut self.world.rng);
        let elements = sent.unwrap().elements;
        let element = &elements[0];
        vec![world::received(
            element,
            self.romeo.jid(),
            self.romeo.device(),
        )]
    }

    /// Reads a page and takes it over.
    fn read(&mut self, page: &[Stanza], numbers: &[u32], arrival: Arrival) {
        let senders = [self.writer.jid().clone()];
        let incoming = page_of(&senders, page, arrival);
        let now = self.world.time();
        let read = self.romeo.decrypt_page(&incoming, now, &mut self.world.rng);
        for (received, n) in read.unwrap().iter().zip(numbers) {
            let Received::Message(message) = received else {
                panic!("{n}: {received:?}");
            };
            assert_eq!(message.payload.as_slice(), n.to_be_bytes());
            assert!(!message.is_again);
        }
        // What is not acknowledged goes when there is too much of it, the oldest first.
        let waiting = self.romeo.inbox(APPLICATION).unwrap();
        assert!(waiting.len() <= PAGE);
        let newest = waiting.last().unwrap().payload.as_slice();
        assert_eq!(newest, numbers.last().unwrap().to_be_bytes());
    }

    fn acknowledge_all(&self) {
        for message in self.romeo.inbox(APPLICATION).unwrap() {
            self.romeo.acknowledge(&[message.id], APPLICATION).unwrap();
        }
        assert!(self.romeo.inbox(APPLICATION).unwrap().is_empty());
    }

    fn answer(&mut self) {
        let due = self.romeo.answers_due().unwrap();
        let now = self.world.time();
        let rng = &mut self.world.rng;
        let element = self.romeo.encrypt_empty(&due[0].peer, None, now, rng);
        let (jid, device) = (self.writer.jid(), self.writer.device());
        let elements = [world::received(&element.unwrap(), jid, device)];
        let incoming = Incoming {
            sender: Sender::Known(self.romeo.jid()),
            elements: &elements,
            arrival: Arrival::Live,
            author: None,
            attached: &[],
        };
        let read = self.writer.decrypt(&incoming, now, rng).unwrap();
        assert!(matches!(read, Received::Empty(_)));
    }
}
