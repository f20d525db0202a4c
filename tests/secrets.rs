//! Secrets do not stay behind in freed memory, and are not printed.
//!
//! The witness is the allocator: it looks through every block that is freed for bytes that were
//! registered as secret before. What is moved on the stack it cannot see.

#![allow(
    unsafe_code,
    reason = "an allocator cannot be written without; it is the system's, watched"
)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod support;
mod world;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Mutex;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};

use omemo::crypto::passphrase::{Cost, argon2id};
use omemo::crypto::{IdentityKeyPair, PreKeyPair, Secret, random};
use omemo::files::{AesgcmUri, Cipher, Claim, Encryptor, FileKey, decrypt};
use omemo::model::Version;
use omemo::protocol::{KeyExchange, KeyMaterial, of};
use omemo::ratchet::{ChainKey, MessageKey, MessageKeys, RootKey, Sending, SkippedKey};
use omemo::session::Session;
use omemo::stanza::{
    Affixes, EncryptedSource, Envelope, FileMetadata, FileSharing, ListedHash, write_envelope,
};
use omemo::store::{
    Applied, Batch, Key, MemoryStore, Range, Scan, Scope, SealKey, Sealed, Store, Table,
};
use support::{Device, Side, acquainted, rng};
use zeroize::{ZeroizeOnDrop, Zeroizing};

struct Watched;

/// The first 16 bytes of each secret.
static SECRETS: [[AtomicU64; 2]; 4096] = [const { [AtomicU64::new(0), AtomicU64::new(0)] }; 4096];
/// Whether a secret begins with these two bytes: most windows are passed over at once.
static BEGINNINGS: [AtomicBool; 1 << 16] = [const { AtomicBool::new(false) }; 1 << 16];
static COUNT: AtomicUsize = AtomicUsize::new(0);
static FOUND: AtomicUsize = AtomicUsize::new(0);
/// One test at a time: they share the list.
static TURN: Mutex<()> = Mutex::new(());

// SAFETY: everything is passed on to the system's allocator; the block is read before it is freed, over
// its own length.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Zeroed, so that no block is read that was never written.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if COUNT.load(SeqCst) > 0 {
            // SAFETY: the caller gives back a block of this layout.
            let bytes = unsafe { std::slice::from_raw_parts(block, layout.size()) };
            FOUND.fetch_add(occurrences(bytes), SeqCst);
        }
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Watched = Watched;

fn halves(bytes: &[u8]) -> Option<[u64; 2]> {
    let (first, rest) = bytes.split_first_chunk::<8>()?;
    let second = rest.first_chunk::<8>()?;
    Some([u64::from_ne_bytes(*first), u64::from_ne_bytes(*second)])
}

fn occurrences(bytes: &[u8]) -> usize {
    let secrets = &SECRETS[..COUNT.load(SeqCst).min(SECRETS.len())];
    bytes
        .windows(16)
        .filter(|window| BEGINNINGS[beginning(window)].load(Relaxed))
        .filter_map(halves)
        .filter(|halves| {
            secrets.iter().any(|secret| {
                secret[0].load(SeqCst) == halves[0] && secret[1].load(SeqCst) == halves[1]
            })
        })
        .count()
}

fn beginning(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}

fn register(secret: &[u8]) {
    BEGINNINGS[beginning(secret)].store(true, SeqCst);
    let halves = halves(secret).unwrap();
    assert_ne!(halves, [0, 0]);
    let place = &SECRETS[COUNT.fetch_add(1, SeqCst)];
    place[0].store(halves[0], SeqCst);
    place[1].store(halves[1], SeqCst);
}

/// Root key, chain keys and ratchet key of a session, read out of its record.
fn register_session(session: &Session) {
    let record = session.to_record();
    for at in [99, 131, 195, 259] {
        if record[at..at + 32] != [0; 32] {
            register(&record[at..at + 32]);
        }
    }
}

fn found() -> usize {
    FOUND.load(SeqCst)
}

