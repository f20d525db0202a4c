//! What a device list contains that is not ours to take away (XEP-0384 §5.3.1).
//!
//! An own list is one item that every device of the account replaces as a whole. What this crate does not read
//! of the entries of others (labels without a signature, attributes and elements of other specifications) is
//! kept as it was, and written again. It was read by a parser that accepts no comments, instructions, entities
//! or declarations of a document, and it is read once more before it is written.

use super::device_list::{is_device, name, signed_label};
use super::tag::{Namespace, Tag};
use super::xml::{Reader, Scope};
use super::{MAX_DEVICES, StanzaError, parse_id};
use crate::model::{Device, DeviceId, ListExtras, Version};

/// An element of more bytes is not kept.
const MAX_ELEMENT: usize = 4096;

/// All elements of a list together have no more bytes than that.
const MAX_EXTRAS: usize = 64 * 1024;

/// Reads what a device list contains beside ids and signed labels. What is too large is left out: an entry of
/// more than 4 KiB, and what comes after 64 KiB in all.
///
/// # Errors
/// [`StanzaError`], as for [`read_device_list`](super::read_device_list).
pub fn read_list_extras(version: Version, xml: &str) -> Result<ListExtras, StanzaError> {
    let name = name(version);
    let mut reader = Reader::new(xml, Scope::Stream)?;
    if !reader.root()?.is(Namespace::Omemo(version), name) {
        return Err(StanzaError::missing(name));
    }
    let mut extras = ListExtras::default();
    let mut left = MAX_EXTRAS;
    let mut count = 0;
    while let Some(tag) = reader.child()? {
        let element = reader.element(&tag)?;
        count += 1;
        if count > MAX_DEVICES || element.len() > MAX_ELEMENT.min(left) {
            continue;
        }
        if !is_device(version, &tag) {
            left -= element.len();
            extras.others.push(element.into_owned());
        } else if let Some(id) = device_id(&tag)
            && !extras.devices.contains_key(&id)
            && has_more(version, &tag, &element)
        {
            left -= element.len();
            extras.devices.insert(id, element.into_owned());
        }
    }
    reader.finish()?;
    Ok(extras)
}

/// The entry of a device as it was, if it still is the entry of this device with this label.
pub(super) fn entry<'e>(
    extras: &'e ListExtras,
    version: Version,
    device: &Device,
) -> Option<&'e str> {
    let element = extras.devices.get(&device.id)?;
    let is_same = |tag: &Tag<'_>| {
        is_device(version, tag)
            && device_id(tag) == Some(device.id)
            && signed_label(version, tag) == device.label
    };
    stands_alone(element, is_same).then_some(element)
}

/// The elements beside the entries.
pub(super) fn others(extras: &ListExtras, version: Version) -> impl Iterator<Item = &str> {
    let others = extras.others.iter().map(String::as_str);
    others.filter(move |element| stands_alone(element, |tag| !is_device(version, tag)))
}

