//! Keys of encrypted files, and how messages tell them.

use core::ffi::c_char;
use core::ptr;

use super::boundary::{Caller, accessor, call, free};
use super::error::{Failure, omemo_error};
use super::memory::Text;
use super::status::omemo_status;
use crate::files::{AesgcmUri, Cipher, FileKey};

/// A cipher for files.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum omemo_cipher {
    /// AES-128 in Galois/Counter mode, the tag behind the ciphertext.
    OMEMO_CIPHER_AES_128_GCM = 1,
    /// AES-256 in Galois/Counter mode: what `aesgcm://` has, and the one to choose.
    OMEMO_CIPHER_AES_256_GCM = 2,
    /// AES-256 in cipher block chaining mode, which authenticates nothing: decrypted with a hash only, and no
    /// choice for a new file.
    OMEMO_CIPHER_AES_256_CBC = 3,
}

/// A key and an initialisation vector for one file. What its functions return is there as long as it is.
///
/// Threads: one at a time, or several that only read.
pub struct omemo_file_key {
    key: FileKey,
    bytes: Text,
    iv: Text,
}

impl omemo_file_key {
    pub(super) fn new(key: FileKey) -> Self {
        Self {
            bytes: Text::from_bytes(key.key()),
            iv: Text::from_bytes(key.iv()),
            key,
        }
    }

    pub(super) const fn get(&self) -> &FileKey {
        &self.key
    }
}

/// The name of a cipher (an omemo_cipher) in XEP-0448: there as long as the library is; NULL if there is none
/// of that number.
#[unsafe(no_mangle)]
pub extern "C" fn omemo_cipher_uri(cipher: u32) -> *const c_char {
    const AES_128_GCM: u32 = omemo_cipher::OMEMO_CIPHER_AES_128_GCM as u32;
    const AES_256_GCM: u32 = omemo_cipher::OMEMO_CIPHER_AES_256_GCM as u32;
    const AES_256_CBC: u32 = omemo_cipher::OMEMO_CIPHER_AES_256_CBC as u32;
    match cipher {
        AES_128_GCM => c"urn:xmpp:ciphers:aes-128-gcm-nopadding:0".as_ptr(),
        AES_256_GCM => c"urn:xmpp:ciphers:aes-256-gcm-nopadding:0".as_ptr(),
        AES_256_CBC => c"urn:xmpp:ciphers:aes-256-cbc-pkcs7:0".as_ptr(),
        _ => ptr::null(),
    }
}

/// The cipher of a name; 0 if there is none, or `uri` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_cipher_of_uri(uri: *const c_char) -> u32 {
    if uri.is_null() {
        return 0;
    }
    // SAFETY: the promises at the top of the header.
    let uri = unsafe { core::ffi::CStr::from_ptr(uri) };
    let found = uri.to_str().ok().and_then(Cipher::from_uri);
    found.map_or(0, cipher_number)
}

/// The length of what is uploaded, for a file of `len` bytes: a server wants to know it before (XEP-0363).
///
/// Errors: OMEMO_ERROR_FILE_TOO_LONG: about 64 GiB are the most.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_file_encrypted_len(
    cipher: u32,
    len: u64,
    encrypted_len: *mut u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let cipher = cipher_of(cipher)?;
        let place = caller.place(encrypted_len)?;
        place.put(
            cipher
                .encrypted_len(len)
                .ok_or_else(Failure::file_too_long)?,
        );
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// The key that a message tells, as in XEP-0448. For GCM the initialisation vector has 12 bytes, or 16 as older
/// clients draw it; for CBC it has 16.
///
/// `file_key` gets an object that is yours to free. Errors: OMEMO_ERROR_FILE_KEY: a length is another.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_file_key_new(
    cipher: u32,
    key: *const u8,
    key_len: usize,
    iv: *const u8,
    iv_len: usize,
    file_key: *mut *mut omemo_file_key,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let cipher = cipher_of(cipher)?;
        let (key, iv) = (caller.bytes(key, key_len)?, caller.bytes(iv, iv_len)?);
        let place = caller.place(file_key)?;
        place.give(omemo_file_key::new(FileKey::new(cipher, key, iv)?));
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// The cipher that it is for: an omemo_cipher; 0 if `file_key` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_file_key_cipher(file_key: *const omemo_file_key) -> u32 {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(file_key, 0, |key| cipher_number(key.key.cipher())) }
}

