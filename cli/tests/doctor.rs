//! `omemo doctor`, on stores that are well and on stores that are not.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says no by panicking"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use getrandom::SysRng;
use omemo::account::{
    Account, Arrival, Bundles, FetchedBundle, Incoming, Options, Order, Outgoing, Peer, Sender,
    Trust, TrustPolicy,
};
use omemo::crypto::Secret;
use omemo::crypto::passphrase::Cost;
use omemo::model::{
    BareJid, Device, DeviceId, DeviceList, Encrypted, OwnKey, PerVersion, Timestamp, Version,
};
use omemo::store::{
    Applied, Batch, MemoryStore, Range, Record, Scan, Scope, SealKey, Sealed, SqliteStore, Store,
    Table,
};
use serde_json::Value;

const JULIET: &str = "juliet@capulet.example";
const ROMEO: &str = "romeo@montague.example";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn doctor_with(args: &[&str], passphrase: Option<&str>) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_omemo"));
    command.arg("doctor").args(args);
    command.env_remove("OMEMO_PASSPHRASE");
    command.envs(passphrase.map(|text| ("OMEMO_PASSPHRASE", text)));
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let code = output.status.code().unwrap();
    (code, text(output.stdout), text(output.stderr))
}

/// The exit code and the page, on one line: its prose is wrapped.
fn doctor(path: &Path) -> (i32, String) {
    let (code, page, errors) = doctor_with(&[path.to_str().unwrap()], None);
    assert_eq!(errors, "");
    (code, page.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn json(path: &Path) -> Value {
    let (code, json, errors) = doctor_with(&[path.to_str().unwrap(), "--json"], None);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(errors, "");
    assert_eq!(code == 0, json["problems"] == 0, "{json:#}");
    json
}

/// What it says when there is nothing to look at.
fn refuses(args: &[&str], passphrase: Option<&str>) -> String {
    let (code, page, error) = doctor_with(args, passphrase);
    assert_eq!((code, page.as_str()), (1, ""), "{error}");
    error
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Timestamp::default().after(since.unwrap())
}

fn days_ago(days: u32) -> Timestamp {
    Timestamp::default().after(now().since(Timestamp::default().after(DAY * days)))
}

fn jid(text: &str) -> BareJid {
    text.parse().unwrap()
}

fn open_in(store: Arc<dyn Store>, address: &str, policy: TrustPolicy, at: Timestamp) -> Account {
    let options = Options::new(policy);
    Account::open(store, jid(address), options, at, &mut SysRng).unwrap()
}

fn open(path: &Path, address: &str, policy: TrustPolicy, at: Timestamp) -> Account {
    open_in(
        Arc::new(SqliteStore::open(path).unwrap()),
        address,
        policy,
        at,
    )
}

fn publish(account: &Account, at: Timestamp) {
    for version in Version::ALL {
        let revision = account.bundle(version).unwrap().revision;
        account.bundle_published(version, revision).unwrap();
        account.device_list_published(version, at).unwrap();
    }
}

fn list(version: Version, devices: &[DeviceId]) -> DeviceList {
    let device = |id: &DeviceId| Device {
        id: *id,
        label: None,
    };
    DeviceList {
        version,
        devices: devices.iter().map(device).collect(),
    }
}

/// Writes to all devices of a contact; returns what the first of them gets.
fn write(
    from: &Account,
    to: &[&Account],
    version: Version,
    text: &[u8],
    at: Timestamp,
) -> Encrypted<OwnKey> {
    let recipients = [to[0].jid().clone()];
    let bundles: Bundles = to
        .iter()
        .map(|account| {
            let peer = Peer {
                jid: account.jid().clone(),
                device: account.device(),
                version,
            };
            let bundle = account.bundle(version).unwrap().bundle;
            (peer, FetchedBundle::Bundle(Box::new(bundle)))
        })
        .collect();
    let mut payloads = PerVersion::default();
    *payloads.get_mut(version) = Some(text);
    let outgoing = Outgoing {
        recipients: &recipients,
        payloads,
        bundles: &bundles,
    };
    let sent = from.encrypt(&outgoing, at, &mut SysRng).unwrap();
    let element = &sent.elements[0];
    let keys = element.keys.iter();
    let keys = keys.filter(|key| key.device == to[0].device());
    Encrypted {
        version,
        sender_device: element.sender_device,
        keys: keys
            .map(|key| OwnKey {
                key_exchange: key.key_exchange,
                bytes: key.bytes.clone(),
            })
            .collect(),
        iv: element.iv.clone(),
        payload: element.payload.clone(),
    }
}

fn read(account: &Account, from: &Account, element: Encrypted<OwnKey>, at: Timestamp) {
    let incoming = Incoming {
        sender: Sender::Known(from.jid()),
        elements: &[element],
        arrival: Arrival::Live,
        author: None,
        attached: &[],
    };
    account.decrypt(&incoming, at, &mut SysRng).unwrap();
}

/// Everything that a store has, as it is stored.
fn dump(store: &dyn Store) -> Vec<Record> {
    let mut all = Vec::new();
    for table in (1..=13).map(Table::new) {
        for first in store.scan(&Scan::partitions(table), 1000).unwrap() {
            let range = Range::partition(table, first.key.partition);
            all.extend(store.scan(&range.into(), 1000).unwrap());
        }
    }
    all
}

/// The secret bytes in a record, by the number of its table.
fn secrets(record: &Record) -> Vec<Vec<u8>> {
    let value = record.value.as_slice();
    let parts = match record.key.table.number() {
        2 if value.len() != 16 => vec![&value[4..]],
        4 => [99..131, 131..163, 195..227, 259..291]
            .map(|place| &value[place])
            .to_vec(),
        // Beside the keys are digests of public ones.
        10 | 11 if value.len() >= 32 => vec![&value[..32]],
        13 => vec![&value[6..38]],
        _ => Vec::new(),
    };
    let is_there = |part: &&[u8]| part.iter().any(|byte| *byte != 0);
    let parts = parts.into_iter().filter(is_there);
    parts.map(<[u8]>::to_vec).collect()
}

fn demo(folder: &Path) -> [PathBuf; 2] {
    let output = Command::new(env!("CARGO_BIN_EXE_omemo"))
        .args(["demo", "--store", folder.to_str().unwrap()])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    ["juliet.db", "romeo.db"].map(|name| folder.join(name))
}

#[test]
fn a_store_that_is_well_is_said_to_be_well_and_is_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    for path in demo(folder.path()) {
        let before = fs::read(&path).unwrap();
        let (code, page) = doctor(&path);
        assert_eq!(code, 0, "{page}");
        for expected in [
            "pre-keys 100 offered",
            "bundle published",
            "on the list of legacy OMEMO, OMEMO 2",
            "trust blind",
            "session 1, current: started by",
            "inbox, application nothing waits",
        ] {
            assert!(page.contains(expected), "no {expected:?} in:\n{page}");
        }
        assert!(!page.contains("broken:"), "{page}");

        let json = json(&path);
        let account = &json["accounts"][0];
        assert_eq!(account["versions"]["urn:xmpp:omemo:2"]["offered"], 100);
        let contacts = account["contacts"].as_array().unwrap();
        let sessions = contacts
            .iter()
            .flat_map(|contact| contact["sessions"].as_array().unwrap());
        let sessions: Vec<_> = sessions.map(|peer| &peer["sessions"][0]).collect();
        assert_eq!(sessions.len(), 2);
        assert!(sessions.iter().all(|session| session["state"] == "current"));
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}

#[test]
fn no_secret_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("omemo.db");
    let policy = || TrustPolicy::BlindUntilVerified;
    let juliet = open(&folder.path().join("other.db"), JULIET, policy(), now());
    let store = Arc::new(SqliteStore::open(&path).unwrap());
    let romeo = open_in(store.clone(), ROMEO, policy(), now());
    romeo.begin_catch_up(Order::NewestFirst, now()).unwrap();
    const TEXT: &[u8] = b"Wherefore art thou Romeo?";
    for version in Version::ALL {
        let devices = list(version, &[romeo.device()]);
        juliet
            .set_device_list(romeo.jid(), &devices, now())
            .unwrap();
        let devices = list(version, &[juliet.device()]);
        romeo
            .set_device_list(juliet.jid(), &devices, now())
            .unwrap();
        // The first ones are late: their keys are put away. The last one is not acknowledged.
        let mut stanzas = [(); 3].map(|()| write(&juliet, &[&romeo], version, TEXT, now()));
        read(&romeo, &juliet, stanzas[2].clone(), now());
        stanzas[0] = write(&romeo, &[&juliet], version, TEXT, now());
        read(&juliet, &romeo, stanzas[0].clone(), now());
    }
    drop(romeo);
    let records = dump(&*store);
    let mut by_table = [0; 14];
    let mut all = Vec::new();
    for record in &records {
        let secrets = secrets(record);
        by_table[usize::from(record.key.table.number())] += secrets.len();
        all.extend(secrets);
    }
    let waiting = records
        .iter()
        .filter(|record| record.key.table == Table::new(1));
    assert_eq!(waiting.count(), 2);
    // Skipped keys, sessions (root, sending and receiving chain, ratchet key), the identity, and two
    // versions with 1 signed pre-key, and 100 pre-keys and a used one.
    assert_eq!(
        [2, 4, 13, 10, 11].map(|table| by_table[table]),
        [4, 8, 1, 2, 202]
    );

    for arguments in [&[][..], &["--json"]] {
        let mut arguments = arguments.to_vec();
        arguments.push(path.to_str().unwrap());
        let (_, page, _) = doctor_with(&arguments, None);
        assert!(!page.contains("Wherefore"));
        let page: String = page.split_whitespace().collect();
        let hex = page.to_lowercase();
        for secret in &all {
            for window in secret.windows(8) {
                let digits: String = window.iter().map(|byte| format!("{byte:02x}")).collect();
                assert!(!hex.contains(&digits));
            }
            for window in secret.windows(9) {
                assert!(!page.contains(&BASE64.encode(window)));
            }
        }
        // The test sees what is printed.
        let account = open_in(store.clone(), ROMEO, policy(), now());
        let public = account.fingerprint().to_string().replace(' ', "");
        assert!(hex.contains(&public));
    }
}

#[test]
fn what_looks_wrong_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (path, then) = (folder.path().join("omemo.db"), days_ago(100));
    let memory = Arc::new(MemoryStore::new());
    let policy = || TrustPolicy::BlindUntilVerified;
    let juliet = open_in(memory.clone(), JULIET, policy(), then);
    let romeo = open_in(Arc::new(MemoryStore::new()), ROMEO, policy(), then);
    let second = open_in(Arc::new(MemoryStore::new()), ROMEO, policy(), then);
    let third = open_in(Arc::new(MemoryStore::new()), ROMEO, policy(), then);
    // Somebody shows the second device's key under another id.
    let carried = second.export_identity().unwrap();
    let store = Arc::new(MemoryStore::new());
    let options = Options::new(TrustPolicy::Manual);
    let fourth =
        Account::import_identity(store, jid(ROMEO), options, &carried, then, &mut SysRng).unwrap();

    let version = Version::Legacy;
    let devices = [&romeo, &second, &third, &fourth];
    let missing = DeviceId::new(77).unwrap();
    let ids: Vec<_> = devices.iter().map(|account| account.device()).collect();
    let ids = [ids, vec![missing]].concat();
    juliet
        .set_device_list(&jid(ROMEO), &list(version, &ids), then)
        .unwrap();
    for _ in 0..1000 {
        write(&juliet, &devices, version, b"Art thou there?", then);
    }
    let set = |account: &Account, trust| {
        juliet
            .set_trust(&jid(ROMEO), &account.fingerprint(), trust, then)
            .unwrap();
    };
    set(&second, Trust::Undecided);
    set(&third, Trust::Distrusted);
    juliet.begin_catch_up(Order::OldestFirst, then).unwrap();
    romeo
        .set_device_list(juliet.jid(), &list(version, &[juliet.device()]), then)
        .unwrap();
    let answer = write(&romeo, &[&juliet], version, b"I am", then);
    read(&juliet, &romeo, answer, then);
    let revision = juliet.bundle(Version::Omemo2).unwrap().revision;
    juliet.bundle_published(Version::Omemo2, revision).unwrap();
    juliet.device_list_published(version, then).unwrap();
    // All but 20 of the legacy pre-keys that are offered are lost on the way.
    let mut offered = 0;
    let mut batch = Batch::new();
    for record in memory.dump() {
        let is_offered = record.key.table == Table::new(11)
            && record.value.len() == 64
            && record.key.partition.ends_with(&[version.code()]);
        offered += usize::from(is_offered);
        if !is_offered || offered <= 20 {
            batch.put(record.key, &record.value);
        }
    }
    change(&SqliteStore::open(&path).unwrap(), &batch);

    let (code, page) = doctor(&path);
    assert_eq!(code, 1);
    let device = |account: &Account| format!("{ROMEO}, device {}", account.device());
    for expected in [
        "legacy OMEMO: only 20 pre-keys are offered".to_owned(),
        "legacy OMEMO: the signed pre-key is 100 days old".to_owned(),
        "legacy OMEMO: used pre-keys are kept for 100 days".to_owned(),
        "legacy OMEMO: the bundle was never published, or was lost".to_owned(),
        "OMEMO 2: this device was never announced".to_owned(),
        "catching up: began 100 days ago and was never ended".to_owned(),
        "inbox of application: a message has waited for 100 days".to_owned(),
        format!("{}: has been silent for 100 days", device(&romeo)),
        format!(
            "{}, legacy OMEMO: has not answered the last 1000 messages",
            device(&fourth)
        ),
        format!(
            "devices {}, {} show one key",
            ordered(&second, &fourth)[0],
            ordered(&second, &fourth)[1]
        ),
        format!(
            "{}: nobody has decided whether to trust its key",
            device(&second)
        ),
        format!(
            "{}: its key is not trusted, and there is a session",
            device(&third)
        ),
        format!("{ROMEO}, device {missing}: is on the device list, and has shown no key"),
    ] {
        let expected = expected.as_str();
        assert!(page.contains(expected), "no {expected:?} in:\n{page}");
    }
    let json = json(&path);
    assert_eq!(json["problems"], page.matches("broken:").count());
}

