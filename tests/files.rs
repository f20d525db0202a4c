//! Encrypted files: against other implementations of the ciphers, in every division into pieces, and
//! with everything that can be wrong with them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod heap;

use std::fs;
use std::io::{self, Write};

use aes_gcm::AesGcm;
use aes_gcm::aead::consts::{U12, U16};
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::aes::{Aes128, Aes256};
use heap::counted;
use omemo::crypto::aes::cbc_encrypt;
use omemo::error::RngError;
use omemo::files::{
    AesgcmUri, Cipher, Claim, DecryptFileError, Decryptor, EncryptFileError, EncryptedFile,
    Encryptor, FileHash, FileKey, decrypt, encrypt,
};
use rand_core::{TryCryptoRng, TryRng};
use sha2::{Digest, Sha256, Sha512};

/// A generator that counts, so that keys are known. It can fail.
struct Counting {
    next: u8,
    works: usize,
}

impl TryRng for Counting {
    type Error = RngError;

    fn try_next_u32(&mut self) -> Result<u32, RngError> {
        Err(RngError)
    }

    fn try_next_u64(&mut self) -> Result<u64, RngError> {
        Err(RngError)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), RngError> {
        self.works = self.works.checked_sub(1).ok_or(RngError)?;
        for byte in bytes {
            *byte = self.next;
            self.next = self.next.wrapping_add(1);
        }
        Ok(())
    }
}

impl TryCryptoRng for Counting {}

const fn rng() -> Counting {
    Counting {
        next: 0,
        works: usize::MAX,
    }
}

/// A file of that length in which no two blocks are equal.
fn text(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i ^ i >> 8 ^ i >> 16) as u8).collect()
}

fn claim(text: &[u8]) -> Claim {
    Claim {
        size: Some(text.len() as u64),
        hash: Some(FileHash::Sha256(Sha256::digest(text).into())),
    }
}

fn sealed(cipher: Cipher, len: usize) -> EncryptedFile<Vec<u8>> {
    encrypt(cipher, &text(len), &mut rng()).unwrap()
}

/// What the other implementation makes of it.
fn reference(key: &FileKey, text: &[u8]) -> Vec<u8> {
    fn gcm<C: AeadInOut + KeyInit>(key: &FileKey, text: &[u8]) -> Vec<u8> {
        let mut buffer = text.to_vec();
        let tag = C::new_from_slice(key.key())
            .unwrap()
            .encrypt_inout_detached(
                key.iv().try_into().unwrap(),
                b"",
                buffer.as_mut_slice().into(),
            )
            .unwrap();
        buffer.extend_from_slice(&tag);
        buffer
    }
    match (key.cipher(), key.iv().len()) {
        (Cipher::Aes128Gcm, 12) => gcm::<AesGcm<Aes128, U12>>(key, text),
        (Cipher::Aes128Gcm, _) => gcm::<AesGcm<Aes128, U16>>(key, text),
        (Cipher::Aes256Gcm, 12) => gcm::<AesGcm<Aes256, U12>>(key, text),
        (Cipher::Aes256Gcm, _) => gcm::<AesGcm<Aes256, U16>>(key, text),
        (Cipher::Aes256Cbc, _) => {
            let (key, iv) = (key.key().try_into().unwrap(), key.iv().try_into().unwrap());
            cbc_encrypt(key, iv, text)
        }
    }
}

const LENGTHS: [usize; 14] = [
    0, 1, 15, 16, 17, 31, 32, 33, 1000, 16383, 16384, 16385, 32768, 100_003,
];

#[test]
fn every_length_as_the_other_implementation_has_it() {
    for cipher in Cipher::ALL {
        for len in LENGTHS {
            let file = sealed(cipher, len);
            assert_eq!(file.key.key()[..3], [0, 1, 2]);
            assert_eq!(file.key.iv().len(), cipher.iv_len());
            assert_eq!(file.size, len as u64);
            assert_eq!(file.hash, claim(&text(len)).hash.unwrap());
            assert_eq!(
                file.sink,
                reference(&file.key, &text(len)),
                "{cipher:?} {len}"
            );
            assert_eq!(
                cipher.encrypted_len(file.size),
                Some(file.sink.len() as u64)
            );
            let opened = decrypt(&file.key, claim(&text(len)), &file.sink).unwrap();
            assert_eq!(*opened, text(len), "{cipher:?} {len}");
        }
    }
}

