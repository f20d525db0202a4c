//! The file itself: made with its mode, and the one that it was.

use std::fs::{self, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::store::StoreError;

/// A file that exists.
pub(super) struct File {
    path: PathBuf,
    identity: Option<Identity>,
}

/// Tells one file from another under the same name.
#[derive(PartialEq, Eq)]
struct Identity(u64, u64);

impl File {
    /// Makes the file if there is none. One that exists is not opened here: on Unix closing it again would
    /// take away the locks that another handle of this process has on it.
    pub(super) fn find_or_make(path: &Path) -> Result<Self, StoreError> {
        Self::found(path, find_or_make)
    }

    /// A file that is there.
    pub(super) fn find(path: &Path) -> Result<Self, StoreError> {
        match Self::found(path, |path| fs::metadata(path)) {
            Err(StoreError::NoFolder) => Err(StoreError::NoFile),
            outcome => outcome,
        }
    }

    fn found(
        path: &Path,
        find: impl Fn(&Path) -> io::Result<Metadata>,
    ) -> Result<Self, StoreError> {
        // Absolute, so that no name means something else to SQLite (":memory:").
        let path = std::path::absolute(path).map_err(|error| file_error(&error))?;
        let found = find(&path).map_err(|error| file_error(&error))?;
        if found.is_dir() {
            return Err(StoreError::NotAStore);
        }
        Ok(Self {
            path,
            identity: identity(&found),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file is still the one under its name: what is written into another one is lost.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        match fs::metadata(&self.path) {
            Ok(now) if identity(&now) == self.identity => Ok(()),
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::Io),
            _ => Err(StoreError::Replaced),
        }
    }
}

#[cfg(unix)]
fn identity(file: &Metadata) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    Some(Identity(file.dev(), file.ino()))
}

#[cfg(not(unix))]
const fn identity(_: &Metadata) -> Option<Identity> {
    None
}

/// A file that is being made is found by others once it is closed.
static MAKING: Mutex<()> = Mutex::new(());

fn find_or_make(path: &Path) -> io::Result<Metadata> {
    let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        outcome => return outcome,
    }
    match make(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        // Somebody else was faster.
        _ => fs::metadata(path),
    }
}

/// Makes an empty file with its mode, and makes its name last as long as what will be acknowledged.
fn make(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    drop(options.open(path)?);
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn file_error(error: &io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => StoreError::NoFolder,
        io::ErrorKind::PermissionDenied => StoreError::Denied,
        io::ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full,
        io::ErrorKind::IsADirectory => StoreError::NotAStore,
        _ => StoreError::Io,
    }
}
