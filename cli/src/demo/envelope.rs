//! Writing the envelope of OMEMO 2 (XEP-0420), as much of it as the demo needs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use getrandom::SysRng;
use omemo::crypto::random;
use omemo::model::BareJid;

use crate::Failure;

/// What OMEMO 2 encrypts: an envelope (XEP-0420) with a body, padding that hides its length, and the
/// sender, so that nobody can pass the words off as his own.
pub(super) fn envelope(from: &BareJid, text: &str) -> Result<String, Failure> {
    let noise = random::<100, _>(&mut SysRng)?;
    let [length, bytes @ ..] = noise.expose();
    let padding = bytes.split_at(usize::from(length % 100)).0;
    Ok(format!(
        "<envelope xmlns='urn:xmpp:sce:1'><content><body xmlns='jabber:client'>{}</body></content>\
         <rpad>{}</rpad><from jid='{}'/></envelope>",
        escape(text),
        BASE64.encode(padding),
        escape(from.as_str()),
    ))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('\'', "&apos;")
}