#[test]
fn pieces_of_every_length() {
    for cipher in Cipher::ALL {
        for len in [0, 1, 16, 31, 100] {
            let whole = sealed(cipher, len);
            for piece in 1..40 {
                let mut encryptor = Encryptor::new(cipher, Vec::new(), &mut rng()).unwrap();
                for piece in text(len).chunks(piece) {
                    encryptor = encryptor.update(piece).unwrap().update(b"").unwrap();
                }
                assert_eq!(encryptor.finish().unwrap().sink, whole.sink);

                let claim = claim(&text(len));
                let mut decryptor = Decryptor::new(&whole.key, claim, Vec::new()).unwrap();
                for piece in whole.sink.chunks(piece) {
                    decryptor = decryptor.update(piece).unwrap().update(b"").unwrap();
                }
                assert_eq!(decryptor.finish().unwrap(), text(len));
            }
        }
    }
}

/// Initialisation vectors of 16 bytes are read, as GCM starts its counter anywhere then.
#[test]
fn old_initialisation_vectors_are_read() {
    for cipher in [Cipher::Aes128Gcm, Cipher::Aes256Gcm] {
        for first in 0..64 {
            let key = vec![first; cipher.key_len()];
            let key = FileKey::new(cipher, &key, &[first ^ 7; 16]).unwrap();
            let text = text(300 + usize::from(first));
            let opened = decrypt(&key, Claim::default(), &reference(&key, &text)).unwrap();
            assert_eq!(*opened, text);
        }
    }
}

#[test]
fn uploads_of_others() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/test-vectors/worked/worked-vectors.json"
    );
    let vectors: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    for name in ["aesgcm_12", "aesgcm_16"] {
        let vector = &vectors[name];
        let field = |field: &str| vector[field].as_str().unwrap();
        let uri = AesgcmUri::parse(field("url")).unwrap();
        assert_eq!(*uri.to_uri(), field("url"));
        let digits: String = [uri.key().iv(), uri.key().key()]
            .concat()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(digits, field("iv").to_owned() + field("key"));
        let uploaded = field("uploaded_bytes").as_bytes().chunks(2).map(|pair| {
            let pair = std::str::from_utf8(pair).unwrap();
            u8::from_str_radix(pair, 16).unwrap()
        });
        let uploaded: Vec<u8> = uploaded.collect();
        let opened = decrypt(uri.key(), Claim::default(), &uploaded).unwrap();
        assert_eq!(*opened, field("plaintext_utf8").as_bytes());
    }
}

#[test]
fn every_bit_and_every_length_is_authenticated() {
    for cipher in Cipher::ALL {
        for len in [0, 16, 37] {
            let file = sealed(cipher, len);
            let refused = |bytes: &[u8]| {
                let outcome = decrypt(&file.key, claim(&text(len)), bytes);
                matches!(outcome, Err(DecryptFileError::Authentication))
            };
            for bit in 0..file.sink.len() * 8 {
                let mut changed = file.sink.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                assert!(refused(&changed), "{cipher:?} {len} {bit}");
            }
            for end in 0..file.sink.len() {
                assert!(refused(&file.sink[..end]), "{cipher:?} {len} {end}");
            }
            let longer = [&file.sink[..], &[0]].concat();
            assert!(refused(&longer), "{cipher:?} {len}");
            for other in [
                FileKey::new(cipher, &vec![9; cipher.key_len()], file.key.iv()),
                FileKey::new(cipher, file.key.key(), &vec![9; cipher.iv_len()]),
            ] {
                let outcome = decrypt(&other.unwrap(), claim(&text(len)), &file.sink);
                assert!(matches!(outcome, Err(DecryptFileError::Authentication)));
            }
        }
    }
}

/// The padding is right and the text another one: only the hash shows it.
#[test]
fn cbc_without_a_hash_is_not_decrypted() {
    let file = sealed(Cipher::Aes256Cbc, 37);
    let size = Some(37);
    let outcome = decrypt(&file.key, Claim { size, hash: None }, &file.sink);
    assert!(matches!(outcome, Err(DecryptFileError::NoHash)));

    for len in [15, 16, 32] {
        let mut forged = sealed(Cipher::Aes256Cbc, len);
        let iv: Vec<u8> = forged.key.iv().iter().map(|byte| byte ^ 1).collect();
        forged.key = FileKey::new(Cipher::Aes256Cbc, forged.key.key(), &iv).unwrap();
        let outcome = decrypt(&forged.key, claim(&text(len)), &forged.sink);
        assert!(matches!(outcome, Err(DecryptFileError::Authentication)));
    }
}

