//! Where an account is kept: keys and sessions in a store, and how far its archive was read.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use omemo::store::{SqliteStore, StoreError};

/// A folder of one account.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
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

    /// The store.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn store(&self) -> Result<Arc<SqliteStore>, StoreError> {
        SqliteStore::open(self.path.join("omemo.db")).map(Arc::new)
    }

    /// The id in the archive of the last message that was read.
    #[must_use]
    pub fn position(&self) -> Option<String> {
        let text = fs::read_to_string(self.path.join("archive")).ok()?;
        Some(text.trim().to_owned()).filter(|id| !id.is_empty())
    }

    /// Keeps the place in the archive. If that fails, or the machine does, messages are read twice, which
    /// does no harm.
    pub fn keep_position(&self, id: &str) {
        let new = self.path.join("archive.new");
        if fs::write(&new, id).is_ok() {
            fs::rename(&new, self.path.join("archive")).ok();
        }
    }
}
