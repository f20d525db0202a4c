//! Encrypting and decrypting files, piece by piece.

use core::ffi::{c_char, c_void};
use core::mem::offset_of;
use std::io;

use getrandom::SysRng;

use super::boundary::{Caller, Versioned, call, calling_back, free};
use super::error::{Failure, omemo_error};
use super::file_key::{cipher_of, omemo_file_key};
use super::status::omemo_status;
use crate::files::{Claim, Decryptor, Encryptor, FileHash};

/// Takes the next bytes of a file, all of them. Returns 0, or anything else if they could not be written. It is
/// called during `*_update` and `*_finish`, and must not call the library.
pub type omemo_file_sink =
    Option<unsafe extern "C" fn(user_data: *mut c_void, bytes: *const u8, len: usize) -> i32>;

/// Encrypts one file, piece by piece. It draws the key, and hands it out at the end: no key is used for two
/// files.
///
/// Threads: one at a time. Nothing waits but the sink.
pub struct omemo_file_encryptor(Option<Encryptor<Sink>>);

/// What is to be told about a file that was encrypted. Later versions of the library may add fields at the end
/// (`omemo_file_encryptor_finish` is told how many there are).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_encrypted_file {
    /// sizeof (omemo_encrypted_file), before the call.
    pub struct_size: usize,
    /// The key: an object that is yours to free.
    pub key: *mut omemo_file_key,
    /// The length of the plaintext, in bytes.
    pub size: u64,
    /// The SHA-256 of the plaintext.
    pub sha256: [u8; 32],
}

// SAFETY: integers and pointers only.
unsafe impl Versioned for omemo_encrypted_file {
    const OLDEST: usize = offset_of!(Self, sha256) + size_of::<[u8; 32]>();
}

/// Begins to encrypt a file with a cipher (an omemo_cipher). `sink` gets the ciphertext, what is uploaded, with
/// `user_data`. `encryptor` gets an object that is yours to free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_file_encryptor_new(
    cipher: u32,
    sink: omemo_file_sink,
    user_data: *mut c_void,
    encryptor: *mut *mut omemo_file_encryptor,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let cipher = cipher_of(cipher)?;
        let sink = Sink::new(sink, user_data)?;
        let place = caller.place(encryptor)?;
        let encryptor = Encryptor::new(cipher, sink, &mut SysRng)?;
        place.give(omemo_file_encryptor(Some(encryptor)));
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Encrypts the next bytes of the file, as many as there are.
///
/// Errors: OMEMO_ERROR_FILE_SINK, OMEMO_ERROR_FILE_TOO_LONG: begin again with another encryptor.
/// OMEMO_ERROR_STATE: it has ended, or failed before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_file_encryptor_update(
    encryptor: *mut omemo_file_encryptor,
    plaintext: *const u8,
    len: usize,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let plaintext = caller.some_bytes(plaintext, len)?.unwrap_or_default();
        let encryptor = caller.borrow_mut(encryptor)?;
        let taken = encryptor.0.take().ok_or_else(ended)?;
        encryptor.0 = Some(taken.update(plaintext)?);
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Ends the file, and says what is to be told about it. `file` must have its `struct_size`, and nothing
/// else. Free the encryptor after it.
///
/// Errors: as for `omemo_file_encryptor_update`; OMEMO_ERROR_STRUCT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_file_encryptor_finish(
    encryptor: *mut omemo_file_encryptor,
    file: *mut omemo_encrypted_file,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let place = caller.sized_place(file)?;
        let encryptor = caller.borrow_mut(encryptor)?;
        let encrypted = encryptor.0.take().ok_or_else(ended)?.finish()?;
        let FileHash::Sha256(sha256) = encrypted.hash else {
            return Err(Failure::internal());
        };
        place.put(&omemo_encrypted_file {
            struct_size: size_of::<omemo_encrypted_file>(),
            key: Box::into_raw(Box::new(omemo_file_key::new(encrypted.key))),
            size: encrypted.size,
            sha256,
        });
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Frees an encryptor, whether or not its file has ended. Nothing happens if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_file_encryptor_free(encryptor: *mut omemo_file_encryptor) {
    // SAFETY: the promises at the top of the header.
    unsafe { free(encryptor) }
}

/// Decrypts one file, piece by piece.
///
/// Nothing that it has given to the sink is authentic before `omemo_file_decryptor_finish` has succeeded: write
/// it beside the place where the file is expected, move it there after that, and remove it if anything fails.
/// Threads: one at a time. Nothing waits but the sink.
pub struct omemo_file_decryptor(Option<Decryptor<Sink>>);

