//! What a program is told.

use std::io::Write as _;

use omemo::account::Report;
use omemo::client::Origin;
use serde_json::{Value, json};

use crate::Failure;
use crate::messenger::{Message, Plain};
use crate::talk::fetching::Fetched;

/// Prints an event.
pub(super) fn print(event: &Value) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{event}")?;
    Ok(out.flush()?)
}

pub(super) fn message(message: &Message) -> Value {
    json!({
        "ev": "msg",
        "from": message.from,
        "to": message.to,
        "body": message.body,
        "type": kind(message.is_groupchat),
        "ns": message.version.namespace(),
        "device_id": message.device.get(),
        "carbon": matches!(message.origin, Origin::CarbonSent | Origin::CarbonReceived),
    })
}

pub(super) fn file(message: &Message, (file, result): Fetched) -> Value {
    match result {
        Ok(path) => json!({
            "ev": "file",
            "from": message.from,
            "path": path,
            "name": file.name,
            "type": kind(message.is_groupchat),
            "ns": message.version.namespace(),
        }),
        Err(error) => json!({
            "ev": "file-failed",
            "from": message.from,
            "name": file.name,
            "error": error.to_string(),
        }),
    }
}

pub(super) fn plain(plain: &Plain) -> Value {
    json!({
        "ev": "plain",
        "from": plain.from,
        "body": plain.body,
        "type": kind(plain.is_groupchat),
    })
}

pub(super) fn sent(tag: Option<i64>, report: &Report) -> Value {
    let skipped = report.skipped();
    let skipped = skipped.map(|(device, gap)| format!("{}: {gap:?}", device.device));
    let keys = report.encrypted().map(|device| device.device.get());
    json!({
        "ev": "sent",
        "tag": tag,
        "keys": keys.collect::<Vec<_>>(),
        "skipped": skipped.collect::<Vec<_>>(),
    })
}

const fn kind(is_groupchat: bool) -> &'static str {
    if is_groupchat { "groupchat" } else { "chat" }
}
