//! Opening a store to look at it.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use getrandom::SysRng;
use omemo::crypto::Secret;
use omemo::crypto::passphrase::Cost;
use omemo::store::{SealKey, SealKind, Sealed, SqliteStore, Store, StoreError, Value};
use zeroize::Zeroizing;

use crate::Failure;

/// Where a passphrase may be, for those who have no terminal.
const PASSPHRASE: &str = "OMEMO_PASSPHRASE";

/// Opens a file, and its seal if it has one.
pub(super) fn open(path: &Path, key_file: Option<&Path>) -> Result<Arc<dyn Store>, Failure> {
    let failed = |error| explain(path, error);
    let file = SqliteStore::open_read_only(path).map_err(failed)?;
    file.integrity_check().map_err(failed)?;
    let kind = SealKind::of(&file).map_err(failed)?;
    let name = path.display();
    match (kind, key_file) {
        (None, None) => Ok(Arc::new(file)),
        (None, Some(_)) => Err(format!("{name} is not sealed: leave --key-file out").into()),
        (Some(SealKind::Key), None) => Err(format!(
            "{name} is sealed with a key: name the file of the key with --key-file"
        )
        .into()),
        (Some(SealKind::Passphrase), Some(_)) => Err(format!(
            "{name} is sealed with a passphrase, not with a key: leave --key-file out"
        )
        .into()),
        (Some(SealKind::Key), Some(key_file)) => {
            let key = read_key(key_file)?;
            let sealed = Sealed::open(file, &SealKey::Key(&key), SysRng).map_err(failed)?;
            Ok(Arc::new(sealed))
        }
        (Some(SealKind::Passphrase), None) => {
            let passphrase = passphrase(path)?;
            let key = SealKey::Passphrase(&passphrase, Cost::RECOMMENDED);
            let sealed = Sealed::open(file, &key, SysRng).map_err(failed)?;
            Ok(Arc::new(sealed))
        }
    }
}

/// What happened, and what to do about it.
fn explain(path: &Path, error: StoreError) -> Failure {
    let advice = match error {
        StoreError::NoFile => ". Name the file in which an application keeps its accounts",
        StoreError::NotAStore => ": something else has written it",
        StoreError::Newer => ": use a newer omemo",
        StoreError::Denied => ": run this as its owner, in a folder that can be written",
        StoreError::Corrupt => ": restore a copy",
        StoreError::Busy => ": try again",
        _ => "",
    };
    format!("{}: {error}{advice}", path.display()).into()
}

/// A key as bytes, or as hexadecimal digits.
fn read_key(path: &Path) -> Result<Secret<32>, Failure> {
    let name = path.display();
    let mut bytes = Value::new(Vec::with_capacity(128));
    let file = File::open(path).map_err(|error| format!("cannot read {name}: {error}"))?;
    let read = file.take(128).read_to_end(&mut bytes);
    read.map_err(|error| format!("cannot read {name}: {error}"))?;
    let key = <[u8; 32]>::try_from(bytes.as_slice()).ok();
    let key = key.map(Zeroizing::new);
    let key = key.or_else(|| of_digits(bytes.trim_ascii()));
    let advice = "is not a key: 32 bytes, or 64 hexadecimal digits";
    key.map(|key| Secret::new(*key))
        .ok_or_else(|| format!("{name} {advice}").into())
}

fn of_digits(text: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0; 32]);
    let (pairs, rest) = text.as_chunks::<2>();
    if pairs.len() != key.len() || !rest.is_empty() {
        return None;
    }
    let digit = |digit: u8| char::from(digit).to_digit(16);
    for (byte, [high, low]) in key.iter_mut().zip(pairs) {
        *byte = u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()?;
    }
    Some(key)
}

fn passphrase(path: &Path) -> Result<Value, Failure> {
    if let Some(passphrase) = std::env::var_os(PASSPHRASE) {
        return Ok(Value::new(passphrase.into_encoded_bytes()));
    }
    let name = path.display();
    let typed = rpassword::prompt_password(format!("Passphrase of {name}: "));
    match typed {
        Ok(passphrase) => Ok(Value::new(passphrase.into_bytes())),
        Err(_) => Err(format!(
            "{name} is sealed with a passphrase: run this in a terminal, or set {PASSPHRASE}"
        )
        .into()),
    }
}
