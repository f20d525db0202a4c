//! Shared files: what is written is what is read again, and the key opens the file.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

use getrandom::SysRng;
use omemo::files::{Cipher, Claim, FileHash, FileKey, decrypt, encrypt};
use omemo::stanza::{
    Affixes, Defect, Disposition, EncryptedSource, Envelope, FileMetadata, FileSharing, Limit,
    ListedHash, MAX_FILES, MAX_HASHES, MAX_SOURCES, StanzaError, XmlError, write_envelope,
};
use zeroize::Zeroizing;

/// The example of XEP-0448 §3.1, without what stands around it.
const EXAMPLE: &str = "\
  <file-sharing xmlns='urn:xmpp:sfs:0'>
    <file xmlns='urn:xmpp:file:metadata:0'>
      <media-type>image/jpeg</media-type>
      <name>summit.jpg</name>
      <size>3032449</size>
      <dimension>4096x2160</dimension>
      <hash xmlns='urn:xmpp:hashes:2' algo='sha3-256'>2XarmwTlNxDAMkvymloX3S5+VbylNrJt/l5QyPa+YoU=</hash>
      <hash xmlns='urn:xmpp:hashes:2' algo='id-blake2b256'>2AfMGH8O7UNPTvUVAM9aK13mpCY=</hash>
      <desc>Photo from the summit.</desc>
      <thumbnail xmlns='urn:xmpp:thumbs:1' uri='cid:sha1+ffd7c8d28e9c5e82afea41f97108c6b4@bob.xmpp.org' media-type='image/png' width='128' height='96'/>
    </file>
    <sources>
      <encrypted xmlns='urn:xmpp:esfs:0' cipher='urn:xmpp:ciphers:aes-256-gcm-nopadding:0'>
        <key>SuRJ2agVm/pQbJQlPq/B23Xt1YOOJCcEGJA5HrcYOGQ=</key>
        <iv>T8RDMBaiqn6Ci4Nw</iv>
        <hash xmlns='urn:xmpp:hashes:2' algo='sha3-256'>BgKI2gp2kNCRsARNvhFmw5kFf9BBo2pTbV2D8XHTMWI=</hash>
        <hash xmlns='urn:xmpp:hashes:2' algo='id-blake2b256'>id4cnqqy9/ssfCkM4vYSkiXXrlE=</hash>
        <sources xmlns='urn:xmpp:sfs:0'>
          <url-data xmlns='http://jabber.org/protocol/url-data' target='https://download.montague.lit/4a771ac1-f0b2-4a4a-9700-f2a26fa2bb67/encrypted.jpg' />
        </sources>
      </encrypted>
      <jinglepub xmlns='urn:xmpp:jinglepub:1' from='romeo@montague.lit/resource' id='9559976B-3FBF-4E7E-B457-2DAA225972BB'>
        <description xmlns='urn:xmpp:jingle:apps:file-transfer:5' />
      </jinglepub>
    </sources>
  </file-sharing>";

fn one(content: &str) -> FileSharing {
    let mut files = FileSharing::list(content).unwrap();
    assert_eq!(files.len(), 1, "{content}");
    files.remove(0)
}

fn hash(algorithm: &str, bytes: &[u8]) -> ListedHash {
    ListedHash {
        algorithm: algorithm.to_owned(),
        bytes: bytes.to_vec(),
    }
}

/// A file with everything that there can be.
fn full() -> FileSharing {
    let source = |cipher: Cipher, urls: &[&str]| EncryptedSource {
        cipher: cipher.uri().to_owned(),
        key: Zeroizing::new(vec![1; cipher.key_len()]),
        iv: vec![2; cipher.iv_len()],
        hashes: vec![hash("sha-256", &[3; 32]), hash("sha3-256", &[4; 32])],
        urls: urls.iter().map(|url| (*url).to_owned()).collect(),
    };
    FileSharing {
        id: Some("a'b".to_owned()),
        disposition: Some(Disposition::Inline),
        metadata: FileMetadata {
            media_type: Some("image/jpeg".to_owned()),
            name: Some("R & J <3.jpg".to_owned()),
            description: Some("\r\n\tTogether ]]>".to_owned()),
            size: Some(u64::MAX),
            width: Some(4096),
            height: Some(0),
            hashes: vec![hash("sha-256", &[5; 32])],
        },
        sources: vec![
            source(Cipher::Aes256Gcm, &["https://a.example/?b=c&d='e'"]),
            source(Cipher::Aes256Cbc, &["https://a.example/1", "https://b/2"]),
        ],
    }
}

