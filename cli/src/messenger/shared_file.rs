//! Files that messages share: what is said about them, and how.
//!
//! | | the text | beside it |
//! |---|---|---|
//! | legacy | `aesgcm://…` (XEP-0454) | |
//! | OMEMO 2 | the same, for who reads nothing else | `<file-sharing/>` with an encrypted source (XEP-0447, XEP-0448) |

use omemo::files::{AesgcmUri, Cipher, EncryptedFile, FileHash, FileKey};
use omemo::model::Version;
use omemo::stanza::{
    Disposition, EncryptedSource, FileMetadata, FileSharing, ListedHash, PlainMessage,
};
use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use super::TransferError;
use crate::page::hides;
use crate::xmpp::element::{child, escape, look};

const FALLBACK: &str = "urn:xmpp:fallback:0";
const SHARING: &str = "urn:xmpp:sfs:0";
/// The longest name that is kept, in bytes: what file systems take.
const MAX_NAME: usize = 200;

/// A file that a message shares: where it is, and its key.
#[derive(Clone, Debug)]
pub struct SharedFile {
    /// Its name, without folders and what terminals obey.
    pub name: String,
    /// How long it is said to be, in bytes.
    pub size: Option<u64>,
    pub(super) url: String,
    pub(super) key: FileKey,
    pub(super) hash: Option<FileHash>,
}

impl SharedFile {
    /// A file that was encrypted and put at that URL.
    pub(super) fn new<W>(name: &str, url: &str, sealed: EncryptedFile<W>) -> Self {
        Self {
            name: clean(name),
            size: Some(sealed.size),
            url: url.to_owned(),
            key: sealed.key,
            hash: Some(sealed.hash),
        }
    }

    /// The files of a message that was encrypted in that version.
    pub(super) fn list(message: &PlainMessage<'_>, version: Version) -> Vec<Self> {
        // Beside a legacy payload nothing was encrypted: what stands there may be the server's.
        if version == Version::Omemo2
            && let Ok(files) = FileSharing::list(&message.content())
            && !files.is_empty()
        {
            return files.iter().filter_map(Self::of_sharing).collect();
        }
        let uri = message.body().and_then(AesgcmUri::from_body);
        uri.map(|(uri, _)| Self::of_uri(&uri)).into_iter().collect()
    }

    /// The text of a message that shares files, unless it is one of the ways to share them.
    pub(super) fn text_beside<'a>(message: &'a PlainMessage<'_>) -> &'a str {
        let body = message.body().unwrap_or_default();
        if AesgcmUri::from_body(body).is_some() || is_fallback(&message.content()) {
            return "";
        }
        body
    }

    fn of_uri(uri: &AesgcmUri) -> Self {
        let path = uri.url().split('?').next().unwrap_or_default();
        let name = path.rsplit('/').next().unwrap_or_default();
        Self {
            name: clean(&percent_decode_str(name).decode_utf8_lossy()),
            size: None,
            url: uri.url().to_owned(),
            key: uri.key().clone(),
            hash: None,
        }
    }

    fn of_sharing(file: &FileSharing) -> Option<Self> {
        let mut hashes = file.metadata.hashes.iter();
        let hash = hashes.find_map(|hash| FileHash::new(&hash.algorithm, &hash.bytes));
        file.sources.iter().find_map(|source| {
            let cipher = Cipher::from_uri(&source.cipher)?;
            Some(Self {
                name: clean(file.metadata.name.as_deref().unwrap_or_default()),
                size: file.metadata.size,
                url: source.urls.first()?.clone(),
                key: FileKey::new(cipher, &source.key, &source.iv).ok()?,
                hash,
            })
        })
    }

    /// What a message contains that shares it.
    pub(super) fn to_elements(&self) -> Result<Zeroizing<String>, TransferError> {
        let uri = AesgcmUri::new(&self.url, self.key.clone()).map_err(|_| TransferError::Url)?;
        let hash = self.hash.iter().map(|hash| ListedHash {
            algorithm: hash.algorithm().to_owned(),
            bytes: hash.as_bytes().to_vec(),
        });
        let sharing = FileSharing {
            id: None,
            disposition: Some(Disposition::Inline),
            metadata: FileMetadata {
                name: Some(self.name.clone()),
                size: self.size,
                hashes: hash.collect(),
                ..FileMetadata::default()
            },
            sources: vec![EncryptedSource {
                cipher: self.key.cipher().uri().to_owned(),
                key: Zeroizing::new(self.key.key().to_vec()),
                iv: self.key.iv().to_vec(),
                hashes: Vec::new(),
                urls: vec![self.url.clone()],
            }],
        };
        let sharing = sharing.to_xml().map_err(|_| TransferError::Url)?;
        let uri = Zeroizing::new(escape(&uri.to_uri()));
        Ok(Zeroizing::new(format!(
            "<body>{}</body>{}<fallback xmlns='{FALLBACK}' for='{SHARING}'><body/></fallback>",
            uri.as_str(),
            sharing.as_str()
        )))
    }
}