fn start_over() -> std::sync::MutexGuard<'static, ()> {
    let turn = TURN
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    COUNT.store(0, SeqCst);
    FOUND.store(0, SeqCst);
    turn
}

#[test]
fn the_witness_sees_what_is_left_behind() {
    let _turn = start_over();
    let secret = vec![0xe7; 32];
    register(&secret);
    drop(secret);
    assert_eq!(found(), 17);
}

#[test]
fn a30_nothing_is_left_of_a_conversation() {
    let _turn = start_over();
    for version in Version::ALL {
        let mut rng = rng(30);
        let (juliet, romeo) = (
            Device::new(version, &mut rng),
            Device::new(version, &mut rng),
        );
        for device in [&juliet, &romeo] {
            register(device.identity.private().expose());
            register(device.signed_pre_key.private().expose());
            register(device.pre_key.private().expose());
        }
        let bundle = romeo.bundle(&mut rng);
        let mut alice = Side::new(juliet.initiate(&bundle, &mut rng));
        register_session(&alice.session);
        let first = alice.send(&[0x51; 32], &mut rng);
        let mut bob = Side::accepted(romeo.accept(&first.bytes).unwrap());

        let mut held = Vec::new();
        for round in 0_u8..40 {
            for text in 0..4 {
                let plaintext = Zeroizing::new([round ^ 0xa5, text, 3, 4].repeat(8));
                let message = alice.send(&plaintext, &mut rng);
                register_session(&alice.session);
                register_message_key(&alice.session);
                if text == 1 {
                    held.push(message);
                } else {
                    receive(&mut bob, &message);
                }
            }
            register_session(&bob.session);
            let answer = bob.send(&[0x77; 32], &mut rng);
            register_session(&bob.session);
            receive(&mut alice, &answer);
        }
        for message in &held {
            receive(&mut bob, message);
        }
        // Failures wipe as well.
        let mut forged = alice.send(&[0x99; 32], &mut rng).bytes;
        *forged.last_mut().unwrap() ^= 1;
        assert!(bob.receive_bytes(&forged).is_err());

        let payload = of(version)
            .seal_payload(&[0x3c; 100], &random(&mut rng).unwrap())
            .unwrap();
        register(payload.key_material.expose());
        register(&[0x3c; 16]);
        let iv = payload.iv;
        let opened = of(version)
            .open_payload(
                &payload.key_material,
                iv.as_ref().map(<[u8; 12]>::as_slice),
                &payload.ciphertext,
            )
            .unwrap();
        assert_eq!(opened.as_slice(), [0x3c; 100]);
        drop((juliet, romeo, alice, bob, opened, payload));
    }
    assert!(COUNT.load(SeqCst) > 1000);
    assert_eq!(found(), 0);
}

#[test]
fn a30_nothing_is_left_by_a_store() {
    let _turn = start_over();
    let memory = std::sync::Arc::new(MemoryStore::new());
    use_store(&*memory);
    let key = Box::new(Secret::new(std::array::from_fn(|at| 0xb0 ^ at as u8)));
    register(key.expose());
    let data_key = random::<32, _>(&mut rng(31)).unwrap();
    register(data_key.expose());
    let sealed = Sealed::open(MemoryStore::new(), &SealKey::Key(&key), rng(31)).unwrap();
    use_store(&sealed);
    let new = Box::new(Secret::new(std::array::from_fn(|at| 0xc0 ^ at as u8)));
    register(new.expose());
    sealed.change_key(&SealKey::Key(&new)).unwrap();
    let words = Zeroizing::new(b"correct horse battery staple".to_vec());
    register(&words);
    let cost = Cost::new(64, 1, 1).unwrap();
    let words_key = argon2id(&words, &[1; 16], cost).unwrap();
    register(words_key.expose());
    drop(argon2id(&words, &[1; 16], cost).unwrap());
    sealed
        .change_key(&SealKey::Passphrase(&words, cost))
        .unwrap();
    // What SQLite allocates itself is not seen here; what we do around it is.
    #[cfg(feature = "sqlite")]
    {
        let folder = tempfile::tempdir().unwrap();
        use_store(&omemo::store::SqliteStore::open(folder.path().join("omemo.db")).unwrap());
    }
    drop((memory, sealed, key, new, words));
    assert!(COUNT.load(SeqCst) > 800);
    assert_eq!(found(), 0);
}

