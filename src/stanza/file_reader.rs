//! Reading shared files; what they look like is written at [`FileSharing`].

use core::str::FromStr;

use zeroize::Zeroizing;

use super::grammar::WHITE_SPACE;
use super::tag::{Namespace, Tag};
use super::xml::{Reader, Scope};
use super::{
    Disposition, EncryptedSource, FileMetadata, FileSharing, Limit, ListedHash, MAX_FILES,
    MAX_HASHES, MAX_SOURCES, StanzaError, base64,
};

impl FileSharing {
    /// The files that the content of an envelope shares, in order.
    ///
    /// A source without its cipher, its key or its initialisation vector is left out, and so is a hash
    /// that is none. Of several values where one is expected the first counts.
    ///
    /// # Errors
    /// [`StanzaError`] if the content is no XML or there is too much of something.
    ///
    /// ```
    /// use omemo::files::{Cipher, Claim, FileHash, FileKey, decrypt};
    /// use omemo::stanza::FileSharing;
    ///
    /// # fn fetch(file: &FileSharing, get: impl Fn(&str) -> Vec<u8>) -> Result<(), Box<dyn std::error::Error>> {
    /// for source in &file.sources {
    ///     let Some(cipher) = Cipher::from_uri(&source.cipher) else { continue };
    ///     let key = FileKey::new(cipher, &source.key, &source.iv)?;
    ///     let mut hashes = file.metadata.hashes.iter();
    ///     let claim = Claim {
    ///         size: file.metadata.size,
    ///         hash: hashes.find_map(|hash| FileHash::new(&hash.algorithm, &hash.bytes)),
    ///     };
    ///     let plaintext = decrypt(&key, claim, &get(&source.urls[0]))?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list(content: &str) -> Result<Vec<Self>, StanzaError> {
        let mut reader = Reader::new(content, Scope::Content)?;
        let mut files = Vec::new();
        while let Some(tag) = reader.sibling()? {
            if !tag.is(Namespace::FileSharing, "file-sharing") {
                reader.skip()?;
                continue;
            }
            if files.len() >= MAX_FILES {
                return Err(Limit::Files.into());
            }
            files.push(file_sharing(&mut reader, &tag)?);
        }
        Ok(files)
    }
}

fn file_sharing(reader: &mut Reader<'_>, tag: &Tag<'_>) -> Result<FileSharing, StanzaError> {
    let mut metadata = None;
    let mut sources = Vec::new();
    while let Some(tag) = reader.child()? {
        if metadata.is_none() && tag.is(Namespace::FileMetadata, "file") {
            metadata = Some(file_metadata(reader)?);
        } else if tag.is(Namespace::FileSharing, "sources") {
            encrypted_sources(reader, &mut sources)?;
        } else {
            reader.skip()?;
        }
    }
    let disposition = match tag.attribute("disposition").as_deref() {
        Some("inline") => Some(Disposition::Inline),
        Some("attachment") => Some(Disposition::Attachment),
        _ => None,
    };
    Ok(FileSharing {
        id: tag.attribute("id").map(Into::into),
        disposition,
        metadata: metadata.unwrap_or_default(),
        sources,
    })
}

fn file_metadata(reader: &mut Reader<'_>) -> Result<FileMetadata, StanzaError> {
    const NAMESPACE: Namespace = Namespace::FileMetadata;
    let mut metadata = FileMetadata::default();
    while let Some(tag) = reader.child()? {
        match (tag.namespace, tag.local()) {
            (Namespace::Hashes, "hash") => hash(reader, &tag, &mut metadata.hashes)?,
            (NAMESPACE, "media-type") => first(&mut metadata.media_type, text(reader)?),
            (NAMESPACE, "name") => first(&mut metadata.name, text(reader)?),
            (NAMESPACE, "desc") => first(&mut metadata.description, text(reader)?),
            (NAMESPACE, "size") => first(&mut metadata.size, number(reader)?),
            (NAMESPACE, "width") => first(&mut metadata.width, number(reader)?),
            (NAMESPACE, "height") => first(&mut metadata.height, number(reader)?),
            _ => reader.skip()?,
        }
    }
    Ok(metadata)
}

fn encrypted_sources(
    reader: &mut Reader<'_>,
    sources: &mut Vec<EncryptedSource>,
) -> Result<(), StanzaError> {
    while let Some(tag) = reader.child()? {
        if !tag.is(Namespace::EncryptedSource, "encrypted") {
            reader.skip()?;
            continue;
        }
        let source = encrypted_source(reader, &tag)?;
        if sources.len() >= MAX_SOURCES {
            return Err(Limit::Sources.into());
        }
        sources.extend(source);
    }
    Ok(())
}

fn encrypted_source(
    reader: &mut Reader<'_>,
    tag: &Tag<'_>,
) -> Result<Option<EncryptedSource>, StanzaError> {
    let (mut key, mut iv) = (None, None);
    let (mut hashes, mut urls) = (Vec::new(), Vec::new());
    while let Some(tag) = reader.child()? {
        match (tag.namespace, tag.local()) {
            (Namespace::EncryptedSource, "key") => {
                let bytes = base64::decode(&reader.text()?);
                first(&mut key, bytes.map(Zeroizing::new));
            }
            (Namespace::EncryptedSource, "iv") => {
                first(&mut iv, base64::decode(&reader.text()?));
            }
            (Namespace::Hashes, "hash") => hash(reader, &tag, &mut hashes)?,
            (Namespace::FileSharing, "sources") => places(reader, &mut urls)?,
            _ => reader.skip()?,
        }
    }
    let (Some(cipher), Some(key), Some(iv)) = (tag.attribute("cipher"), key, iv) else {
        return Ok(None);
    };
    Ok(Some(EncryptedSource {
        cipher: cipher.into_owned(),
        key,
        iv,
        hashes,
        urls,
    }))
}

fn places(reader: &mut Reader<'_>, urls: &mut Vec<String>) -> Result<(), StanzaError> {
    while let Some(tag) = reader.child()? {
        if let Some(url) = tag.attribute("target")
            && tag.is(Namespace::UrlData, "url-data")
        {
            if urls.len() >= MAX_SOURCES {
                return Err(Limit::Sources.into());
            }
            urls.push(url.into_owned());
        }
        reader.skip()?;
    }
    Ok(())
}

fn hash(
    reader: &mut Reader<'_>,
    tag: &Tag<'_>,
    hashes: &mut Vec<ListedHash>,
) -> Result<(), StanzaError> {
    let bytes = base64::decode(&reader.text()?);
    if let (Some(algorithm), Some(bytes)) = (tag.attribute("algo"), bytes) {
        if hashes.len() >= MAX_HASHES {
            return Err(Limit::Hashes.into());
        }
        let algorithm = algorithm.into_owned();
        hashes.push(ListedHash { algorithm, bytes });
    }
    Ok(())
}

/// Fills a slot in which nothing is yet.
fn first<T>(slot: &mut Option<T>, value: Option<T>) {
    if slot.is_none() {
        *slot = value;
    }
}

fn text(reader: &mut Reader<'_>) -> Result<Option<String>, StanzaError> {
    Ok(Some(reader.text()?.into_owned()))
}

fn number<N: FromStr>(reader: &mut Reader<'_>) -> Result<Option<N>, StanzaError> {
    let text = reader.text()?;
    let digits = text.trim_matches(WHITE_SPACE);
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    Ok(is_number.then(|| digits.parse().ok()).flatten())
}