fn ordered(one: &Account, other: &Account) -> [DeviceId; 2] {
    let (one, other) = (one.device(), other.device());
    [one.min(other), one.max(other)]
}

fn change(store: &SqliteStore, batch: &Batch) {
    let scope = Scope::new(JULIET);
    let applied = store
        .apply(&scope, store.generation(&scope).unwrap(), batch)
        .unwrap();
    assert!(matches!(applied, Applied::Done(_)));
}

#[test]
fn what_is_not_used_or_not_yet_is_a_note_and_a_wrong_clock_a_problem() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("omemo.db");
    let juliet = open(&path, JULIET, TrustPolicy::Manual, now());
    let (code, page) = doctor(&path);
    assert_eq!((code, page.matches("never published").count()), (1, 2));
    let revision = juliet.bundle(Version::Legacy).unwrap().revision;
    juliet.bundle_published(Version::Legacy, revision).unwrap();
    juliet
        .device_list_published(Version::Legacy, now())
        .unwrap();
    let contact = list(Version::Legacy, &[DeviceId::new(5).unwrap()]);
    juliet
        .set_device_list(&jid(ROMEO), &contact, now())
        .unwrap();
    let (code, page) = doctor(&path);
    assert_eq!(code, 0, "{page}");
    assert!(page.contains("note: OMEMO 2: is not used"), "{page}");
    assert!(page.contains("note: romeo@montague.example, device 5: is on the device list"));

    let ahead = now().after(DAY * 3);
    publish(&juliet, ahead);
    let (code, page) = doctor(&path);
    assert_eq!(code, 1);
    assert!(
        page.contains("clock: the store knows of a time 2 days from now"),
        "{page}"
    );
}