#[test]
fn the_example_of_the_specification() {
    let file = one(EXAMPLE);
    assert_eq!((&file.id, file.disposition), (&None, None));
    let metadata = &file.metadata;
    assert_eq!(metadata.name.as_deref(), Some("summit.jpg"));
    assert_eq!(metadata.media_type.as_deref(), Some("image/jpeg"));
    let description = metadata.description.as_deref();
    assert_eq!(description, Some("Photo from the summit."));
    assert_eq!(metadata.size, Some(3_032_449));
    assert_eq!((metadata.width, metadata.height), (None, None));
    let algorithms = metadata.hashes.iter().map(|hash| &*hash.algorithm);
    assert_eq!(
        algorithms.collect::<Vec<_>>(),
        ["sha3-256", "id-blake2b256"]
    );

    assert_eq!(file.sources.len(), 1);
    let source = &file.sources[0];
    assert_eq!(Cipher::from_uri(&source.cipher), Some(Cipher::Aes256Gcm));
    assert_eq!((source.key.len(), source.iv.len()), (32, 12));
    assert_eq!(source.hashes.len(), 2);
    assert_eq!(
        source.urls,
        ["https://download.montague.lit/4a771ac1-f0b2-4a4a-9700-f2a26fa2bb67/encrypted.jpg"]
    );
    assert_eq!(one(&file.to_xml().unwrap()), file);
}

#[test]
fn a_file_byte_for_byte() {
    let mut file = full();
    file.sources.truncate(1);
    file.sources[0].key = Zeroizing::new(vec![0, 1, 2]);
    assert_eq!(
        *file.to_xml().unwrap(),
        "<file-sharing xmlns='urn:xmpp:sfs:0' disposition='inline' id='a&apos;b'>\
         <file xmlns='urn:xmpp:file:metadata:0'><media-type>image/jpeg</media-type>\
         <name>R &amp; J &lt;3.jpg</name><size>18446744073709551615</size><width>4096</width>\
         <height>0</height><hash xmlns='urn:xmpp:hashes:2' algo='sha-256'>\
         BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU=</hash>\
         <desc>&#13;\n\tTogether ]]&gt;</desc></file><sources>\
         <encrypted xmlns='urn:xmpp:esfs:0' cipher='urn:xmpp:ciphers:aes-256-gcm-nopadding:0'>\
         <key>AAEC</key><iv>AgICAgICAgICAgIC</iv>\
         <hash xmlns='urn:xmpp:hashes:2' algo='sha-256'>\
         AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=</hash>\
         <hash xmlns='urn:xmpp:hashes:2' algo='sha3-256'>\
         BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ=</hash>\
         <sources xmlns='urn:xmpp:sfs:0'><url-data xmlns='http://jabber.org/protocol/url-data' \
         target='https://a.example/?b=c&amp;d=&apos;e&apos;'/></sources></encrypted></sources>\
         </file-sharing>"
    );
}

/// From the file of the sender to that of the recipient.
#[test]
fn a_file_in_an_envelope() {
    let text = "Wherefore art thou?".repeat(1000);
    for cipher in Cipher::ALL {
        let sent = encrypt(cipher, text.as_bytes(), &mut SysRng).unwrap();
        let mut file = full();
        file.metadata.size = Some(sent.size);
        file.metadata.hashes = vec![hash(sent.hash.algorithm(), sent.hash.as_bytes())];
        file.sources.truncate(1);
        file.sources[0].cipher = sent.key.cipher().uri().to_owned();
        file.sources[0].key = Zeroizing::new(sent.key.key().to_vec());
        file.sources[0].iv = sent.key.iv().to_vec();

        let account = "juliet@capulet.example".parse().unwrap();
        let affixes = Affixes {
            from: &account,
            to: &account,
            time: None,
        };
        let content = file.to_xml().unwrap();
        let plaintext = write_envelope(&content, &affixes, &mut SysRng).unwrap();
        let envelope = Envelope::read(plaintext.as_bytes()).unwrap();
        let read = one(&envelope.content);
        assert_eq!(read, file);

        let source = &read.sources[0];
        let cipher = Cipher::from_uri(&source.cipher).unwrap();
        let key = FileKey::new(cipher, &source.key, &source.iv).unwrap();
        let told = &read.metadata.hashes[0];
        let claim = Claim {
            size: read.metadata.size,
            hash: FileHash::new(&told.algorithm, &told.bytes),
        };
        let opened = decrypt(&key, claim, &sent.sink).unwrap();
        assert_eq!(*opened, text.as_bytes());
    }
}

