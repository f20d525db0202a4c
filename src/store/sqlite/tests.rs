use std::path::Path;
use std::time::Duration;

use super::*;
use crate::store::{Range, Remedy, Table};

const TABLE: Table = Table::new(1);

fn scope() -> Scope {
    Scope::new(*b"p")
}

fn key(sort: &[u8]) -> Key {
    Key::new(TABLE, *b"p", sort)
}

fn put(store: &SqliteStore, sort: &[u8], value: &[u8]) -> Result<Applied, StoreError> {
    let mut batch = Batch::new();
    batch.put(key(sort), value);
    store.apply(&scope(), store.generation(&scope())?, &batch)
}

fn raw(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn a33_a_handle_does_not_cross_a_fork() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("omemo.db");
    let parent = SqliteStore::open(&path).unwrap();
    let _ = put(&parent, b"s", b"v").unwrap();
    let mut child = SqliteStore::open(&path).unwrap();
    child.process = child.process.wrapping_add(1);
    let range = Range::partition(TABLE, *b"p");
    assert_eq!(child.get(&key(b"s")).unwrap_err(), StoreError::Forked);
    assert_eq!(
        child.scan(&range.into(), 1).unwrap_err(),
        StoreError::Forked
    );
    assert_eq!(child.generation(&scope()).unwrap_err(), StoreError::Forked);
    let empty = Batch::new();
    let applied = child.apply(&scope(), Generation::new(1), &empty);
    assert_eq!(applied.unwrap_err(), StoreError::Forked);
    assert_eq!(child.checkpoint().unwrap_err(), StoreError::Forked);
    assert_eq!(child.integrity_check().unwrap_err(), StoreError::Forked);
    // The last one who closes empties the log: the child does not.
    drop(parent);
    assert!(folder.path().join("omemo.db-wal").exists());
    drop(child);
    assert!(folder.path().join("omemo.db-wal").exists());
}

#[test]
fn c05_after_an_io_error_the_handle_is_used_up() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("omemo.db")).unwrap();
    let failed: Result<(), _> = store.with(|_| Err(StoreError::Io.into()));
    assert_eq!(failed, Err(StoreError::Io));
    assert_eq!(store.get(&key(b"s")).unwrap_err(), StoreError::Poisoned);
    let applied = put(&store, b"s", b"v");
    assert_eq!(applied.unwrap_err(), StoreError::Poisoned);
    assert_eq!(StoreError::Poisoned.remedy(), Remedy::Reopen);
}

#[test]
fn c08_who_waits_too_long_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("omemo.db");
    let store = SqliteStore::open_with(&path, Duration::from_millis(20)).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(put(&store, b"s", b"v").unwrap_err(), StoreError::Busy);
    assert_eq!(StoreError::Busy.remedy(), Remedy::Retry);
    // Reading goes on.
    assert_eq!(store.get(&key(b"s")).unwrap(), None);
    other.execute_batch("COMMIT").unwrap();
    assert!(matches!(put(&store, b"s", b"v"), Ok(Applied::Done(_))));
}

#[test]
fn c08_no_lock_outlives_a_call() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("omemo.db");
    let store = SqliteStore::open(&path).unwrap();
    for number in 0..3 {
        let _ = put(&store, &[number], b"v").unwrap();
    }
    let partition = Scan::Range(Range::partition(TABLE, *b"p"));
    assert_eq!(store.scan(&partition, 1).unwrap().len(), 1);
    assert_eq!(store.scan(&Scan::partitions(TABLE), 1).unwrap().len(), 1);
    assert!(store.get(&key(b"none")).unwrap().is_none());
    let stale = store.apply(&scope(), Generation::new(0), Batch::new().delete(key(b"s")));
    assert_eq!(stale, Ok(Applied::Conflict));
    // Emptying the log needs that nobody reads or writes, and does not wait.
    let other = SqliteStore::open_with(&path, Duration::ZERO).unwrap();
    assert_eq!(other.checkpoint(), Ok(()));
    let log = folder.path().join("omemo.db-wal");
    assert_eq!(log.metadata().unwrap().len(), 0);
}

#[test]
fn c11_a_newer_schema_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("omemo.db");
    let open = SqliteStore::open(&path).unwrap();
    raw(&path, "PRAGMA user_version = 3");
    assert_eq!(put(&open, b"s", b"v").unwrap_err(), StoreError::Newer);
    assert_eq!(SqliteStore::open(&path).unwrap_err(), StoreError::Newer);
    drop(open);
    raw(&path, "PRAGMA user_version = 2");
    assert!(SqliteStore::open(&path).unwrap().get(&key(b"s")).is_ok());
}