/// The bytes of the key, for the message that tells it, and their number in `len`, which may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_file_key_bytes(
    file_key: *const omemo_file_key,
    len: *mut usize,
) -> *const u8 {
    // SAFETY: the promises at the top of the header.
    unsafe {
        let bytes = accessor(file_key, None, |key| Some(&key.bytes));
        super::memory::lend(bytes, len)
    }
}

/// The initialisation vector, and its bytes in `len`, which may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_file_key_iv(
    file_key: *const omemo_file_key,
    len: *mut usize,
) -> *const u8 {
    // SAFETY: the promises at the top of the header.
    unsafe {
        let iv = accessor(file_key, None, |key| Some(&key.iv));
        super::memory::lend(iv, len)
    }
}

/// Frees a key, and overwrites it. Nothing happens if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_file_key_free(file_key: *mut omemo_file_key) {
    // SAFETY: the promises at the top of the header.
    unsafe { free(file_key) }
}

/// Makes the `aesgcm://` URI of a file that was uploaded to `url` (XEP-0454): it is the body of an encrypted
/// message. Who sees it can read the file: never show it as a link.
///
/// `uri` gets text that is yours to free with `omemo_string_free`, which overwrites it. Errors:
/// OMEMO_ERROR_FILE_URI: the URL has to begin with `https://` and have no fragment, and the key has to be for
/// OMEMO_CIPHER_AES_256_GCM.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_aesgcm_write(
    url: *const c_char,
    file_key: *const omemo_file_key,
    uri: *mut *mut c_char,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let url = caller.word(url)?;
        let key = caller.borrow(file_key)?;
        let place = caller.text_place(uri, ptr::null_mut())?;
        let uri = AesgcmUri::new(url, key.key.clone())?;
        place.put(&uri.to_uri());
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Reads an `aesgcm://` URI. `url` gets where the ciphertext is, an `https://` URL that is yours to free with
/// `omemo_string_free`, and `file_key` an object that is yours to free.
///
/// Errors: OMEMO_ERROR_FILE_URI.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_aesgcm_read(
    uri: *const c_char,
    url: *mut *mut c_char,
    file_key: *mut *mut omemo_file_key,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let uri = caller.word(uri)?;
        let (url, key) = (
            caller.text_place(url, ptr::null_mut())?,
            caller.place(file_key)?,
        );
        let read = AesgcmUri::parse(uri)?;
        url.put(read.url());
        key.give(omemo_file_key::new(read.key().clone()));
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Reads the body of a message, which may be a file: a URI, and perhaps a thumbnail as a `data:` URI in a
/// second line. `url` and `file_key` get what they get in `omemo_aesgcm_read`, and `thumbnail` a text that is
/// yours to free, or NULL if there is none.
///
/// All three get NULL if the body is anything else: it is a text then, and nothing in it is to be fetched.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_aesgcm_of_body(
    text: *const c_char,
    text_len: usize,
    url: *mut *mut c_char,
    file_key: *mut *mut omemo_file_key,
    thumbnail: *mut *mut c_char,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let text = caller.text(text, text_len)?;
        let (url, key) = (caller.place(url)?, caller.place(file_key)?);
        let thumbnail = caller.place(thumbnail)?;
        match AesgcmUri::from_body(text) {
            None => {
                url.put(ptr::null_mut());
                key.put(ptr::null_mut());
                thumbnail.put(ptr::null_mut());
            }
            Some((uri, data)) => {
                url.put(super::memory::new_string(uri.url()));
                key.give(omemo_file_key::new(uri.key().clone()));
                thumbnail.put(data.map_or(ptr::null_mut(), super::memory::new_string));
            }
        }
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

pub(super) const fn cipher_number(cipher: Cipher) -> u32 {
    let number = match cipher {
        Cipher::Aes128Gcm => omemo_cipher::OMEMO_CIPHER_AES_128_GCM,
        Cipher::Aes256Gcm => omemo_cipher::OMEMO_CIPHER_AES_256_GCM,
        Cipher::Aes256Cbc => omemo_cipher::OMEMO_CIPHER_AES_256_CBC,
    };
    number as u32
}

pub(super) fn cipher_of(number: u32) -> Result<Cipher, Failure> {
    let mut all = Cipher::ALL.into_iter();
    let found = all.find(|cipher| cipher_number(*cipher) == number);
    found.ok_or_else(Failure::value)
}
