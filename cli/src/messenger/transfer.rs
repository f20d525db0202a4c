//! A file on its way: encrypted while it is uploaded, decrypted while it is downloaded, in pieces.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use omemo::files::{Cipher, Claim, Decryptor, EncryptedFile, Encryptor};

use super::slots::Slot;
use super::{SharedFile, TransferError};
use crate::web::Web;

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
