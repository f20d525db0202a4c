//! A file on its way: encrypted while it is uploaded, decrypted while it is downloaded, in pieces.

use core::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use omemo::files::{
    Cipher, Claim, DecryptFileError, Decryptor, EncryptFileError, EncryptedFile, Encryptor,
};

use super::SharedFile;
use super::slots::Slot;
use crate::web::{Web, WebError};

/// The longest file that is fetched, in bytes.
pub const MAX_DOWNLOAD: u64 = 1 << 30;
const PIECE: usize = 1 << 16;
/// How many files of one name are kept.
const NAMESAKES: u32 = 1000;

/// Is told how many bytes have gone by.
pub type Progress = Arc<dyn Fn(u64) + Send + Sync>;

/// Encrypts a file and puts it into its place.
pub(super) fn upload(
    web: &Web,
    slot: &Slot,
    path: &Path,
    progress: Option<Progress>,
) -> Result<SharedFile, TransferError> {
    let file = File::open(path)?;
    let length = encrypted_length(slot.size)?;
    let mut sealing = Sealing::new(file.take(slot.size), progress)?;
    let done = web.put(&slot.put, &slot.headers, length, &mut sealing);
    // A file that has become shorter is why the server did not like it.
    let sealed = sealing.sealed.filter(|sealed| sealed.size == slot.size);
    done?;
    let sealed = sealed.ok_or(TransferError::Changed)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(SharedFile::new(&name, &slot.get, sealed))
}

/// The length of what is uploaded.
pub(super) fn encrypted_length(size: u64) -> Result<u64, TransferError> {
    Cipher::Aes256Gcm
        .encrypted_len(size)
        .ok_or(TransferError::TooLarge(None))
}

/// Fetches a file into a folder. It gets its name when it is known to be authentic; nothing that is there
/// is replaced.
pub(super) fn download(
    web: &Web,
    file: &SharedFile,
    folder: &Path,
    progress: Option<Progress>,
) -> Result<PathBuf, TransferError> {
    if file.size.is_some_and(|size| size > MAX_DOWNLOAD) {
        return Err(TransferError::TooLarge(Some(MAX_DOWNLOAD)));
    }
    fs::create_dir_all(folder)?;
    let id = super::random_id().map_err(|_| TransferError::Random)?;
    let part = folder.join(format!(".{id}.part"));
    let done = fetch(web, file, &part, progress)
        .and_then(|()| free_name(folder, &file.name))
        .and_then(|path| Ok(fs::rename(&part, &path).map(|()| path)?));
    if done.is_err() {
        // It may not have been made.
        fs::remove_file(&part).ok();
    }
    done
}

fn fetch(
    web: &Web,
    file: &SharedFile,
    part: &Path,
    progress: Option<Progress>,
) -> Result<(), TransferError> {
    let claim = Claim {
        size: file.size,
        hash: file.hash,
    };
    let mut body = web.get(&file.url, MAX_DOWNLOAD)?;
    let mut decryptor = Decryptor::new(&file.key, claim, create(part)?)?;
    let mut piece = vec![0; PIECE];
    let mut done = 0;
    loop {
        let length = body.read(&mut piece)?;
        if length == 0 {
            break;
        }
        decryptor = decryptor.update(piece.get(..length).unwrap_or_default())?;
        done += length as u64;
        if let Some(progress) = &progress {
            progress(done);
        }
    }
    decryptor.finish()?.sync_all()?;
    Ok(())
}

/// A new file, for nobody else to read.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A path of that name, or of the name with a number, where now an empty file keeps the place.
fn free_name(folder: &Path, name: &str) -> Result<PathBuf, TransferError> {
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) => (stem, format!(".{extension}")),
        None => (name, String::new()),
    };
    for number in 1..NAMESAKES {
        let path = match number {
            1 => folder.join(name),
            number => folder.join(format!("{stem} ({number}){extension}")),
        };
        match create(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return Ok(made.map(|_| path)?),
        }
    }
    Err(TransferError::File(io::ErrorKind::AlreadyExists))
}

/// A file that is encrypted while it is read.
struct Sealing {
    file: io::Take<File>,
    encryptor: Option<Encryptor<Vec<u8>>>,
    /// Ciphertext, and how much of it was taken.
    ready: Vec<u8>,
    taken: usize,
    sealed: Option<EncryptedFile<()>>,
    progress: Option<Progress>,
    done: u64,
}

impl Sealing {
    fn new(file: io::Take<File>, progress: Option<Progress>) -> Result<Self, TransferError> {
        let mut rng = getrandom::SysRng;
        let encryptor = Encryptor::new(Cipher::Aes256Gcm, Vec::new(), &mut rng)?;
        Ok(Self {
            file,
            encryptor: Some(encryptor),
            ready: Vec::new(),
            taken: 0,
            sealed: None,
            progress,
            done: 0,
        })
    }