#[test]
fn several_files_and_other_things() {
    let file = full().to_xml().unwrap();
    let content = format!("a<body xmlns='b'/>{}{EXAMPLE}<x xmlns='y'/>", *file);
    let files = FileSharing::list(&content).unwrap();
    assert_eq!(files, [full(), one(EXAMPLE)]);
    for none in [
        "",
        "text",
        "<file-sharing/>",
        "<file-sharing xmlns='urn:xmpp:sfs:1'/>",
        "<x xmlns='y'><file-sharing xmlns='urn:xmpp:sfs:0'/></x>",
    ] {
        assert_eq!(FileSharing::list(none), Ok(vec![]), "{none}");
    }
    let empty = one("<file-sharing xmlns='urn:xmpp:sfs:0' disposition='other'/>");
    assert_eq!(empty, FileSharing::default());
}

#[test]
fn one_bad_source_does_not_cost_the_others() {
    let good =
        "<encrypted xmlns='urn:xmpp:esfs:0' cipher='x'><key>AAEC</key><iv>AA==</iv></encrypted>";
    let file = |sources: &str| {
        format!("<file-sharing xmlns='urn:xmpp:sfs:0'><sources>{sources}</sources></file-sharing>")
    };
    for bad in [
        good.replace(" cipher='x'", ""),
        good.replace("<key>AAEC</key>", ""),
        good.replace("AAEC", "?"),
        good.replace("<iv>AA==</iv>", ""),
        good.replace("<iv>", "<iv xmlns='y'>"),
        good.replace("urn:xmpp:esfs:0", "urn:xmpp:esfs:1"),
        "<url-data xmlns='http://jabber.org/protocol/url-data' target='https://a'/>".to_owned(),
    ] {
        assert_eq!(one(&file(&bad)).sources, [], "{bad}");
        let both = one(&file(&format!("{bad}{good}")));
        assert_eq!(both.sources.len(), 1, "{bad}");
    }
    let twice = good.replace("</key>", "</key><key>AAAA</key>");
    assert_eq!(*one(&file(&twice)).sources[0].key, [0, 1, 2]);

    let metadata = |inside: &str| {
        one(&format!(
            "<file-sharing xmlns='urn:xmpp:sfs:0'>\
             <file xmlns='urn:xmpp:file:metadata:0'>{inside}</file></file-sharing>"
        ))
        .metadata
    };
    for size in ["", "-1", "1e3", "18446744073709551616", "0x10"] {
        assert_eq!(metadata(&format!("<size>{size}</size>")).size, None);
    }
    assert_eq!(metadata("<size> 7\n</size><size>8</size>").size, Some(7));
    let hashes = "<hash xmlns='urn:xmpp:hashes:2' algo='a'>?</hash><hash algo='a'>AAAA</hash>\
                  <hash xmlns='urn:xmpp:hashes:2'>AAAA</hash>";
    assert_eq!(metadata(hashes).hashes, []);
}

