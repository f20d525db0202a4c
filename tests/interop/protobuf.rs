//! Google's protobuf library reads the same bytes: it and we agree on what is no protobuf, and on every
//! field of what is.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use omemo::crypto::{RatchetKeyPair, Secret};
use omemo::error::MessageError;
use omemo::model::Version;
use omemo::protocol::{RatchetMessage, of};
use omemo::ratchet::Header;
use rand::RngExt;
use rand::rngs::StdRng;

const BATCH: usize = 500;

/// Returns how many of the inputs were messages.
pub(crate) fn compare(python: &str, script: &str, count: usize, rng: &mut StdRng) -> usize {
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut messages = 0;
    let mut done = 0;
    while done < count {
        let version = Version::ALL[done / BATCH % 2];
        let batch: Vec<Vec<u8>> = (0..BATCH).map(|_| mutated(version, rng)).collect();
        let mut questions = String::new();
        for bytes in &batch {
            let kind = if version == Version::Legacy {
                "legacy"
            } else {
                "omemo2"
            };
            writeln!(questions, "{kind} {}", hex(bytes)).unwrap();
        }
        writeln!(input, "{questions}").unwrap();
        input.flush().unwrap();
        for bytes in &batch {
            let theirs = output.next().unwrap().unwrap();
            messages += usize::from(agree(version, bytes, &theirs));
        }
        done += batch.len();
    }
    drop(input);
    assert!(child.wait().unwrap().success());
    messages
}

/// Whether it is a message; panics where the two differ.
fn agree(version: Version, bytes: &[u8], theirs: &str) -> bool {
    let wire = match version {
        Version::Legacy => [&[0x33], bytes, &[0; 8]].concat(),
        Version::Omemo2 => bytes.to_vec(),
    };
    let ours = RatchetMessage::read(version, &wire);
    let mut fields: Vec<String> = theirs.split(' ').map(str::to_owned).collect();
    if let Some(key) = fields.get_mut(if version == Version::Legacy { 0 } else { 5 }) {
        *key = without_top_bit(key);
    }
    let said = || format!("{version:?} {}: {ours:?}, {theirs}", hex(bytes));
    if is_grey(bytes) && (theirs == "error" || ours == Err(MessageError::Protobuf)) {
        return false;
    }
    match &ours {
        Ok(message) => {
            let header = message.header();
            let (n, pn) = (header.n.to_string(), header.pn.to_string());
            let dh = hex(header.dh.as_bytes());
            let ciphertext = format!("x{}", hex(message.ciphertext()));
            let expected = match version {
                Version::Legacy => {
                    // An absent counter of the previous chain counts as zero.
                    let absent = fields.get(2).is_some_and(|field| field == "-");
                    let pn = if absent { "-".to_owned() } else { pn };
                    vec![format!("x05{dh}"), n, pn, ciphertext]
                }
                Version::Omemo2 => {
                    let mac = format!("x{}", hex(message.mac()));
                    let inner = fields[1].clone();
                    vec![
                        mac,
                        inner,
                        "/".to_owned(),
                        n,
                        pn,
                        format!("x{dh}"),
                        ciphertext,
                    ]
                }
            };
            assert_eq!(fields, expected, "{}", said());
            true
        }
        Err(MessageError::Protobuf) => {
            assert_eq!(theirs, "error", "{}", said());
            false
        }
        // The outer message has nothing inside: what is inside was not looked at.
        Err(MessageError::Missing("mac" | "message")) => false,
        Err(_) => {
            assert_ne!(theirs, "error", "{}", said());
            false
        }
    }
}

/// A key in hexadecimal as X25519 takes it: the last byte's top bit does not count.
fn without_top_bit(key: &str) -> String {
    match key.split_at_checked(key.len().saturating_sub(2)) {
        Some((start, last)) => match u8::from_str_radix(last, 16) {
            Ok(byte) if key.len() >= 65 => format!("{start}{:02x}", byte & 0x7f),
            _ => key.to_owned(),
        },
        None => key.to_owned(),
    }
}

/// Whether there is, here or inside a field of bytes, what no schema of today has, so that libraries may
/// differ in whether they pass it over: a group, a field number beyond 2^29 - 1, a number beyond 2^64 - 1.
fn is_grey(mut bytes: &[u8]) -> bool {
    while let Some((tag, overflows)) = varint(&mut bytes) {
        let is_group = [3, 4].contains(&(tag & 7));
        if overflows || is_group || tag >> 3 > 0x1fff_ffff {
            return true;
        }
        let len = match tag & 7 {
            0 => match varint(&mut bytes) {
                Some((_, true)) => return true,
                number => number.map(|_| 0),
            },
            1 => Some(8),
            2 => match varint(&mut bytes) {
                Some((_, true)) => return true,
                number => number.map(|(len, _)| len),
            },
            5 => Some(4),
            _ => None,
        };
        let len = len.and_then(|len| usize::try_from(len).ok());
        let Some((inside, rest)) = len.and_then(|len| bytes.split_at_checked(len)) else {
            return false;
        };
        if tag & 7 == 2 && is_grey(inside) {
            return true;
        }
        bytes = rest;
    }
    false
}

/// A number of at most ten bytes, and whether it does not fit 64 bits.
fn varint(bytes: &mut &[u8]) -> Option<(u64, bool)> {
    let len = bytes.iter().take(10).position(|byte| *byte < 0x80)? + 1;
    let (number, rest) = bytes.split_at(len);
    *bytes = rest;
    let digits = number.iter().rev();
    let value = digits.fold(0_u64, |value, byte| value << 7 | u64::from(byte & 0x7f));
    Some((value, len == 10 && number[9] > 1))
}

/// A message, changed in one to four places.
fn mutated(version: Version, rng: &mut StdRng) -> Vec<u8> {
    let dh = *RatchetKeyPair::from_private(Secret::new([rng.random(); 32])).public();
    let header = Header {
        dh,
        n: rng.random(),
        pn: rng.random_range(0..300),
    };
    let wire = of(version).write_message(&header, vec![7; 48], &|_| Secret::new([9; 32]));
    let mut bytes = match version {
        Version::Legacy => wire[1..wire.len() - 8].to_vec(),
        Version::Omemo2 => wire,
    };
    for _ in 0..rng.random_range(1..=4) {
        let at = rng.random_range(0..bytes.len());
        match rng.random_range(0..6) {
            0 => bytes[at] ^= 1 << rng.random_range(0..8),
            1 => bytes[at] = rng.random(),
            2 => bytes.insert(at, rng.random()),
            3 if bytes.len() > 1 => drop(bytes.remove(at)),
            4 => bytes.truncate(at.max(1)),
            _ => {
                // A field, known or not, of any wire type, in front or behind.
                let tag = rng.random_range(0..64);
                let value: Vec<u8> = (0..rng.random_range(0..12)).map(|_| rng.random()).collect();
                let field = [&[tag], &value[..]].concat();
                bytes = if rng.random() {
                    [field, bytes].concat()
                } else {
                    [bytes, field].concat()
                };
            }
        }
    }
    bytes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}