#[test]
fn a_damaged_contact_does_not_hide_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let [path, _] = demo(folder.path());
    let store = SqliteStore::open(&path).unwrap();
    let is_romeo = |record: &&Record| {
        record.key.table == Table::new(6) && record.key.partition.ends_with(ROMEO.as_bytes())
    };
    let mut batch = Batch::new();
    let records = dump(&store);
    batch.put(
        records.iter().find(is_romeo).unwrap().key.clone(),
        &[0xff; 9],
    );
    change(&store, &batch);
    drop(store);
    let (code, page) = doctor(&path);
    assert_eq!(code, 1);
    assert!(page.contains("romeo@montague.example: a record of the account is damaged"));
    assert!(page.contains("pre-keys 100 offered"), "{page}");
}

#[test]
fn a_session_that_is_lost_is_due_to_be_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let [path, other] = demo(folder.path());
    let policy = || TrustPolicy::BlindUntilVerified;
    let juliet = open(&path, JULIET, policy(), now());
    let romeo = open(&other, ROMEO, policy(), now());
    juliet.forget_device(romeo.jid(), romeo.device()).unwrap();
    let stanza = write(&romeo, &[&juliet], Version::Legacy, b"Art thou?", now());
    read(&juliet, &romeo, stanza, now());
    let (code, page) = doctor(&path);
    assert_eq!(code, 1);
    let expected = "has written on a session that is not there: a new session is due";
    assert!(page.contains(expected), "{page}");
    let peer = Peer {
        jid: romeo.jid().clone(),
        device: romeo.device(),
        version: Version::Legacy,
    };
    juliet.repair_failed(&peer, now()).unwrap();
    assert!(
        doctor(&path)
            .1
            .contains("1 repairs, none before 23 hours from now")
    );
}

