//! How large `<encrypted/>` elements become, before their keys are there: servers end the stream of who sends
//! a stanza that is too large (RFC 6120 §13.12, XEP-0478).

use super::encrypted::{exchange_attribute, write_encrypted};
use crate::model::{BareJid, DeviceId, Encrypted, RecipientKey, Version};

/// The bytes of a `<key/>` element for a device, whose content has so many bytes before base64.
///
/// ```
/// use omemo::model::{DeviceId, Version};
/// use omemo::stanza::key_size;
///
/// let device = DeviceId::new(31415).ok_or("not 0")?;
/// let key = "<key rid='31415' kex='true'>AAEC</key>";
/// assert_eq!(key_size(Version::Omemo2, device, true, 3), key.len());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn key_size(version: Version, device: DeviceId, is_key_exchange: bool, bytes: usize) -> usize {
    let digits = device.get().checked_ilog10().unwrap_or(0) as usize + 1;
    let exchange = match is_key_exchange {
        true => " ='true'".len() + exchange_attribute(version).len(),
        false => 0,
    };
    "<key rid=''></key>".len() + digits + exchange + base64_size(bytes)
}

/// The bytes that an account takes in an element besides its keys.
#[must_use]
pub const fn account_size(version: Version, account: &BareJid) -> usize {
    match version {
        Version::Legacy => 0,
        Version::Omemo2 => "<keys jid=''></keys>".len() + account.as_str().len(),
    }
}

/// The bytes of an element whose payload has so many bytes before it is encrypted, without its keys. Up to 33
/// more than it will have.
#[must_use]
pub fn element_size(version: Version, sender_device: DeviceId, payload: usize) -> usize {
    let empty = Encrypted::<RecipientKey> {
        version,
        sender_device,
        keys: Vec::new(),
        iv: Some(vec![0; 12]),
        payload: None,
    };
    let empty = write_encrypted(&empty).map_or(0, |xml| xml.len());
    // A header without keys and nonce has no end tag of its own; a cipher adds a block at most.
    let payload = base64_size(payload.saturating_add(16));
    let end = if version == Version::Omemo2 {
        "</header>".len()
    } else {
        0
    };
    empty + end + "<payload></payload>".len() + payload
}

const fn base64_size(bytes: usize) -> usize {
    bytes.div_ceil(3).saturating_mul(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_what_is_written() {
        let accounts = ["romeo@montague.example", "juliet@capulet.example"];
        for version in Version::ALL {
            for payload in [1, 15, 16, 1000] {
                let mut keys = Vec::new();
                for (index, account) in accounts.iter().enumerate() {
                    for device in [1, 9, 10, 99, 100, u32::MAX] {
                        keys.push(RecipientKey {
                            account: account.parse().unwrap(),
                            device: DeviceId::new(device).unwrap(),
                            key_exchange: index == 0,
                            bytes: vec![7; 1 + device as usize % 100],
                        });
                    }
                }
                let sender_device = DeviceId::new(27183).unwrap();
                let mut size = element_size(version, sender_device, payload);
                for key in &keys {
                    size += key_size(version, key.device, key.key_exchange, key.bytes.len());
                }
                for account in accounts {
                    size += account_size(version, &account.parse().unwrap());
                }
                let element = Encrypted {
                    version,
                    sender_device,
                    keys,
                    iv: Some(vec![0; 12]),
                    payload: Some(vec![0; payload]),
                };
                let written = write_encrypted(&element).unwrap().len();
                assert!((written..written + 33).contains(&size), "{written} {size}");
            }
        }
    }
}
