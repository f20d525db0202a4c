//! Where an account is kept: keys and sessions in a store, how far its archive was read, and how it logged in.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use omemo::store::{SqliteStore, StoreError};

use super::random_id;

const STORE: &str = "omemo.db";
/// The file with the place in the archive.
const POSITION: &str = "archive";
/// The file that is there when the server has proved once that it knows the password.
const SCRAM: &str = "scram";

/// A folder of one account.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

/// How far an archive was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Position {
    /// Never: the device is new.
    New,
    /// Up to the message with this id in the archive.
    Behind(String),
    /// That was kept, and cannot be read any more.
    Lost,
}

impl Folder {
    /// The folder, which is made if it is not there; nobody else may look into it.
    ///
    /// # Errors
    /// [`io::Error`].
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path)?;
        Ok(Self {
            path: path.to_owned(),
        })
    }

    /// Whether there is a store in a folder.
    #[must_use]
    pub fn has_store(path: &Path) -> bool {
        path.join(STORE).exists()
    }

    /// The store, which is made if it is not there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn store(&self) -> Result<Arc<SqliteStore>, StoreError> {
        SqliteStore::open(self.path.join(STORE)).map(Arc::new)
    }

    /// How far the archive was read.
    #[must_use]
    pub fn position(&self) -> Position {
        match fs::read_to_string(self.path.join(POSITION)) {
            Ok(text) => match text.trim_end_matches('\n') {
                id if id.is_empty() || id.contains(char::is_control) => Position::Lost,
                id => Position::Behind(id.to_owned()),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Position::New,
            Err(_) => Position::Lost,
        }
    }

    /// Whether the server has authenticated this account with SCRAM before.
    #[must_use]
    pub fn knows_scram(&self) -> bool {
        // A file that cannot be looked at counts as one: the password is not sent because of that.
        !matches!(fs::exists(self.path.join(SCRAM)), Ok(false))
    }

    /// Keeps that the server has SCRAM, so that nobody can make this client send the password itself. If that
    /// fails, the next login keeps it.
    pub fn keep_scram(&self) {
        if !self.knows_scram() {
            fs::write(self.path.join(SCRAM), "").ok();
        }
    }

    /// Keeps the place in the archive. If that fails, or the machine does, messages are read twice, which
    /// does no harm.
    pub fn keep_position(&self, id: &str) {
        // Of its own: several processes may have the folder.
        let Ok(name) = random_id() else {
            return;
        };
        let new = self.path.join(format!("{POSITION}.{name}"));
        // What has the name must have the text, also when the power fails.
        let written = File::create_new(&new).and_then(|mut file| {
            file.write_all(id.as_bytes())?;
            file.sync_all()
        });
        let done = written.and_then(|()| fs::rename(&new, self.path.join(POSITION)));
        if done.is_err() {
            fs::remove_file(&new).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_is_lost_is_not_taken_for_a_new_device() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        assert_eq!(folder.position(), Position::New);
        folder.keep_position("1");
        folder.keep_position("2");
        assert_eq!(folder.position(), Position::Behind("2".to_owned()));
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
        for garbage in [&b""[..], b"\n", b"\xff", b"a\0b"] {
            fs::write(place.path().join(POSITION), garbage).unwrap();
            assert_eq!(folder.position(), Position::Lost);
        }
    }

    #[test]
    fn scram_is_remembered() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        assert!(!folder.knows_scram());
        folder.keep_scram();
        folder.keep_scram();
        assert!(Folder::open(place.path()).unwrap().knows_scram());
    }
}