#[test]
fn a_sealed_store_says_what_it_needs() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let seal = |path: &str, key: &SealKey<'_>| {
        let store = SqliteStore::open(path).unwrap();
        let store = Arc::new(Sealed::open(store, key, SysRng).unwrap());
        publish(&open_in(store, JULIET, TrustPolicy::Manual, now()), now());
    };
    let (by_key, by_passphrase, plain) = (file("key.db"), file("pass.db"), file("plain.db"));
    seal(&by_key, &SealKey::Key(&Secret::new([7; 32])));
    let cost = Cost::new(64, 1, 1).unwrap();
    seal(&by_passphrase, &SealKey::Passphrase(b"mercutio", cost));
    publish(
        &open(plain.as_ref(), JULIET, TrustPolicy::Manual, now()),
        now(),
    );
    let missing = file("missing");
    let (bytes, digits, wrong, none) = (file("bytes"), file("digits"), file("wrong"), file("none"));
    fs::write(&bytes, [7; 32]).unwrap();
    fs::write(&digits, "07".repeat(32) + "\n").unwrap();
    fs::write(&wrong, [8; 32]).unwrap();
    fs::write(&none, "07").unwrap();

    for key in [&bytes, &digits] {
        let (code, page, errors) = doctor_with(&[&by_key, "--key-file", key], None);
        assert_eq!((code, errors.as_str()), (0, ""), "{page}");
        assert!(page.contains(JULIET));
    }
    let (code, page, _) = doctor_with(&[&by_passphrase], Some("mercutio"));
    assert_eq!(code, 0, "{page}");
    assert!(page.contains(JULIET));

    let with_key = |store, key| refuses(&[store, "--key-file", key], None);
    assert!(refuses(&[&by_key], None).contains("sealed with a key: name the file"));
    assert!(with_key(&by_key, &wrong).contains("sealed with another key"));
    assert!(with_key(&by_key, &none).contains("is not a key: 32 bytes"));
    assert!(with_key(&by_key, &missing).contains("cannot read"));
    assert!(with_key(&by_passphrase, &bytes).contains("sealed with a passphrase"));
    assert!(with_key(&plain, &bytes).contains("is not sealed"));
    assert!(refuses(&[&by_passphrase], Some("tybalt")).contains("sealed with another key"));
}

