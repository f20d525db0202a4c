//! An account for those who write their own XML: Juliet writes to Romeo, both with a store of their own.
//!
//!     cargo run --example account

use std::error::Error;
use std::sync::Arc;

use getrandom::SysRng;
use omemo::account::{
    APPLICATION, Account, Arrival, Bundles, FetchedBundle, Incoming, Options, Outgoing, Received,
    Sender, TrustPolicy,
};
use omemo::model::{Encrypted, OwnKey, PerVersion, RecipientKey, Timestamp, Version};
use omemo::store::MemoryStore;

fn main() -> Result<(), Box<dyn Error>> {
    // The application has the clock, and says what is thought of keys that nobody has compared.
    let now = Timestamp::from_millis(1_700_000_000_000);
    let open = |jid: &str| -> Result<Account, Box<dyn Error>> {
        let options = Options::new(TrustPolicy::BlindUntilVerified);
        // `SqliteStore::open("omemo.db")` keeps it.
        let store = Arc::new(MemoryStore::new());
        Ok(Account::open(
            store,
            jid.parse()?,
            options,
            now,
            &mut SysRng,
        )?)
    };
    let juliet = open("juliet@capulet.example")?;
    let romeo = open("romeo@montague.example")?;

    // Each publishes the bundle of this device, and its place on the account's device list.
    let version = Version::Legacy;
    let bundle = romeo.bundle(version)?;
    romeo.bundle_published(version, bundle.revision)?;
    let list = romeo.own_device_list(version)?;
    romeo.device_list_published(version, now)?;

    // Juliet's server tells her his device list; she asks what else is missing, and fetches it.
    juliet.set_device_list(romeo.jid(), &list, now)?;
    let recipients = [romeo.jid().clone()];
    let legacy = PerVersion::from_fn(|v| v == version);
    let missing = juliet.missing(&recipients, legacy)?.bundles.into_iter();
    let fetched = missing.map(|peer| {
        let bundle = Box::new(bundle.bundle.clone());
        (peer, FetchedBundle::Bundle(bundle))
    });
    let bundles: Bundles = fetched.collect();

    // What comes back is stored as sent. The report names every device, and why one was left out.
    let mut payloads = PerVersion::default();
    *payloads.get_mut(version) = Some(b"Wherefore art thou?".as_slice());
    let outgoing = Outgoing {
        recipients: &recipients,
        payloads,
        bundles: &bundles,
    };
    let sent = juliet.encrypt(&outgoing, now, &mut SysRng)?;
    assert!(sent.report.reaches(romeo.jid()));

    // Romeo reads. Until he acknowledges it the message waits in his store, also after a crash.
    let incoming = Incoming {
        sender: Sender::Known(juliet.jid()),
        elements: &delivered(&sent.elements, &romeo),
        arrival: Arrival::Live,
        author: None,
        attached: &[],
    };
    let Received::Message(message) = romeo.decrypt(&incoming, now, &mut SysRng)? else {
        return Err("no message".into());
    };
    assert_eq!(message.payload.as_slice(), b"Wherefore art thou?");
    println!("{}, {:?}: read", message.sender.jid, message.trust);
    romeo.acknowledge(&[message.id], APPLICATION)?;

    // So that Juliet's device stops sending key exchanges.
    romeo.set_accepted(juliet.jid(), true, now)?;
    assert_eq!(romeo.answers_due()?.len(), 1);
    Ok(())
}

/// What the reader of stanzas finds in the elements, after they were written as XML and read again.
fn delivered(elements: &[Encrypted<RecipientKey>], to: &Account) -> Vec<Encrypted<OwnKey>> {
    let own = |key: &RecipientKey| {
        (key.device == to.device()).then(|| OwnKey {
            key_exchange: key.key_exchange,
            bytes: key.bytes.clone(),
        })
    };
    let element = |element: &Encrypted<RecipientKey>| Encrypted {
        version: element.version,
        sender_device: element.sender_device,
        keys: element.keys.iter().filter_map(own).collect(),
        iv: element.iv.clone(),
        payload: element.payload.clone(),
    };
    elements.iter().map(element).collect()
}

#[test]
fn it_runs() -> Result<(), Box<dyn Error>> {
    main()
}