/// Whether a text is one well-formed element, of the kind that is expected.
fn stands_alone(element: &str, is_expected: impl FnOnce(&Tag<'_>) -> bool) -> bool {
    let read = || -> Result<bool, StanzaError> {
        let mut reader = Reader::new(element, Scope::Stream)?;
        let is_it = is_expected(&reader.root()?);
        while reader.child()?.is_some() {
            reader.skip()?;
        }
        reader.finish()?;
        Ok(is_it)
    };
    element.len() <= MAX_ELEMENT && read().unwrap_or(false)
}

fn device_id(tag: &Tag<'_>) -> Option<DeviceId> {
    DeviceId::new(parse_id(&tag.attribute("id")?)?)
}

/// Whether an entry has more in it than is read.
fn has_more(version: Version, tag: &Tag<'_>, element: &str) -> bool {
    let has_label = signed_label(version, tag).is_some();
    let is_read = |name: &str| name == "id" || has_label && matches!(name, "label" | "labelsig");
    !element.ends_with("/>") || tag.names().any(|name| !is_read(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DeviceList;
    use crate::stanza::{read_device_list, write_list_with_extras};

    fn again(version: Version, xml: &str) -> String {
        let list = read_device_list(version, xml).unwrap();
        let extras = read_list_extras(version, xml).unwrap();
        write_list_with_extras(&list, &extras)
    }

    #[test]
    fn what_others_have_written_is_written_again() {
        let signature = "A".repeat(86);
        for (version, xml) in [
            (
                Version::Omemo2,
                "<devices xmlns='urn:xmpp:omemo:2'><device id='5' label='Laptop'/></devices>"
                    .to_owned(),
            ),
            (
                Version::Legacy,
                "<list xmlns='eu.siacs.conversations.axolotl'><device id='5' label='x'/></list>"
                    .to_owned(),
            ),
            (
                Version::Omemo2,
                format!(
                    "<devices xmlns='urn:xmpp:omemo:2'>\
                     <device id='6' x='&lt;&#39;&amp;' label='a' labelsig='{signature}=='/>\
                     <device id='7'><note xmlns='urn:y'>&lt;b&gt;</note></device><device id='8'/>\
                     <z xmlns='urn:z'/></devices>"
                ),
            ),
        ] {
            assert_eq!(again(version, &xml), xml);
        }
        // Declarations around it come along.
        let xml = "<o:devices xmlns:o='urn:xmpp:omemo:2' xmlns:e='urn:e'><o:device id='5' e:x='y'/></o:devices>";
        let written = again(Version::Omemo2, xml);
        assert!(
            written.contains("e:x='y'") && written.contains("xmlns:e"),
            "{written}"
        );
        assert_eq!(
            read_device_list(Version::Omemo2, &written)
                .unwrap()
                .devices
                .len(),
            1
        );
        let written = again(Version::Omemo2, &written);
        assert_eq!(
            again(Version::Omemo2, &written),
            written,
            "it grows no more"
        );
    }

    #[test]
    fn only_what_still_is_the_entry_of_a_device_is_written() {
        let device = |id| Device {
            id: DeviceId::new(id).unwrap(),
            label: None,
        };
        let list = DeviceList {
            version: Version::Omemo2,
            devices: vec![device(5)],
        };
        let plain = "<devices xmlns='urn:xmpp:omemo:2'><device id='5'/></devices>";
        for forged in [
            "<device xmlns='urn:xmpp:omemo:2' id='6' x='y'/>",
            "<device xmlns='urn:xmpp:omemo:1' id='5' x='y'/>",
            "<device xmlns='urn:xmpp:omemo:2' id='5'/></devices><device id='7'/>",
            "<device xmlns='urn:xmpp:omemo:2' id='5'><!-- --></device>",
            "<device xmlns='urn:xmpp:omemo:2' id='5'",
            "",
        ] {
            let mut extras = ListExtras::default();
            extras.devices.insert(list.devices[0].id, forged.to_owned());
            extras.others.push(forged.to_owned());
            let written = write_list_with_extras(&list, &extras);
            let read = read_device_list(Version::Omemo2, &written).unwrap();
            assert_eq!(read, list, "{forged}");
            if !forged.contains("omemo:1") {
                assert_eq!(written, plain, "{forged}");
            }
        }
        // Who has left the list has no entry.
        let mut extras = ListExtras::default();
        let entry = "<device xmlns='urn:xmpp:omemo:2' id='9' x='y'/>".to_owned();
        extras.devices.insert(device(9).id, entry);
        assert_eq!(write_list_with_extras(&list, &extras), plain);
    }

    #[test]
    fn what_is_too_large_is_left_out() {
        let large = "x".repeat(MAX_ELEMENT);
        let many: String = (1..=1000)
            .map(|id| format!("<device id='{id}' x='{}'/>", "y".repeat(200)))
            .collect();
        for (inside, most) in [
            (format!("<device id='1' x='{large}'/>"), 0),
            (many, MAX_EXTRAS),
        ] {
            let xml = format!("<devices xmlns='urn:xmpp:omemo:2'>{inside}</devices>");
            let extras = read_list_extras(Version::Omemo2, &xml).unwrap();
            let kept: usize = extras.devices.values().map(String::len).sum();
            assert!(kept <= most, "{kept}");
            assert!(kept > 0 || most == 0);
        }
    }
}