#[test]
fn hashes() {
    let file = sealed(Cipher::Aes256Gcm, 500);
    let sha256 = FileHash::new("sha-256", &Sha256::digest(text(500))).unwrap();
    let sha512 = FileHash::new("sha-512", &Sha512::digest(text(500))).unwrap();
    for hash in [sha256, sha512] {
        let right = Claim {
            size: None,
            hash: Some(hash),
        };
        assert!(decrypt(&file.key, right, &file.sink).is_ok());
        let mut wrong = hash.as_bytes().to_vec();
        wrong[7] ^= 0x10;
        let wrong = Claim {
            size: None,
            hash: FileHash::new(hash.algorithm(), &wrong),
        };
        let outcome = decrypt(&file.key, wrong, &file.sink);
        assert!(matches!(outcome, Err(DecryptFileError::Authentication)));
    }
    assert_eq!(FileHash::new("sha-1", &[0; 20]), None);
    assert_eq!(FileHash::new("sha-256", &[0; 31]), None);
    assert_eq!(FileHash::new("sha-512", &[0; 32]), None);
}

/// XEP-0448 §3.2: a file may be longer than it says, to hide how long it is.
#[test]
fn what_is_longer_than_it_says_is_cut() {
    for cipher in Cipher::ALL {
        let file = sealed(cipher, 40_000);
        for size in [0, 1, 16, 16_384, 16_385, 39_999, 40_000] {
            let claim = claim(&text(40_000)[..size]);
            let opened = decrypt(&file.key, claim, &file.sink).unwrap();
            assert_eq!(*opened, text(40_000)[..size], "{cipher:?} {size}");
        }
        let longer = Claim {
            size: Some(u64::MAX),
            ..claim(&text(40_000))
        };
        assert!(decrypt(&file.key, longer, &file.sink).is_ok());
    }
}

/// A disk that is full after so many bytes.
#[derive(Debug)]
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let fits = bytes.len().min(self.0);
        if fits == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0 -= fits;
        Ok(fits)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_sink_that_fails() {
    let is_full = |error: &io::Error| error.kind() == io::ErrorKind::StorageFull;
    for cipher in Cipher::ALL {
        let file = sealed(cipher, 50_000);
        for room in [0, 10, 16_384, 49_999] {
            let encryptor = Encryptor::new(cipher, Full(room), &mut rng()).unwrap();
            let outcome = encryptor.update(&text(50_000)).and_then(Encryptor::finish);
            let Err(EncryptFileError::Sink(error)) = outcome else {
                panic!("{cipher:?} {room}");
            };
            assert!(is_full(&error));

            let decryptor = Decryptor::new(&file.key, claim(&text(50_000)), Full(room)).unwrap();
            let outcome = decryptor.update(&file.sink).and_then(Decryptor::finish);
            let Err(DecryptFileError::Sink(error)) = outcome else {
                panic!("{cipher:?} {room}");
            };
            assert!(is_full(&error));
        }
    }
}

#[test]
fn a34_a_generator_that_fails() {
    for works in 0..2 {
        let mut rng = Counting { next: 0, works };
        let outcome = encrypt(Cipher::Aes256Gcm, b"text", &mut rng);
        assert!(matches!(outcome, Err(EncryptFileError::Rng(RngError))));
    }
}

/// The memory does not grow with the file, whatever the pieces are.
#[test]
fn a_long_file_takes_no_more_memory() {
    let megabyte = text(1 << 20);
    for cipher in Cipher::ALL {
        let ((), cost) = counted(|| {
            let mut encryptor = Encryptor::new(cipher, io::sink(), &mut rng()).unwrap();
            for _ in 0..8 {
                encryptor = encryptor.update(&megabyte).unwrap();
            }
            let file = encryptor.finish().unwrap();
            assert_eq!(file.size, 8 << 20);

            let claim = Claim {
                size: None,
                hash: Some(file.hash),
            };
            let mut decryptor = Decryptor::new(&file.key, claim, io::sink()).unwrap();
            for piece in megabyte.chunks(1 << 19) {
                decryptor = decryptor.update(piece).unwrap();
            }
            assert!(decryptor.finish().is_err());
        });
        assert!(cost.peak < 64 * 1024, "{cipher:?}: {} bytes", cost.peak);
        assert!(cost.total < 128 * 1024, "{cipher:?}: {} bytes", cost.total);
    }
}

#[test]
fn nothing_is_printed() {
    let encryptor = Encryptor::new(Cipher::Aes256Gcm, Vec::new(), &mut rng()).unwrap();
    assert_eq!(
        format!("{encryptor:?}"),
        "Encryptor { key: FileKey { cipher: Aes256Gcm, .. }, size: 0, .. }"
    );
    let key = FileKey::new(Cipher::Aes256Gcm, &[0xab; 32], &[0xcd; 12]).unwrap();
    let decryptor = Decryptor::new(&key, Claim::default(), Vec::new()).unwrap();
    assert_eq!(format!("{decryptor:?}"), "Decryptor(..)");
}