#[test]
fn a_file_of_somebody_else_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other.db");
    raw(&other, "CREATE TABLE messages (body TEXT)");
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, [b"wherefore".as_slice(); 500].concat()).unwrap();
    for path in [&other, &text] {
        let before = std::fs::read(path).unwrap();
        let refused = SqliteStore::open(path).unwrap_err();
        assert_eq!(refused, StoreError::NotAStore);
        assert_eq!(std::fs::read(path).unwrap(), before);
    }
    let refused = SqliteStore::open(folder.path()).unwrap_err();
    assert_eq!(refused, StoreError::NotAStore);
}

#[test]
fn a_damaged_file_is_said_to_be_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("omemo.db");
    let store = SqliteStore::open(&path).unwrap();
    for number in 0..200 {
        let _ = put(&store, &[number], &[number; 300]).unwrap();
    }
    assert_eq!(store.integrity_check(), Ok(()));
    drop(store);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes
        .chunks_mut(4096)
        .skip(3)
        .for_each(|page| page[..64].fill(0x5a));
    std::fs::write(&path, bytes).unwrap();
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.integrity_check(), Err(StoreError::Corrupt));
    let all = Scan::Range(Range::partition(TABLE, *b"p"));
    assert_eq!(store.scan(&all, 1000).unwrap_err(), StoreError::Corrupt);
}

#[test]
fn a_table_of_another_form_is_said_to_be_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("omemo.db");
    let store = SqliteStore::open(&path).unwrap();
    raw(&path, "DROP TABLE records");
    assert_eq!(store.get(&key(b"s")).unwrap_err(), StoreError::Corrupt);
    raw(&path, "DELETE FROM generations; DELETE FROM origin");
    assert_eq!(store.generation(&scope()).unwrap_err(), StoreError::Corrupt);
}

#[cfg(unix)]
#[test]
fn c13_files_are_for_their_owner_and_folders_are_not_made() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let mode = |name: &str| {
        let file = folder.path().join(name).metadata().unwrap();
        file.permissions().mode() & 0o777
    };
    let path = folder.path().join("omemo.db");
    let store = SqliteStore::open(&path).unwrap();
    let _ = put(&store, b"s", b"v").unwrap();
    for name in ["omemo.db", "omemo.db-wal", "omemo.db-shm"] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
    let missing = folder.path().join("missing/omemo.db");
    assert_eq!(
        SqliteStore::open(missing).unwrap_err(),
        StoreError::NoFolder
    );
    let below = folder.path().join("omemo.db/omemo.db");
    assert_eq!(SqliteStore::open(below).unwrap_err(), StoreError::NoFolder);
    // A link is followed.
    symlink(&path, folder.path().join("link.db")).unwrap();
    let linked = SqliteStore::open(folder.path().join("link.db")).unwrap();
    assert!(linked.get(&key(b"s")).unwrap().is_some());
    assert!(!folder.path().join("link.db-wal").exists());
    symlink("nothing", folder.path().join("dangling.db")).unwrap();
    let dangling = SqliteStore::open(folder.path().join("dangling.db"));
    assert_eq!(dangling.unwrap_err(), StoreError::NoFolder);
    assert!(!folder.path().join("nothing").exists());
    // No name means something else to SQLite.
    let odd = folder.path().join("file:odd?mode=memory");
    drop(SqliteStore::open(&odd).unwrap());
    assert!(odd.exists());
}

#[test]
fn what_is_deleted_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("omemo.db");
    let store = SqliteStore::open(&path).unwrap();
    let secret = *b"the key of a message that was read";
    let long = secret.repeat(500);
    let files = || {
        let mut bytes = Vec::new();
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let path = entry.unwrap().path();
            if !path.to_string_lossy().ends_with("-shm") {
                bytes.extend(std::fs::read(path).unwrap());
            }
        }
        bytes
    };
    let found = || files().windows(secret.len()).any(|bytes| bytes == secret);
    for number in 0..50_u8 {
        let value: &[u8] = if number % 2 == 0 { &secret } else { &long };
        let _ = put(&store, &[number], value).unwrap();
    }
    store.checkpoint().unwrap();
    assert!(found());
    let _ = put(&store, &[0], b"short").unwrap();
    let mut batch = Batch::new();
    batch
        .delete(key(&[1]))
        .delete_range(Range::partition(TABLE, *b"p").after([1]));
    let _ = store
        .apply(&scope(), store.generation(&scope()).unwrap(), &batch)
        .unwrap();
    store.checkpoint().unwrap();
    assert!(!found());
    assert!(store.get(&key(&[0])).unwrap().is_some());
}

