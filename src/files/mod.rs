//! Encrypted files: what is uploaded is a ciphertext, and its key goes into an encrypted message.
//!
//! | how the key is told | cipher | specified in |
//! |---|---|---|
//! | [`AesgcmUri`]: the body of a message | AES-256-GCM | XEP-0454 |
//! | `<encrypted/>` among the sources of a shared file: [`FileKey::new`] | [`Cipher`] | XEP-0448 §4 |
//!
//! ```text
//! GCM:  J0 = IV || 00000001 (IV of 12 bytes), else GHASH(IV || 0… || len IV)
//!       C = P xor CTR32(K, J0 + 1);   T = GHASH(C || 0… || len C) xor E(K, J0);   uploaded: C || T
//! CBC:  C = AES-256-CBC(K, IV, PKCS#7(P));   uploaded: C; only a hash of P shows that P is right
//! ```
//!
//! Files are long: they go through in pieces, and memory stays the same. What a [`Decryptor`] writes is
//! *not* authentic before [`Decryptor::finish`] has said so; until then it keeps the sink to itself, and
//! if the file is not authentic it does not give it back. A caller who writes into a file on a disk has
//! to look after that: write beside the place where the file is expected, and move it there after.

mod cbc;
mod cipher;
mod decryptor;
mod encryptor;
mod engine;
mod error;
mod gcm;
mod hash;
mod key;
mod sink;
mod uri;

pub use cipher::Cipher;
pub use decryptor::{Claim, Decryptor, decrypt};
pub use encryptor::{EncryptedFile, Encryptor, encrypt};
pub use error::{AesgcmUriError, DecryptFileError, EncryptFileError, FileKeyError};
pub use hash::FileHash;
pub use key::FileKey;
pub use uri::{AesgcmUri, MAX_URI};