/// What an account's store has of secrets: identity, pre-keys, sessions, message keys, texts.
fn register_records(world: &world::World) {
    for device in &world.devices {
        for record in device.dump() {
            let value = &record.value;
            let places: &[usize] = match record.key.table {
                table if table == Table::new(2) && value.len() > 16 => &[4],
                table if table == Table::new(4) => &[99, 131, 195, 259],
                // Beside the keys are digests of public ones.
                table if value.len() >= 32 && [Table::new(10), Table::new(11)].contains(&table) => {
                    &[0]
                }
                table if table == Table::new(13) => &[6],
                _ => &[],
            };
            for at in places {
                let secret = &value[*at..*at + 32];
                if secret != [0; 32] && !is_registered(secret) {
                    register(secret);
                }
            }
        }
    }
}

fn is_registered(secret: &[u8]) -> bool {
    let halves = halves(secret).unwrap();
    let secrets = &SECRETS[..COUNT.load(SeqCst)];
    secrets
        .iter()
        .any(|secret| secret[0].load(SeqCst) == halves[0] && secret[1].load(SeqCst) == halves[1])
}

#[test]
fn a30_nothing_is_left_by_an_account() {
    use omemo::account::{APPLICATION, Account, Order, Received};
    use world::{JULIET, ROMEO, World, jid};

    const TEXT: [u8; 48] = *b"Arise, fair sun, and kill the envious moon, wen.";
    let _turn = start_over();
    register(&TEXT);
    for version in Version::ALL {
        let mut world = World::of_two(30);
        let now = world.time();
        register_records(&world);
        for (at, other) in [(0, ROMEO), (1, JULIET)] {
            let account = &world.devices[at].account;
            account.set_accepted(&jid(other), true, now).unwrap();
        }
        let account = &world.devices[1].account;
        let catch_up = account.begin_catch_up(Order::OldestFirst, now).unwrap();
        for round in 0..6 {
            let late = world.write(0, 1, version, &TEXT);
            register_records(&world);
            let stanza = world.write(0, 1, version, &TEXT);
            register_records(&world);
            let mut garbled = stanza.clone();
            *garbled[0].keys[0].bytes.last_mut().unwrap() ^= 1;
            assert!(matches!(world.read(1, 0, &garbled), Received::Failed(_)));
            let mut garbled = stanza.clone();
            *garbled[0].payload.as_mut().unwrap().last_mut().unwrap() ^= 1;
            assert!(matches!(world.read(1, 0, &garbled), Received::Failed(_)));
            world.expect(1, 0, &stanza, &TEXT);
            register_records(&world);
            world.answer(1);
            let stanza = world.write(1, 0, version, &TEXT);
            register_records(&world);
            world.expect(0, 1, &stanza, &TEXT);
            register_records(&world);
            if round < 4 {
                // Handed out twice: it is not acknowledged.
                assert!(matches!(world.read(1, 0, &late), Received::Message(_)));
                assert!(matches!(world.read(1, 0, &late), Received::Message(_)));
            }
        }
        let account = &world.devices[1].account;
        assert_eq!(account.inbox(APPLICATION).unwrap().len(), 4);
        account.end_catch_up(catch_up, now, &mut world.rng).unwrap();
        world.reopen(1, world::options());

        let exported = world.devices[1].account.export_identity().unwrap();
        let store = std::sync::Arc::new(MemoryStore::new());
        let rng = &mut world.rng;
        let options = world::options();
        let copy = Account::import_identity(store, jid(ROMEO), options, &exported, now, rng);
        copy.unwrap().remove().unwrap();
        drop(exported);
        let account = &world.devices[1].account;
        account.reset_sessions(&jid(JULIET), None, now).unwrap();
        account.forget(&jid(JULIET)).unwrap();
        for device in world.devices.drain(..) {
            device.account.remove().unwrap();
            assert_eq!(device.store.dump().len(), 0);
        }
    }
    assert!(COUNT.load(SeqCst) > 500);
    assert!(COUNT.load(SeqCst) < SECRETS.len());
    assert_eq!(found(), 0);
}

