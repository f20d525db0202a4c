//! Files that a message shares, with encrypted sources (XEP-0446, XEP-0447, XEP-0448).

use core::ffi::c_char;
use core::mem::offset_of;
use core::ptr;

use zeroize::Zeroizing;

use super::boundary::{Caller, Versioned, accessor, call, free};
use super::error::{Failure, omemo_error};
use super::file_key::omemo_file_key;
use super::memory::Texts;
use super::status::omemo_status;
use crate::files::{Cipher, FileHash, FileKey};
use crate::stanza::{Disposition, EncryptedSource, FileMetadata, FileSharing, ListedHash};

/// How a file is to be shown.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum omemo_file_disposition {
    /// In the conversation.
    OMEMO_FILE_INLINE = 1,
    /// As something to be saved; not to be fetched unasked.
    OMEMO_FILE_ATTACHMENT = 2,
}

/// A place from which a file can be fetched.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_file_source {
    /// Where the ciphertext is.
    pub url: *const c_char,
    /// Its key.
    pub key: *const omemo_file_key,
}

/// A file that a message shares, and where it is: encrypted, with ciphers that are known here. Nothing of it is
/// checked: a name may be that of another folder. Where it goes in: set all of it to zero, then `struct_size`
/// and what is known.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_shared_file {
    /// sizeof (omemo_shared_file).
    pub struct_size: usize,
    /// Where the ciphertext is, the first place of all; NULL if no source can be read.
    pub url: *const c_char,
    /// Its key; NULL if no source can be read.
    pub key: *const omemo_file_key,
    /// The media type; NULL if it is not known.
    pub media_type: *const c_char,
    /// The name; NULL if it is not known.
    pub name: *const c_char,
    /// Words about it; NULL if there are none.
    pub description: *const c_char,
    /// The id by which later sources refer to it; NULL if it has none.
    pub id: *const c_char,
    /// The length of the plaintext, in bytes.
    pub size: u64,
    /// The name of the function of `hash`, as "sha-256"; NULL if there is no hash.
    pub hash_algorithm: *const c_char,
    /// A hash of the plaintext.
    pub hash: *const u8,
    /// The bytes of `hash`.
    pub hash_len: usize,
    /// The width in pixels; 0 if it is not known.
    pub width: u32,
    /// The height in pixels; 0 if it is not known.
    pub height: u32,
    /// An omemo_file_disposition; 0 if it is not said.
    pub disposition: u32,
    /// Not 0 if `size` is known.
    pub has_size: u32,
    /// Where it is besides, for when the first place has it no more.
    pub others: *const omemo_file_source,
    /// The number of `others`.
    pub other_count: usize,
}

// SAFETY: integers and pointers only.
unsafe impl Versioned for omemo_shared_file {
    const OLDEST: usize = offset_of!(Self, other_count) + size_of::<usize>();
}

/// Writes the element that shares a file, for the content of an envelope, or a message in clear that is going to
/// be encrypted. `file` must have `url`, `key`, a size and a hash: `omemo_file_encryptor_finish` says the last
/// three.
///
/// `xml` gets text that is yours to free with `omemo_string_free`, which overwrites it, and `xml_len`, which may
/// be NULL, its bytes without the zero. Errors: OMEMO_ERROR_STANZA: the size or the hash is missing;
/// OMEMO_ERROR_VALUE: `disposition` is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_shared_file_write(
    file: *const omemo_shared_file,
    xml: *mut *mut c_char,
    xml_len: *mut usize,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let file = given(caller, &caller.sized(file)?)?;
        let place = caller.text_place(xml, xml_len)?;
        place.put(&file.to_xml()?);
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Files that a message shares. Threads: one at a time, or several that only read.
pub struct omemo_shared_files {
    files: Vec<omemo_shared_file>,
    #[expect(clippy::vec_box, reason = "C has their addresses: they must not move")]
    keys: Vec<Box<omemo_file_key>>,
    others: Vec<Vec<omemo_file_source>>,
    hashes: Vec<Vec<u8>>,
    texts: Texts,
}

/// The files that the content of an envelope shares (`omemo_content_elements`), in order. `files` gets a list
/// that is yours to free; it may be empty.
///
/// Errors: OMEMO_ERROR_STANZA.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_shared_files_read(
    content: *const c_char,
    content_len: usize,
    files: *mut *mut omemo_shared_files,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let content = caller.text(content, content_len)?;
        let place = caller.place(files)?;
        let mut read = omemo_shared_files {
            files: Vec::new(),
            keys: Vec::new(),
            others: Vec::new(),
            hashes: Vec::new(),
            texts: Texts::default(),
        };
        for file in FileSharing::list(content)? {
            read.add(&file);
        }
        place.give(read);
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// How many files there are; 0 if `files` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_shared_files_count(files: *const omemo_shared_files) -> usize {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(files, 0, |files| files.files.len()) }
}

