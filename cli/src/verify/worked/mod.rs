//! `kind: worked`: a conversation with every value that is computed on the way.
//!
//! It is computed three times: by the building blocks, by two sessions that talk to each other, and (the
//! stanzas) by the readers of XML. No value may be left over.

mod blocks;
mod cast;
mod conversation;
mod payload;
mod stanza;

use super::sheet::Sheet;
use super::transcript::Transcript;
use cast::Cast;

/// Replays a conversation.
pub(super) fn replay(text: &str, sheet: &mut Sheet) -> Result<(), String> {
    let mut values = Transcript::new(text, &["messages"], sheet)?;
    let cast = Cast::read(text, &mut values)?;
    blocks::signature(&cast, &mut values)?;
    let secret = blocks::x3dh(&cast, &mut values)?;
    let chains = blocks::roots(&cast, &secret, &mut values)?;
    blocks::messages(&cast, chains, &mut values)?;
    payload::replay(&cast, &mut values)?;
    conversation::replay(&cast, &mut values)?;
    stanza::replay(&cast, &mut values)?;
    values.finish();
    Ok(())
}