fn use_store(store: &dyn Store) {
    let table = Table::new(1);
    let name = |number: u32| Key::new(table, *b"p", number.to_be_bytes());
    let value = |number: u32| {
        let [a, b, c, d] = number.to_be_bytes();
        Zeroizing::new(Vec::from_iter(
            (0..320).map(|at| [a, b, c, d, at as u8][at % 5]),
        ))
    };
    for batches in 0..10 {
        let mut batch = Batch::new();
        for number in 0..40 {
            let value = value(batches * 40 + number + 1);
            register(&value);
            batch.put(name(number), &value);
        }
        batch
            .delete(name(3))
            .delete_range(Range::partition(table, *b"p").until([0, 0, 0, 2]));
        let scope = Scope::new(*b"p");
        let generation = store.generation(&scope).unwrap();
        let stale = store
            .apply(&scope, omemo::store::Generation::new(u64::MAX), &batch)
            .unwrap();
        assert_eq!(stale, Applied::Conflict);
        let done = store.apply(&scope, generation, &batch).unwrap();
        assert!(matches!(done, Applied::Done(_)));
        assert!(store.get(&name(7)).unwrap().is_some());
        let range = Range::partition(table, *b"p");
        assert_eq!(store.scan(&range.into(), 100).unwrap().len(), 37);
        assert_eq!(store.scan(&Scan::partitions(table), 100).unwrap().len(), 1);
    }
}

/// The key of the next message, which will be skipped or used by the other side.
fn register_message_key(session: &Session) {
    if let Sending::Open { chain, .. } = session.ratchet().sending() {
        let (_, key) = chain.step();
        register(key.as_secret().expose());
        for info in [
            b"WhisperMessageKeys".as_slice(),
            b"OMEMO Message Key Material",
        ] {
            let keys = key.expand(info);
            register(&keys.encryption);
            register(&keys.authentication);
        }
    }
}

/// As [`Side::receive`], without its copy of the plaintext.
fn receive(side: &mut Side, key: &omemo::session::EncryptedKey) {
    let version = side.session.version();
    let message = if key.key_exchange {
        KeyExchange::read(version, &key.bytes)
            .unwrap()
            .message()
            .clone()
    } else {
        omemo::protocol::RatchetMessage::read(version, &key.bytes).unwrap()
    };
    let mut budget = omemo::ratchet::Budget::for_stanza();
    let decrypted = side
        .session
        .decrypt(&message, &side.skipped, &mut budget)
        .unwrap();
    register(decrypted.plaintext().expose());
    let (_, changes) = decrypted.commit();
    side.skipped.apply(changes);
}

#[test]
fn a30_nothing_is_left_of_a_file() {
    let _turn = start_over();
    let text: Zeroizing<Vec<u8>> = Zeroizing::new((0..40_000).map(|at| (at % 251) as u8).collect());
    register(&text[100..]);
    register(&text[39_900..]);
    for cipher in Cipher::ALL {
        let encryptor = Encryptor::new(cipher, Vec::new(), &mut rng(32)).unwrap();
        let file = encryptor.update(&text[..777]).unwrap();
        let file = file.update(&text[777..]).unwrap().finish().unwrap();
        register(file.key.key());
        let claim = Claim {
            size: None,
            hash: Some(file.hash),
        };
        assert!(decrypt(&file.key, claim, &file.sink).unwrap() == text);
        let mut forged = file.sink.clone();
        forged[30_000] ^= 1;
        assert!(decrypt(&file.key, claim, &forged).is_err());
        if cipher == Cipher::Aes256Gcm {
            let uri = AesgcmUri::new("https://upload.example/a", file.key.clone()).unwrap();
            let uri = uri.to_uri();
            register(&uri.as_bytes()[uri.len() - 64..]);
            drop(AesgcmUri::parse(&uri).unwrap());
        }
        tell(&file.key);
    }
    drop(text);
    assert_eq!(found(), 0);
}