    /// Makes more ciphertext, unless that was all.
    fn refill(&mut self) -> io::Result<()> {
        let Some(encryptor) = self.encryptor.take() else {
            return Ok(());
        };
        let mut piece = zeroize::Zeroizing::new(vec![0; PIECE]);
        let length = self.file.read(&mut piece)?;
        self.taken = 0;
        if length == 0 {
            let sealed = encryptor.finish().map_err(io::Error::other)?;
            self.ready = sealed.sink;
            self.sealed = Some(EncryptedFile {
                sink: (),
                key: sealed.key,
                size: sealed.size,
                hash: sealed.hash,
            });
        } else {
            let piece = piece.get(..length).unwrap_or_default();
            let mut encryptor = encryptor.update(piece).map_err(io::Error::other)?;
            self.ready = core::mem::take(encryptor.sink_mut());
            self.encryptor = Some(encryptor);
        }
        self.done += length as u64;
        if let Some(progress) = &self.progress {
            progress(self.done);
        }
        Ok(())
    }
}

impl Read for Sealing {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        // A piece may be shorter than what the cipher keeps back.
        while self.taken == self.ready.len() && self.encryptor.is_some() {
            self.refill()?;
        }
        let mut rest = self.ready.get(self.taken..).unwrap_or_default();
        let length = rest.read(out)?;
        self.taken += length;
        Ok(length)
    }
}

/// Why a file did not get to its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransferError {
    /// The file, or the folder, cannot be read or written.
    File(io::ErrorKind),
    /// The server has no place for files (XEP-0363).
    NoService,
    /// It is longer than the service takes, in bytes, or than what is fetched.
    TooLarge(Option<u64>),
    /// The service does not want it.
    Refused(String),
    /// The service names a place that is none.
    Url,
    /// The web server did not take it, or did not give it.
    Web(WebError),
    /// The file changed meanwhile.
    Changed,
    /// What came is not the file that was sent.
    NotAuthentic,
    /// The operating system has no randomness.
    Random,
}

impl fmt::Display for TransferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(kind) => kind.fmt(f),
            Self::NoService => f.write_str("the server keeps no files"),
            Self::TooLarge(None) => f.write_str("it is too large"),
            Self::TooLarge(Some(most)) => write!(f, "it is larger than {most} bytes"),
            Self::Refused(condition) => write!(f, "the server does not take it: {condition}"),
            Self::Url => f.write_str("the server named no place for it"),
            Self::Web(error) => error.fmt(f),
            Self::Changed => f.write_str("it changed while it was read"),
            Self::NotAuthentic => f.write_str("what came is not the file that was sent"),
            Self::Random => f.write_str("the system gives no randomness"),
        }
    }
}

impl core::error::Error for TransferError {}

impl From<io::Error> for TransferError {
    fn from(error: io::Error) -> Self {
        Self::File(error.kind())
    }
}

impl From<WebError> for TransferError {
    fn from(error: WebError) -> Self {
        Self::Web(error)
    }
}

impl From<EncryptFileError> for TransferError {
    fn from(error: EncryptFileError) -> Self {
        match error {
            EncryptFileError::TooLong => Self::TooLarge(None),
            EncryptFileError::Sink(error) => error.into(),
            EncryptFileError::Rng(_) => Self::Random,
        }
    }
}

impl From<DecryptFileError> for TransferError {
    fn from(error: DecryptFileError) -> Self {
        match error {
            DecryptFileError::Sink(error) => error.into(),
            _ => Self::NotAuthentic,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_the_ciphertext_and_its_length_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plain");
        for size in [0, 1, PIECE - 1, PIECE, 3 * PIECE + 5] {
            let plain: Vec<u8> = (0..size).map(|at| at as u8).collect();
            fs::write(&path, &plain).unwrap();
            let file = File::open(&path).unwrap().take(size as u64);
            let mut sealing = Sealing::new(file, None).unwrap();
            let mut sealed = Vec::new();
            sealing.read_to_end(&mut sealed).unwrap();
            assert_eq!(sealed.len() as u64, encrypted_length(size as u64).unwrap());
            let told = sealing.sealed.unwrap();
            let claim = Claim {
                size: Some(told.size),
                hash: Some(told.hash),
            };
            let opened = omemo::files::decrypt(&told.key, claim, &sealed).unwrap();
            assert_eq!(*opened, plain);
        }
    }

    #[test]
    fn nothing_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let names: Vec<_> = (0..3)
            .map(|_| free_name(folder.path(), "a.b.txt").unwrap())
            .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        assert_eq!(names, ["a.b.txt", "a.b (2).txt", "a.b (3).txt"]);
    }
}
