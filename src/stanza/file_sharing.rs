//! Shared files whose sources are encrypted (XEP-0446, XEP-0447, XEP-0448).
//!
//! ```text
//! <file-sharing><file><media-type/><name/><size/><width/><height/><hash algo=''/>…<desc/></file>
//!   <sources><encrypted cipher=''><key/><iv/><hash algo=''/>…
//!     <sources><url-data target=''/>…</sources></encrypted>…</sources></file-sharing>
//! ```
//!
//! The metadata is about the file itself, the hashes of a source about its ciphertext.

use core::fmt;

use zeroize::Zeroizing;

use super::grammar::is_character;
use super::tag::{ENCRYPTED_SOURCE, FILE_METADATA, FILE_SHARING, HASHES, URL_DATA};
use super::writer::{Attribute, Writer};
use super::{Limit, MAX_HASHES, MAX_SOURCES, StanzaError, XmlError};

/// A file that a message shares. Its [`Debug`](fmt::Debug) does not show what somebody wrote.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct FileSharing {
    /// The id by which later sources refer to it.
    pub id: Option<String>,
    /// How it is to be shown.
    pub disposition: Option<Disposition>,
    /// What is said about it.
    pub metadata: FileMetadata,
    /// Where it is, encrypted. Sources of other kinds are passed over.
    pub sources: Vec<EncryptedSource>,
}

/// How a file is to be shown (XEP-0447 §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// In the conversation.
    Inline,
    /// As something to be saved; not to be fetched unasked.
    Attachment,
}

/// What is said about a file before anybody has seen it (XEP-0446). Nothing of it is checked: a name may
/// be that of another folder.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct FileMetadata {
    /// Its media type.
    pub media_type: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Words about it.
    pub description: Option<String>,
    /// Its length, in bytes.
    pub size: Option<u64>,
    /// Its width, in pixels.
    pub width: Option<u32>,
    /// Its height, in pixels.
    pub height: Option<u32>,
    /// Its hashes.
    pub hashes: Vec<ListedHash>,
}

/// A hash, as it is listed (XEP-0300).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedHash {
    /// The name of the function, as `sha-256`.
    pub algorithm: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Where a file is, encrypted, and its key (XEP-0448 §3.1).
#[derive(Clone, PartialEq, Eq)]
pub struct EncryptedSource {
    /// The name of the cipher: a URI.
    pub cipher: String,
    /// The key.
    pub key: Zeroizing<Vec<u8>>,
    /// The initialisation vector.
    pub iv: Vec<u8>,
    /// Hashes of the ciphertext.
    pub hashes: Vec<ListedHash>,
    /// Where the ciphertext is. Inner sources of other kinds are passed over.
    pub urls: Vec<String>,
}

impl FileSharing {
    /// The element, for the content of an envelope.
    ///
    /// # Errors
    /// [`Defect::Missing`](super::Defect::Missing) if there is no size or no hash, which encrypted files
    /// must have, or a source without a URL; [`Limit`] if there is more than would be read;
    /// [`XmlError::Character`] if a text has characters that XML cannot express.
    pub fn to_xml(&self) -> Result<Zeroizing<String>, StanzaError> {
        self.check()?;
        let mut attributes: Vec<Attribute<'_>> = vec![("xmlns", &FILE_SHARING)];
        if let Some(disposition) = &self.disposition {
            attributes.push(("disposition", disposition));
        }
        if let Some(id) = &self.id {
            attributes.push(("id", id));
        }
        let mut writer = Writer::with_capacity(self.most_bytes());
        writer.element("file-sharing", &attributes, |writer| {
            self.metadata.write(writer);
            writer.element("sources", &[], |writer| {
                for source in &self.sources {
                    source.write(writer);
                }
            });
        });
        Ok(Zeroizing::new(writer.into_xml()))
    }