/// Tells the key in an envelope.
fn tell(key: &FileKey) {
    let file = FileSharing {
        metadata: FileMetadata {
            size: Some(1),
            hashes: vec![ListedHash {
                algorithm: "sha-256".to_owned(),
                bytes: vec![7; 32],
            }],
            name: Some("&".repeat(300)),
            ..FileMetadata::default()
        },
        sources: vec![EncryptedSource {
            cipher: key.cipher().uri().to_owned(),
            key: Zeroizing::new(key.key().to_vec()),
            iv: key.iv().to_vec(),
            hashes: vec![],
            urls: vec!["https://upload.example/a".to_owned()],
        }],
        ..FileSharing::default()
    };
    let content = file.to_xml().unwrap();
    let at = content.find("<key>").unwrap();
    register(&content.as_bytes()[at + 5..]);
    let account = "juliet@capulet.example".parse().unwrap();
    let affixes = Affixes {
        from: &account,
        to: &account,
        time: None,
    };
    let envelope = write_envelope(&content, &affixes, &mut rng(33)).unwrap();
    let envelope = Envelope::read(envelope.as_bytes()).unwrap();
    assert_eq!(FileSharing::list(&envelope.content).unwrap(), [file]);
}

#[test]
fn secret_types_wipe_themselves() {
    const fn wipes<T: ZeroizeOnDrop>() {}
    wipes::<Secret<32>>();
    wipes::<MessageKeys>();
}

#[test]
fn no_secret_type_prints_a_byte_of_it() {
    let mut rng = rng(1);
    let secret = || Secret::new([0xab; 32]);
    let (alice, _) = acquainted(Version::Omemo2, &mut rng);
    let device = Device::new(Version::Legacy, &mut rng);
    let mut initiator = Side::new(device.initiate(&device.bundle(&mut rng), &mut rng));
    let exchange = initiator.send(&[0xab; 32], &mut rng);
    let accepted = device.accept(&exchange.bytes).unwrap();
    let private = PreKeyPair::from_private(secret());
    let texts = [
        format!("{:?}", secret()),
        format!("{:?}", RootKey::new(secret())),
        format!("{:?}", ChainKey::new(secret())),
        format!("{:?}", MessageKey::new(secret())),
        format!("{:?}", MessageKey::new(secret()).expand(b"info")),
        format!(
            "{:?}",
            SkippedKey::Seed(Box::new(MessageKey::new(secret())))
        ),
        format!(
            "{:?}",
            SkippedKey::Expanded(Box::new(MessageKeys::from_bytes(&[0xab; 80])))
        ),
        format!("{:?}", KeyMaterial::new(&[0xab; 32])),
        format!(
            "{:?}",
            of(Version::Legacy)
                .seal_payload(b"text", &secret())
                .unwrap()
                .key_material
        ),
        format!("{private:?}").replace(&format!("{:?}", private.public()), ""),
        format!("{:?}", IdentityKeyPair::from_seed(&secret())),
        format!("{:?}", accepted.plaintext),
        format!("{:?}", omemo::crypto::kdf::HmacKey::new(&[0xab; 32])),
    ];
    for text in &texts {
        for byte in ["ab, ab", "abab", "171", "0xab", "AB"] {
            assert!(!text.contains(byte), "{text}");
        }
    }

    // Of a whole session nothing is shown but what the wire shows.
    for session in [&alice.session, &accepted.session] {
        let shown = format!("{session:?} {:?}", session.ratchet());
        let record = session.to_record();
        for at in [99, 131, 195, 259] {
            let secret = &record[at..at + 32];
            if secret != [0; 32] {
                let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
                assert!(!shown.contains(&hex) && !shown.contains(&format!("{secret:?}")));
            }
        }
    }
}
