//! What a program is told.

use std::io::Write as _;

use omemo::account::{Fate, Report};
use omemo::client::{Origin, RefusalReason, UndecryptableReason};
use omemo::model::{BareJid, DeviceId};
use serde_json::{Map, Value, json};

use super::codes;
use crate::Failure;
use crate::messenger::{Message, Plain, References, Unreadable};
use crate::talk::fetching::Fetched;

/// Prints an event.
pub(super) fn print(event: &Value) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{event}")?;
    Ok(out.flush()?)
}

pub(super) fn message(message: &Message) -> Value {
    let mut told = object(json!({
        "ev": "msg",
        "from": message.from,
        "sender": message.sender.as_str(),
        "to": message.to,
        "body": message.body,
        "type": kind(message.is_groupchat),
        "ns": message.version.namespace(),
        "device_id": message.device.get(),
        "carbon": matches!(message.origin, Origin::CarbonSent | Origin::CarbonReceived),
    }));
    let References {
        corrects,
        answers,
        reacts,
    } = &message.references;
    if let Some(reaction) = reacts {
        // It may have a text too, for those who know no reactions.
        told.insert("ev".to_owned(), json!("reaction"));
        told.insert("reacts_to".to_owned(), json!(reaction.id));
        told.insert("reactions".to_owned(), json!(reaction.reactions));
    }
    if let Some(id) = corrects {
        told.insert("corrects".to_owned(), json!(id));
    }
    if let Some(answered) = answers {
        let answers = json!({"id": answered.id, "to": answered.to});
        told.insert("answers".to_owned(), answers);
    }
    if message.references != References::default() {
        let is_authenticated = json!(message.are_references_authenticated);
        told.insert("are_references_authenticated".to_owned(), is_authenticated);
    }
    told.into()
}

/// The members of an object.
fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

pub(super) fn unreadable(what: &Unreadable) -> Value {
    let failure = match &what.reason {
        UndecryptableReason::Failure(failure) => Some(failure),
        _ => None,
    };
    // Certain, or as the stanza says.
    let sender = what.sender.as_ref().map(|sender| sender.jid.as_str());
    let device = what.sender.as_ref().map(|sender| sender.device);
    let device = device.or_else(|| failure.map(|failure| failure.device));
    json!({
        "ev": "decrypt-failed",
        "from": what.from,
        "id": what.id,
        "type": kind(what.is_groupchat),
        "sender": sender,
        "device_id": device.map(DeviceId::get),
        "ns": failure.map(|failure| failure.version.namespace()),
        "reason": codes::unreadable(&what.reason),
        "error": what.reason.to_string(),
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
        "report": self::report(report),
    })
}

pub(super) fn refused(tag: Option<i64>, reason: &RefusalReason) -> Value {
    let (about, report) = match reason {
        RefusalReason::Recipients(refusal) => (codes::about(refusal), refusal.report()),
        _ => (None, None),
    };
    json!({
        "ev": "error",
        "tag": tag,
        "what": reason.to_string(),
        "reason": codes::refusal(reason),
        "jid": about.map(BareJid::as_str),
        "report": report.map(self::report),
    })
}

/// What becomes of each device, and who is left out of a room.
fn report(report: &Report) -> Value {
    let devices = report.devices.iter().map(|device| {
        let (jid, id) = (device.jid.as_str(), device.device.get());
        match device.fate {
            Fate::Encrypted { version, .. } => json!({
                "jid": jid,
                "device_id": id,
                "ns": version.namespace(),
            }),
            Fate::Skipped(gap) => json!({
                "jid": jid,
                "device_id": id,
                "reason": codes::gap(gap),
                "what": gap.to_string(),
            }),
        }
    });
    let left_out = report.left_out.iter().map(|member| {
        json!({
            "jid": member.jid.as_str(),
            "reason": codes::absence(member.why),
            "what": member.why.to_string(),
        })
    });
    let lists = report.lists.iter().map(|list| {
        json!({
            "jid": list.jid.as_str(),
            "ns": list.version.namespace(),
            "reason": codes::lookup(list.error),
            "what": list.error.to_string(),
            "is_known": list.is_known,
        })
    });
    json!({
        "devices": devices.collect::<Vec<_>>(),
        "left_out": left_out.collect::<Vec<_>>(),
        "lists": lists.collect::<Vec<_>>(),
    })
}

const fn kind(is_groupchat: bool) -> &'static str {
    if is_groupchat { "groupchat" } else { "chat" }
}

#[cfg(test)]
mod tests {
    use omemo::account::{
        Absence, DeviceReport, Failure, FailureReason, Gap, LeftOut, ListReport, LookupError,
        Refusal,
    };
    use omemo::model::Version;

    use super::*;

    fn romeo() -> BareJid {
        "romeo@montague.example".parse().unwrap()
    }

    #[test]
    fn a_refused_message_says_of_each_device_why() {
        let report = Report {
            devices: vec![DeviceReport {
                jid: romeo(),
                device: DeviceId::new(7).unwrap(),
                fate: Fate::Skipped(Gap::NoBundle),
                is_downgraded: false,
            }],
            left_out: vec![LeftOut {
                jid: romeo(),
                why: Absence::NoReader,
            }],
            lists: vec![ListReport {
                jid: romeo(),
                version: Version::Legacy,
                error: LookupError::NoAnswer,
                is_known: true,
            }],
        };
        let refusal = Refusal::NobodyReached(romeo(), report);
        let told = refused(Some(3), &RefusalReason::Recipients(Box::new(refusal)));
        assert_eq!(told["ev"], "error");
        assert_eq!(told["tag"], 3);
        assert_eq!(told["reason"], "nobody-reached");
        assert_eq!(told["jid"], "romeo@montague.example");
        let device = &told["report"]["devices"][0];
        assert_eq!(device["jid"], "romeo@montague.example");
        assert_eq!(device["device_id"], 7);
        assert_eq!(device["reason"], "no-bundle");
        assert!(device["what"].is_string() && device["ns"].is_null());
        assert_eq!(told["report"]["left_out"][0]["reason"], "no-reader");
        let list = &told["report"]["lists"][0];
        assert_eq!(list["reason"], "no-answer");
        assert_eq!(list["is_known"], true);
        assert_eq!(list["ns"], Version::Legacy.namespace());
    }

    #[test]
    fn a_message_that_cannot_be_read_says_why_in_words_that_stay() {
        let failure = Failure {
            reason: FailureReason::KeyGone,
            sender: Some(romeo()),
            device: DeviceId::new(7).unwrap(),
            version: Version::Omemo2,
            has_payload: true,
        };
        let mut what = Unreadable {
            from: "garden@rooms.capulet.example/romeo".to_owned(),
            id: Some("1".to_owned()),
            is_groupchat: true,
            sender: None,
            origin: Origin::Direct,
            reason: UndecryptableReason::Failure(failure),
        };
        let told = unreadable(&what);
        assert_eq!(told["ev"], "decrypt-failed");
        assert_eq!(told["from"], "garden@rooms.capulet.example/romeo");
        assert_eq!(told["id"], "1");
        assert_eq!(told["type"], "groupchat");
        assert_eq!(told["reason"], "key-gone");
        assert_eq!(told["device_id"], 7);
        assert_eq!(told["ns"], Version::Omemo2.namespace());
        // Nobody has proved who wrote it.
        assert!(told["sender"].is_null());
        assert_eq!(told["error"], what.reason.to_string());
        what.reason = UndecryptableReason::NotForThisDevice;
        let told = unreadable(&what);
        assert_eq!(told["reason"], "not-for-this-device");
        assert!(told["device_id"].is_null());
    }
}