#[test]
fn many_open_one_new_file_at_once() {
    for _ in 0..10 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("omemo.db");
        std::thread::scope(|scope| {
            for number in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    let store = SqliteStore::open(path).unwrap();
                    while put(&store, &[number], b"v") == Ok(Applied::Conflict) {}
                });
            }
        });
        let store = SqliteStore::open(&path).unwrap();
        assert_eq!(store.generation(&scope()), Ok(Generation::new(8)));
    }
}

#[cfg(unix)]
#[test]
fn c09_a_file_that_was_replaced_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let (path, backup) = (
        folder.path().join("omemo.db"),
        folder.path().join("backup.db"),
    );
    drop(SqliteStore::open(&path).unwrap());
    std::fs::copy(&path, &backup).unwrap();
    let store = SqliteStore::open(&path).unwrap();
    let _ = put(&store, b"s", b"v").unwrap();
    std::fs::rename(&backup, &path).unwrap();
    assert_eq!(put(&store, b"s", b"w").unwrap_err(), StoreError::Replaced);
    assert_eq!(
        store.generation(&scope()).unwrap_err(),
        StoreError::Poisoned
    );
    drop(store);
    for name in ["omemo.db", "omemo.db-wal", "omemo.db-shm"] {
        let _ = std::fs::remove_file(folder.path().join(name));
    }
    let store = SqliteStore::open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(put(&store, b"s", b"w").unwrap_err(), StoreError::Replaced);
    assert_eq!(StoreError::Replaced.remedy(), Remedy::Reopen);
}

#[test]
fn whoever_only_reads_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("omemo.db");
    let open = || SqliteStore::open_read_only(&path);
    assert_eq!(open().unwrap_err(), StoreError::NoFile);
    assert!(!path.exists());
    let nowhere = SqliteStore::open_read_only(folder.path().join("none/omemo.db"));
    assert_eq!(nowhere.unwrap_err(), StoreError::NoFile);
    std::fs::write(&path, b"").unwrap();
    assert_eq!(open().unwrap_err(), StoreError::NotAStore);
    assert_eq!(std::fs::read(&path).unwrap(), b"");

    let writer = SqliteStore::open(&path).unwrap();
    let _ = put(&writer, b"s", b"v").unwrap();
    drop(writer);
    let before = std::fs::read(&path).unwrap();
    let reader = open().unwrap();
    assert_eq!(reader.get(&key(b"s")).unwrap().unwrap().as_slice(), b"v");
    reader.integrity_check().unwrap();
    assert_eq!(put(&reader, b"s", b"w"), Err(StoreError::ReadOnly));
    let generation = reader.generation(&scope()).unwrap();
    let applied = reader.apply(&scope(), generation, &Batch::new());
    assert_eq!(applied, Ok(Applied::Done(generation)));
    drop(reader);
    assert_eq!(std::fs::read(&path).unwrap(), before);

    // Somebody writes meanwhile.
    let (reader, writer) = (open().unwrap(), SqliteStore::open(&path).unwrap());
    let _ = put(&writer, b"s", b"w").unwrap();
    assert_eq!(reader.get(&key(b"s")).unwrap().unwrap().as_slice(), b"w");
}

#[test]
fn what_a_crash_has_left_in_the_log_is_read_and_stays_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("omemo.db");
    let writer = SqliteStore::open(&path).unwrap();
    let _ = put(&writer, b"s", b"v").unwrap();
    // As after a crash: nobody has closed the files.
    let copy = folder.path().join("copy.db");
    let log = |path: &Path| path.with_extension("db-wal");
    std::fs::copy(&path, &copy).unwrap();
    std::fs::copy(log(&path), log(&copy)).unwrap();
    drop(writer);
    let read = |path: &Path| std::fs::read(path).unwrap();
    let before = (read(&copy), read(&log(&copy)));
    let reader = SqliteStore::open_read_only(&copy).unwrap();
    assert_eq!(reader.get(&key(b"s")).unwrap().unwrap().as_slice(), b"v");
    drop(reader);
    assert_eq!((read(&copy), read(&log(&copy))), before);
}