    fn check(&self) -> Result<(), StanzaError> {
        if self.metadata.size.is_none() {
            return Err(StanzaError::missing("size"));
        }
        if self.metadata.hashes.is_empty() {
            return Err(StanzaError::missing("hash"));
        }
        if self.sources.iter().any(|source| source.urls.is_empty()) {
            return Err(StanzaError::missing("url-data"));
        }
        let sources = &self.sources;
        let too_many = |urls: &Vec<String>| urls.len() > MAX_SOURCES;
        if sources.len() > MAX_SOURCES || sources.iter().any(|source| too_many(&source.urls)) {
            return Err(Limit::Sources.into());
        }
        let of_sources = sources.iter().map(|source| &source.hashes);
        let mut lists = of_sources.chain([&self.metadata.hashes]);
        if lists.any(|hashes| hashes.len() > MAX_HASHES) {
            return Err(Limit::Hashes.into());
        }
        if self.texts().all(|text| text.chars().all(is_character)) {
            Ok(())
        } else {
            Err(XmlError::Character.into())
        }
    }

    fn texts(&self) -> impl Iterator<Item = &String> {
        let metadata = &self.metadata;
        let texts = [
            &self.id,
            &metadata.media_type,
            &metadata.name,
            &metadata.description,
        ];
        let of_sources = self.sources.iter().flat_map(|source| {
            let cipher = core::iter::once(&source.cipher);
            cipher.chain(&source.urls)
        });
        let algorithms = self.hashes().map(|hash| &hash.algorithm);
        let texts = texts.into_iter().flatten();
        texts.chain(of_sources).chain(algorithms)
    }

    fn hashes(&self) -> impl Iterator<Item = &ListedHash> {
        let of_sources = self.sources.iter().flat_map(|source| &source.hashes);
        self.metadata.hashes.iter().chain(of_sources)
    }

    /// A bound of the length: a character becomes at most six, three bytes four characters, and there are
    /// at most so many characters of markup about each value.
    fn most_bytes(&self) -> usize {
        const MARKUP: usize = 256;
        let texts: usize = self.texts().map(|text| MARKUP + 6 * text.len()).sum();
        let hashes: usize = self.hashes().map(|hash| 2 * hash.bytes.len()).sum();
        let keys = self.sources.iter().map(|source| {
            let bytes = source.key.len() + source.iv.len();
            2 * MARKUP + 2 * bytes
        });
        6 * MARKUP + texts + hashes + keys.sum::<usize>()
    }
}

impl FileMetadata {
    fn write(&self, writer: &mut Writer) {
        let number = |writer: &mut Writer, name, number: Option<u64>| {
            if let Some(number) = number {
                writer.text(name, &[], &number.to_string());
            }
        };
        let text = |writer: &mut Writer, name, text: &Option<String>| {
            if let Some(text) = text {
                writer.text(name, &[], text);
            }
        };
        writer.element("file", &[("xmlns", &FILE_METADATA)], |writer| {
            text(writer, "media-type", &self.media_type);
            text(writer, "name", &self.name);
            number(writer, "size", self.size);
            number(writer, "width", self.width.map(u64::from));
            number(writer, "height", self.height.map(u64::from));
            write_hashes(writer, &self.hashes);
            text(writer, "desc", &self.description);
        });
    }
}

impl EncryptedSource {
    fn write(&self, writer: &mut Writer) {
        let attributes: [Attribute<'_>; 2] =
            [("xmlns", &ENCRYPTED_SOURCE), ("cipher", &self.cipher)];
        writer.element("encrypted", &attributes, |writer| {
            writer.base64("key", &[], &self.key);
            writer.base64("iv", &[], &self.iv);
            write_hashes(writer, &self.hashes);
            writer.element("sources", &[("xmlns", &FILE_SHARING)], |writer| {
                for url in &self.urls {
                    writer.empty("url-data", &[("xmlns", &URL_DATA), ("target", url)]);
                }
            });
        });
    }
}

fn write_hashes(writer: &mut Writer, hashes: &[ListedHash]) {
    for hash in hashes {
        let attributes: [Attribute<'_>; 2] = [("xmlns", &HASHES), ("algo", &hash.algorithm)];
        writer.base64("hash", &attributes, &hash.bytes);
    }
}

impl fmt::Display for Disposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Inline => "inline",
            Self::Attachment => "attachment",
        })
    }
}

impl fmt::Debug for FileSharing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileSharing")
            .field("disposition", &self.disposition)
            .field("metadata", &self.metadata)
            .field("sources", &self.sources)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for FileMetadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileMetadata")
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for EncryptedSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncryptedSource(..)")
    }
}