/// What a message says about the plaintext of a file. Set all of it to zero, then `struct_size` and what is
/// known.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_file_claim {
    /// sizeof (omemo_file_claim).
    pub struct_size: usize,
    /// Its hash; NULL if none is told. OMEMO_CIPHER_AES_256_CBC is not decrypted without one.
    pub hash: *const u8,
    /// The bytes of `hash`.
    pub hash_len: usize,
    /// The name of the hash's function, as XEP-0300 has it; NULL if there is none. A hash of another than
    /// "sha-256" and "sha-512" is none.
    pub hash_algorithm: *const c_char,
    /// Not 0 if `size` is known.
    pub has_size: u64,
    /// Its length in bytes. What is longer is cut off (XEP-0448 §3.2).
    pub size: u64,
}

// SAFETY: integers and pointers only.
unsafe impl Versioned for omemo_file_claim {
    const OLDEST: usize = offset_of!(Self, size) + size_of::<u64>();
}

/// Begins to decrypt a file. `claim` may be NULL. `sink` gets the plaintext with `user_data`. `decryptor` gets
/// an object that is yours to free.
///
/// Errors: OMEMO_ERROR_FILE_NO_HASH; OMEMO_ERROR_VALUE: the hash has another length than those of its function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_file_decryptor_new(
    file_key: *const omemo_file_key,
    claim: *const omemo_file_claim,
    sink: omemo_file_sink,
    user_data: *mut c_void,
    decryptor: *mut *mut omemo_file_decryptor,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let key = caller.borrow(file_key)?;
        let claim = if claim.is_null() {
            Claim::default()
        } else {
            read_claim(caller, &caller.sized(claim)?)?
        };
        let sink = Sink::new(sink, user_data)?;
        let place = caller.place(decryptor)?;
        let decryptor = Decryptor::new(key.get(), claim, sink)?;
        place.give(omemo_file_decryptor(Some(decryptor)));
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Decrypts the next bytes of the file, as many as there are.
///
/// Errors: OMEMO_ERROR_FILE_SINK, OMEMO_ERROR_FILE_TOO_LONG; OMEMO_ERROR_STATE: it has ended, or failed before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_file_decryptor_update(
    decryptor: *mut omemo_file_decryptor,
    ciphertext: *const u8,
    len: usize,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let ciphertext = caller.some_bytes(ciphertext, len)?.unwrap_or_default();
        let decryptor = caller.borrow_mut(decryptor)?;
        let taken = decryptor.0.take().ok_or_else(ended)?;
        decryptor.0 = Some(taken.update(ciphertext)?);
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Ends the file. If this succeeds, everything that the sink got is authentic. Free the decryptor after it.
///
/// Errors: OMEMO_ERROR_FILE_AUTHENTICATION: it is not the file that was encrypted: remove what is there.
/// OMEMO_ERROR_FILE_SINK, OMEMO_ERROR_STATE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_file_decryptor_finish(
    decryptor: *mut omemo_file_decryptor,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let decryptor = caller.borrow_mut(decryptor)?;
        decryptor.0.take().ok_or_else(ended)?.finish()?;
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Frees a decryptor, whether or not its file has ended. Nothing happens if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_file_decryptor_free(decryptor: *mut omemo_file_decryptor) {
    // SAFETY: the promises at the top of the header.
    unsafe { free(decryptor) }
}

fn ended() -> Failure {
    Failure::state("the file has ended, or has failed before")
}

fn read_claim(caller: &Caller, given: &omemo_file_claim) -> Result<Claim, Failure> {
    let hash = match caller.some_bytes(given.hash, given.hash_len)? {
        None => None,
        Some(hash) => {
            let algorithm = caller.word(given.hash_algorithm)?;
            let known = FileHash::new(algorithm, hash);
            if known.is_none() && matches!(algorithm, "sha-256" | "sha-512") {
                return Err(Failure::value());
            }
            known
        }
    };
    Ok(Claim {
        size: (given.has_size != 0).then_some(given.size),
        hash,
    })
}

/// A caller's function as a place to write to.
struct Sink {
    function: unsafe extern "C" fn(*mut c_void, *const u8, usize) -> i32,
    user_data: *mut c_void,
}

impl Sink {
    fn new(function: omemo_file_sink, user_data: *mut c_void) -> Result<Self, Failure> {
        let function = function.ok_or_else(Failure::null)?;
        Ok(Self {
            function,
            user_data,
        })
    }
}

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        // SAFETY: the bytes are there until the call has ended.
        let status = calling_back(|| unsafe {
            (self.function)(self.user_data, bytes.as_ptr(), bytes.len())
        });
        if status == 0 {
            Ok(bytes.len())
        } else {
            Err(io::ErrorKind::Other.into())
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