/// Whether the whole body is for those who do not read files (XEP-0428 §3, XEP-0447 §3.2).
fn is_fallback(content: &str) -> bool {
    let content = Zeroizing::new(format!("<message>{content}</message>"));
    let is_it = look(&content, |message| {
        let mut fallbacks = message.children().filter(|child| {
            child.has_tag_name((FALLBACK, "fallback")) && child.attribute("for") == Some(SHARING)
        });
        fallbacks.any(|fallback| {
            child(fallback, FALLBACK, "body").is_none_or(|body| body.attribute("start").is_none())
        })
    });
    is_it == Some(true)
}

/// A name that leads nowhere else, and that does nothing to a terminal.
fn clean(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let is_bad = |c: char| c.is_control() || hides(c) || "<>:\"|?*".contains(c);
    let mut clean = String::new();
    for c in last.trim().trim_start_matches('.').chars() {
        if clean.len() + c.len_utf8() > MAX_NAME {
            break;
        }
        clean.push(if is_bad(c) { '_' } else { c });
    }
    if clean.is_empty() {
        "file".to_owned()
    } else {
        clean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str =
        "8c3d050e9386ec173861778f68e9af38a97aaf82faa4063b4d0878a61261534410c8a84331eaac851759f587";

    #[test]
    fn names_lead_nowhere() {
        for (name, expected) in [
            ("balcony.jpg", "balcony.jpg"),
            ("../../etc/passwd", "passwd"),
            ("C:\\autoexec.bat", "autoexec.bat"),
            (".bashrc", "bashrc"),
            ("..", "file"),
            ("/", "file"),
            ("", "file"),
            ("a\u{1b}[2Jb\u{202e}gpj.exe", "a_[2Jb_gpj.exe"),
        ] {
            assert_eq!(clean(name), expected, "{name:?}");
        }
        assert_eq!(clean(&"é".repeat(300)).len(), MAX_NAME);
    }

    #[test]
    fn what_is_said_is_read_in_both_versions() {
        let uri = AesgcmUri::parse(&format!("aesgcm://a/b/tr%C3%A8s.txt#{KEY}")).unwrap();
        let file = SharedFile {
            name: "Queen <Mab>.txt".to_owned(),
            size: Some(5),
            hash: Some(FileHash::Sha256([7; 32])),
            ..SharedFile::of_uri(&uri)
        };
        let elements = file.to_elements().unwrap();
        let xml = format!("<message>{}</message>", elements.as_str());
        let message = PlainMessage::read(&xml).unwrap();
        let names = [Version::Legacy, Version::Omemo2].map(|version| {
            let files = SharedFile::list(&message, version);
            assert_eq!(files.len(), 1);
            assert_eq!(files[0].url, "https://a/b/tr%C3%A8s.txt");
            assert_eq!(files[0].key.key(), file.key.key());
            files[0].name.clone()
        });
        assert_eq!(names, ["très.txt", "Queen _Mab_.txt"]);
        assert_eq!(SharedFile::text_beside(&message), "");
    }

    #[test]
    fn a_text_beside_a_file_is_not_what_says_where_the_file_is() {
        let fallback = |of: &str, body: &str| {
            format!("<fallback xmlns='{FALLBACK}' for='{of}'>{body}</fallback>")
        };
        let link = "https://a/b";
        for (body, fallback, expected) in [
            (link, fallback(SHARING, "<body/>"), ""),
            (link, fallback(SHARING, ""), ""),
            (link, fallback("urn:xmpp:reply:0", "<body/>"), link),
            ("look!", String::new(), "look!"),
            (
                "look! b",
                fallback(SHARING, "<body start='6' end='7'/>"),
                "look! b",
            ),
            (&format!("aesgcm://a/b#{KEY}"), String::new(), ""),
        ] {
            let xml = format!("<message><body>{body}</body>{fallback}</message>");
            let message = PlainMessage::read(&xml).unwrap();
            assert_eq!(SharedFile::text_beside(&message), expected);
        }
    }

    /// A server can put an element beside a legacy payload.
    #[test]
    fn nothing_beside_a_legacy_text_is_a_file() {
        let uri = AesgcmUri::parse(&format!("aesgcm://a/b#{KEY}")).unwrap();
        let file = SharedFile {
            size: Some(5),
            hash: Some(FileHash::Sha256([7; 32])),
            ..SharedFile::of_uri(&uri)
        };
        let elements = file.to_elements().unwrap();
        let (_, beside) = elements.split_once("</body>").unwrap();
        let xml = format!("<message><body>look</body>{beside}</message>");
        let message = PlainMessage::read(&xml).unwrap();
        assert!(SharedFile::list(&message, Version::Legacy).is_empty());
        assert_eq!(SharedFile::list(&message, Version::Omemo2).len(), 1);
    }
}
