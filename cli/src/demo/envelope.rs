//! What OMEMO 2 encrypts: an envelope (XEP-0420) around the text.

use getrandom::SysRng;
use omemo::model::BareJid;
use omemo::stanza::{Affixes, write_envelope};

use crate::Failure;

/// An envelope with a body, padding that hides its length, and the sender, so that nobody can pass the
/// words off as his own.
pub(super) fn envelope(from: &BareJid, to: &BareJid, text: &str) -> Result<String, Failure> {
    let body = format!("<body xmlns='jabber:client'>{}</body>", escape(text));
    let time = None;
    let envelope = write_envelope(&body, &Affixes { from, to, time }, &mut SysRng)?;
    Ok(envelope.to_string())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