#[test]
fn what_encrypted_files_must_have() {
    let missing = |element| {
        Err(StanzaError::Malformed {
            element,
            defect: Defect::Missing,
        })
    };
    let mut file = full();
    file.metadata.size = None;
    assert_eq!(file.to_xml(), missing("size"));
    let mut file = full();
    file.metadata.hashes.clear();
    assert_eq!(file.to_xml(), missing("hash"));
    let mut file = full();
    file.sources[1].urls.clear();
    assert_eq!(file.to_xml(), missing("url-data"));

    let spoilt: [fn(&mut FileSharing, String); 7] = [
        |file, text| file.id = Some(text),
        |file, text| file.metadata.name = Some(text),
        |file, text| file.metadata.media_type = Some(text),
        |file, text| file.metadata.description = Some(text),
        |file, text| file.metadata.hashes[0].algorithm = text,
        |file, text| file.sources[1].cipher = text,
        |file, text| file.sources[0].urls[0] = text,
    ];
    for spoil in spoilt {
        let mut file = full();
        spoil(&mut file, "a\0b".to_owned());
        assert_eq!(file.to_xml(), Err(XmlError::Character.into()));
    }
}

#[test]
fn a12_files_sources_and_hashes_are_counted() {
    let file = |count: usize| "<file-sharing xmlns='urn:xmpp:sfs:0'/>".repeat(count);
    assert_eq!(
        FileSharing::list(&file(MAX_FILES)).unwrap().len(),
        MAX_FILES
    );
    assert_eq!(
        FileSharing::list(&file(MAX_FILES + 1)),
        Err(Limit::Files.into())
    );
    let xml = full().to_xml().unwrap();
    for (start, end, most, limit) in [
        ("<encrypted ", "</encrypted>", MAX_SOURCES, Limit::Sources),
        ("<url-data ", "/>", MAX_SOURCES, Limit::Sources),
        ("<hash ", "</hash>", MAX_HASHES, Limit::Hashes),
    ] {
        let at = xml.find(start).unwrap();
        let length = xml[at..].find(end).unwrap() + end.len();
        let (before, rest) = xml.split_at(at);
        let (element, after) = rest.split_at(length);
        let repeated = |count: usize| format!("{before}{}{after}", element.repeat(count));
        // There is another source behind the first one.
        let others = usize::from(start == "<encrypted ");
        let outcome = |count: usize| FileSharing::list(&repeated(count - others)).map(|_| ());
        assert_eq!(outcome(most), Ok(()), "{start}");
        assert_eq!(outcome(most + 1), Err(limit.into()), "{start}");
    }
}

#[test]
fn no_more_is_written_than_is_read() {
    type Change = fn(&mut FileSharing, usize);
    let changes: [(Change, usize, Limit); 4] = [
        (
            |file, count| file.sources = vec![file.sources[0].clone(); count],
            MAX_SOURCES,
            Limit::Sources,
        ),
        (
            |file, count| file.sources[0].urls = vec!["https://a".to_owned(); count],
            MAX_SOURCES,
            Limit::Sources,
        ),
        (
            |file, count| file.metadata.hashes = vec![hash("a", b"b"); count],
            MAX_HASHES,
            Limit::Hashes,
        ),
        (
            |file, count| file.sources[0].hashes = vec![hash("a", b"b"); count],
            MAX_HASHES,
            Limit::Hashes,
        ),
    ];
    for (change, most, limit) in changes {
        let mut file = full();
        change(&mut file, most);
        assert_eq!(one(&file.to_xml().unwrap()), file);
        change(&mut file, most + 1);
        assert_eq!(file.to_xml(), Err(limit.into()));
    }
}

#[test]
fn a12_what_xmpp_forbids_between_elements() {
    for (xml, error) in [
        ("<!DOCTYPE a><a xmlns='b'/>", XmlError::DocumentType),
        ("<a xmlns='b'/><!-- -->", XmlError::Comment),
        ("<?a?>", XmlError::Instruction),
        ("&lol;", XmlError::Entity),
        ("<a:b/>", XmlError::Namespace),
        ("<a>", XmlError::Syntax),
        ("</a>", XmlError::Syntax),
        ("<a/></a>", XmlError::Syntax),
        ("a]]>", XmlError::Syntax),
        ("\0", XmlError::Character),
    ] {
        assert_eq!(FileSharing::list(xml), Err(error.into()), "{xml}");
    }
}

#[test]
fn nothing_is_printed() {
    let shown = format!("{:?}", full());
    for text in ["R & J", "Together", "a.example", "a'b", "1, 1"] {
        assert!(!shown.contains(text), "{shown}");
    }
}
