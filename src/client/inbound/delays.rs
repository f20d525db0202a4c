//! When a message was sent, as who has kept it says.

use rand_core::TryCryptoRng;

use crate::client::Client;
use crate::model::{BareJid, OwnKey, Timestamp};
use crate::stanza::Message;

impl<R: TryCryptoRng> Client<R> {
    /// The time of a message's own `<delay/>` (XEP-0203), if one is in the name of somebody who may have kept
    /// it: our own server, for offline messages; the bare address that the message is from, which is the
    /// sender's or, for its history, the room's. Of several the first, which is the oldest. Nobody
    /// authenticates it: the sender can have written it, too.
    pub(super) fn kept_since(
        &self,
        message: &Message<'_, OwnKey>,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let from = message.sender().ok()?;
        let from = from.unwrap_or_else(|| self.account.jid().clone());
        let is_own_server = |by: &str| {
            let by = by.parse::<BareJid>().ok();
            by.is_some_and(|by| by.local().is_none() && by.domain() == self.account.jid().domain())
        };
        let mut delays = message.delays.iter();
        let kept = delays.find(|delay| {
            let by = delay.from.as_deref();
            by.is_some_and(|by| from.is_spelt(by) || is_own_server(by))
        });
        // Nothing was written later than now.
        kept.map(|delay| delay.stamp.min(now))
    }
}
