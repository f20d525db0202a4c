//! `<list/>` and `<devices/>`: the devices that an account announces.

use std::collections::BTreeSet;

use omemo::model::Version;
use omemo::stanza::read_device_list;

use super::outline::{Element, Outline};
use super::value::{decode, parse_id};
use crate::name_of;
use crate::page::Page;

/// XEP-0384 §5.3.1 wants labels to be shorter than this, in characters.
const LONG_LABEL: usize = 53;

/// Explains the device list at a place.
pub fn explain(page: &mut Page, version: Version, outline: &Outline<'_>, place: usize) {
    page.heading(format_args!("Device list, {}", name_of(version)));
    let mut ids = BTreeSet::new();
    for (_, child) in outline.kin(place) {
        if child.name != "device" {
            page.note(format_args!("<{}/> is unknown and passed over", child.name));
            continue;
        }
        match parse_id(child.attribute("id")) {
            Ok(0) => {
                page.note("a device has the id 0, which no device can have: it is passed over")
            }
            Ok(id) => {
                page.field("device", id);
                if !ids.insert(id) {
                    page.note("this device is there more than once");
                }
                if i32::try_from(id).is_err() {
                    page.note("the id is above 2147483647, which some clients cannot read");
                }
            }
            Err(error) => page.problem(format_args!("the id of a <device/>: {error}")),
        }
        page.indented(|page| explain_label(page, version, child));
    }
    page.field("devices", ids.len());
    if ids.is_empty() {
        page.note("an empty list: nobody can encrypt to this account in this version");
    }
    match read_device_list(version, &outline.source(place)) {
        Ok(_) => page.field("verdict", format!("well-formed, {}", name_of(version))),
        Err(error) => page.problem(format_args!("the library refuses this list: {error}")),
    }
}

fn explain_label(page: &mut Page, version: Version, device: &Element) {
    let Some(label) = device.attribute("label") else {
        if device.attribute("labelsig").is_some() {
            page.note("labelsig signs a label that is not there");
        }
        return;
    };
    page.field("label", format!("“{label}”"));
    if version == Version::Legacy {
        return page.note("legacy has no labels: it is passed over");
    }
    if label.chars().count() >= LONG_LABEL {
        page.note(format_args!(
            "labels should be shorter than {LONG_LABEL} characters"
        ));
    }
    if [32, 33].contains(&label.len()) {
        page.note(
            "the label is as long as a public key: its signature could be taken for that of a \
             signed pre-key",
        );
    }
    let Some(signature) = device.attribute("labelsig") else {
        return page
            .note("the label has no labelsig: anybody may have written it; it is not shown");
    };
    let signature = decode(page, "labelsig", signature);
    page.field(
        "labelsig",
        format!(
            "{} bytes; the identity key in the device's bundle verifies it",
            signature.len()
        ),
    );
    if signature.len() != 64 {
        page.problem(format_args!(
            "labelsig has {} bytes; 64 are right",
            signature.len()
        ));
    }
}