/// One of the files; NULL if there are not so many. There as long as `files` is, with its key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_shared_files_get(
    files: *const omemo_shared_files,
    index: usize,
) -> *const omemo_shared_file {
    let get =
        |files: &omemo_shared_files| files.files.get(index).map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(files, ptr::null(), get) }
}

/// Frees a list of files, and overwrites their keys. Nothing happens if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_shared_files_free(files: *mut omemo_shared_files) {
    // SAFETY: the promises at the top of the header.
    unsafe { free(files) }
}

fn given(caller: &Caller, file: &omemo_shared_file) -> Result<FileSharing, Failure> {
    let text = |text| Ok::<_, Failure>(caller.some_word(text)?.map(str::to_owned));
    let mut sources = vec![source(caller, file.url, file.key)?];
    for other in caller.array(file.others, file.other_count)? {
        sources.push(source(caller, other.url, other.key)?);
    }
    let mut hashes = Vec::new();
    if let Some(bytes) = caller.some_bytes(file.hash, file.hash_len)? {
        hashes.push(ListedHash {
            algorithm: caller.word(file.hash_algorithm)?.to_owned(),
            bytes: bytes.to_vec(),
        });
    }
    let dispositions = [
        None,
        Some(Disposition::Inline),
        Some(Disposition::Attachment),
    ];
    let disposition = dispositions.get(file.disposition as usize);
    Ok(FileSharing {
        id: text(file.id)?,
        disposition: *disposition.ok_or_else(Failure::value)?,
        metadata: FileMetadata {
            media_type: text(file.media_type)?,
            name: text(file.name)?,
            description: text(file.description)?,
            size: (file.has_size != 0).then_some(file.size),
            width: (file.width != 0).then_some(file.width),
            height: (file.height != 0).then_some(file.height),
            hashes,
        },
        sources,
    })
}

fn source(
    caller: &Caller,
    url: *const c_char,
    key: *const omemo_file_key,
) -> Result<EncryptedSource, Failure> {
    let key = caller.borrow(key)?.get();
    Ok(EncryptedSource {
        cipher: key.cipher().uri().to_owned(),
        key: Zeroizing::new(key.key().to_vec()),
        iv: key.iv().to_vec(),
        hashes: Vec::new(),
        urls: vec![caller.word(url)?.to_owned()],
    })
}

impl omemo_shared_files {
    fn add(&mut self, file: &FileSharing) {
        let mut places = Vec::new();
        for source in &file.sources {
            self.add_source(source, &mut places);
        }
        let (first, others) = match places.split_first() {
            None => (None, Vec::new()),
            Some((first, others)) => (Some(*first), others.to_vec()),
        };
        // One that can be computed here before others.
        let metadata = &file.metadata;
        let is_known = |hash: &&ListedHash| FileHash::new(&hash.algorithm, &hash.bytes).is_some();
        let hashes = &metadata.hashes;
        let hash = hashes.iter().find(is_known).or_else(|| hashes.first());
        let (mut algorithm, mut bytes, mut len) = (ptr::null(), ptr::null(), 0);
        if let Some(hash) = hash {
            let copy = hash.bytes.clone();
            (bytes, len) = (copy.as_ptr(), copy.len());
            self.hashes.push(copy);
            algorithm = self.texts.add(&hash.algorithm);
        }
        let disposition = match file.disposition {
            None => 0,
            Some(Disposition::Inline) => omemo_file_disposition::OMEMO_FILE_INLINE as u32,
            Some(Disposition::Attachment) => omemo_file_disposition::OMEMO_FILE_ATTACHMENT as u32,
        };
        let texts = &mut self.texts;
        self.files.push(omemo_shared_file {
            struct_size: size_of::<omemo_shared_file>(),
            url: first.map_or(ptr::null(), |first| first.url),
            key: first.map_or(ptr::null(), |first| first.key),
            media_type: texts.add_some(metadata.media_type.as_deref()),
            name: texts.add_some(metadata.name.as_deref()),
            description: texts.add_some(metadata.description.as_deref()),
            id: texts.add_some(file.id.as_deref()),
            size: metadata.size.unwrap_or(0),
            hash_algorithm: algorithm,
            hash: bytes,
            hash_len: len,
            width: metadata.width.unwrap_or(0),
            height: metadata.height.unwrap_or(0),
            disposition,
            has_size: metadata.size.is_some().into(),
            others: others.first().map_or(ptr::null(), ptr::from_ref),
            other_count: others.len(),
        });
        self.others.push(others);
    }

    /// Adds the places of a source, if its cipher is known here.
    fn add_source(&mut self, source: &EncryptedSource, places: &mut Vec<omemo_file_source>) {
        let cipher = Cipher::from_uri(&source.cipher);
        let key = cipher.and_then(|cipher| FileKey::new(cipher, &source.key, &source.iv).ok());
        let Some(key) = key.map(|key| Box::new(omemo_file_key::new(key))) else {
            return;
        };
        places.extend(source.urls.iter().map(|url| omemo_file_source {
            url: self.texts.add(url),
            key: &raw const *key,
        }));
        self.keys.push(key);
    }
}
