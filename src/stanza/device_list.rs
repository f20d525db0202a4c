//! Device lists (XEP-0384 §5.3.1; 0.3.0 §4.2).
//!
//! ```text
//! legacy:   <list><device id=''/>…</list>
//! OMEMO 2:  <devices><device id='' label='' labelsig=''/>…</devices>
//! ```

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::grammar::is_character;
use super::tag::{Namespace, Tag};
use super::writer::Writer;
use super::xml::{Reader, Scope};
use super::{Limit, MAX_DEVICES, StanzaError, base64, list_extras, parse_id};
use crate::crypto::ed25519::Signature;
use crate::model::{Device, DeviceId, DeviceList, Label, ListExtras, Version};

/// Reads the device list of a version.
///
/// Empty lists are legal: the account has no devices. Entries without an id, or with one that no device
/// can have, are left out, and so are repetitions. A label without a signature of 64 bytes is dropped,
/// as nothing could show that the device gave it.
///
/// # Errors
/// [`StanzaError`].
pub fn read_device_list(version: Version, xml: &str) -> Result<DeviceList, StanzaError> {
    let name = name(version);
    let mut reader = Reader::new(xml, Scope::Stream)?;
    if !reader.root()?.is(Namespace::Omemo(version), name) {
        return Err(StanzaError::missing(name));
    }
    let mut devices = Vec::new();
    let mut known = BTreeSet::new();
    let mut count = 0;
    while let Some(tag) = reader.child()? {
        if is_device(version, &tag) {
            count += 1;
            if count > MAX_DEVICES {
                return Err(Limit::Devices.into());
            }
            let id = tag.attribute("id").and_then(|text| parse_id(&text));
            if let Some(id) = id.and_then(DeviceId::new)
                && known.insert(id)
            {
                let label = signed_label(version, &tag);
                devices.push(Device { id, label });
            }
        }
        reader.skip()?;
    }
    reader.finish()?;
    Ok(DeviceList { version, devices })
}

/// Writes a device list, its devices in their order.
///
/// Legacy has no labels. A label that XML cannot express (it has control characters in it) is left out:
/// the list is more important than how a device is called.
#[must_use]
pub fn write_device_list(list: &DeviceList) -> String {
    write_list_with_extras(list, &ListExtras::default())
}

/// Writes a device list with what others have written into it: the entries of devices that are still on it, as
/// they were, and the elements beside the entries.
#[must_use]
pub fn write_list_with_extras(list: &DeviceList, extras: &ListExtras) -> String {
    let mut writer = Writer::default();
    let namespace = list.version.namespace();
    writer.element(name(list.version), &[("xmlns", &namespace)], |writer| {
        for device in &list.devices {
            if let Some(entry) = list_extras::entry(extras, list.version, device) {
                writer.raw(&inside(entry, list.version));
                continue;
            }
            let label = device.label.as_ref().filter(|label| {
                list.version == Version::Omemo2 && label.text.chars().all(is_character)
            });
            match label {
                None => writer.empty("device", &[("id", &device.id)]),
                Some(label) => {
                    let mut signature = String::new();
                    base64::encode(label.signature.as_bytes(), &mut signature);
                    writer.empty(
                        "device",
                        &[
                            ("id", &device.id),
                            ("label", &label.text),
                            ("labelsig", &signature),
                        ],
                    );
                }
            }
        }
        for other in list_extras::others(extras, list.version) {
            writer.raw(other);
        }
    });
    writer.into_xml()
}

/// An entry without the declaration of the namespace that the list has declared.
fn inside(entry: &str, version: Version) -> Cow<'_, str> {
    let [start, namespace] = ["<device", version.namespace()];
    let rest = ['"', '\'']
        .into_iter()
        .find_map(|quote| entry.strip_prefix(&format!("{start} xmlns={quote}{namespace}{quote}")));
    rest.map_or(Cow::Borrowed(entry), |rest| {
        Cow::Owned(format!("{start}{rest}"))
    })
}

pub(super) fn is_device(version: Version, tag: &Tag<'_>) -> bool {
    tag.is(Namespace::Omemo(version), "device")
}

pub(super) const fn name(version: Version) -> &'static str {
    match version {
        Version::Legacy => "list",
        Version::Omemo2 => "devices",
    }
}

pub(super) fn signed_label(version: Version, tag: &Tag<'_>) -> Option<Label> {
    if version == Version::Legacy {
        return None;
    }
    let text = tag.attribute("label")?.into_owned();
    let signature = base64::decode(&tag.attribute("labelsig")?)?;
    let signature = Signature::from_bytes(signature.try_into().ok()?);
    Some(Label { text, signature })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stanza::XmlError;

    fn omemo2(devices: &str) -> Result<DeviceList, StanzaError> {
        let xml = format!("<devices xmlns='urn:xmpp:omemo:2'>{devices}</devices>");
        read_device_list(Version::Omemo2, &xml)
    }

    fn ids(list: &DeviceList) -> Vec<u32> {
        list.devices.iter().map(|device| device.id.get()).collect()
    }

    #[test]
    fn devices_in_order_each_once() {
        let list = read_device_list(
            Version::Legacy,
            "<list xmlns='eu.siacs.conversations.axolotl'>\
             <device id='2'/><device id='1' label='x' labelsig='y'/><device/><device id=''/>\
             <device id='0'/><device id='-5'/><device id='4294967296'/><device id='2'/>\
             <device xmlns='x' id='3'/><other id='4'/><device id=' 4294967295 '>x</device></list>",
        )
        .unwrap();
        assert_eq!(ids(&list), [2, 1, u32::MAX]);
        assert!(list.devices.iter().all(|device| device.label.is_none()));
        assert_eq!(omemo2("").unwrap().devices, []);
    }

    #[test]
    fn only_signed_labels_are_kept() {
        let signature = "A".repeat(86);
        let list = omemo2(&format!(
            "<device id='1' label='Pho&#x6e;e' labelsig='{signature}=='/><device id='2' label='a'/>\
             <device id='3' label='a' labelsig='AAAA'/><device id='4' labelsig='{signature}'/>\
             <device id='5' label='a' labelsig='?'/>"
        ))
        .unwrap();
        assert_eq!(ids(&list), [1, 2, 3, 4, 5]);
        let label = list.devices[0].label.as_ref().unwrap();
        assert_eq!(label.text, "Phone");
        assert_eq!(label.signature.as_bytes(), &[0; 64]);
        assert!(
            list.devices[1..]
                .iter()
                .all(|device| device.label.is_none())
        );
    }

    #[test]
    fn what_is_no_list_of_that_version() {
        for xml in [
            "<list xmlns='urn:xmpp:omemo:2'/>",
            "<devices xmlns='urn:xmpp:omemo:1'/>",
            "<devices/>",
        ] {
            assert_eq!(
                read_device_list(Version::Omemo2, xml),
                Err(StanzaError::missing("devices"))
            );
        }
        assert_eq!(omemo2("<device id='1'>"), Err(XmlError::Syntax.into()));
    }

    #[test]
    fn devices_are_counted() {
        assert!(omemo2(&"<device id='1'/>".repeat(MAX_DEVICES)).is_ok());
        assert_eq!(
            omemo2(&"<device/>".repeat(MAX_DEVICES + 1)),
            Err(Limit::Devices.into())
        );
    }
}