#[test]
fn what_is_no_store_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("omemo.db");
    let name = path.to_str().unwrap();
    assert!(refuses(&[name], None).contains("the file of the store does not exist"));
    assert!(!path.exists());
    let no_store = "the file is no store";
    assert!(refuses(&[folder.path().to_str().unwrap()], None).contains(no_store));
    for contents in ["", "Wherefore art thou?"] {
        fs::write(&path, contents).unwrap();
        assert!(refuses(&[name], None).contains(no_store), "{contents}");
        assert_eq!(fs::read_to_string(&path).unwrap(), contents);
    }
    fs::remove_file(&path).unwrap();
    drop(SqliteStore::open(&path).unwrap());
    let (code, page) = doctor(&path);
    assert_eq!(code, 0);
    assert!(page.contains("no account in the store"), "{page}");
    drop(open(&path, JULIET, TrustPolicy::Manual, now()));
    assert!(refuses(&[name, "--account", ROMEO], None).contains(&format!("it has {JULIET}")));
    assert!(refuses(&[name, "--account", "@"], None).contains("@: "));

    // The version of the schema, in the header of the file.
    let mut newer = fs::read(&path).unwrap();
    newer[60..64].copy_from_slice(&3_u32.to_be_bytes());
    fs::write(&path, newer).unwrap();
    assert!(refuses(&[name], None).contains("newer version of the library: use a newer omemo"));
}
