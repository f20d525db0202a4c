//! Requests that are open: what each is for, who may answer it, and until when.

use core::fmt;
use core::str::FromStr;
use std::collections::{BTreeMap, BTreeSet};

use rand_core::TryCryptoRng;

use super::knowledge::Resource;
use crate::account::{AccountError, Peer};
use crate::crypto::random;
use crate::model::{BareJid, DeviceList, Timestamp, Version};
use crate::stanza::{IqAnswer, MaxItems, Request, RequestKind};

/// Names a request. Drawn at random, so that nobody can answer what he was not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(u64);

impl RequestId {
    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The id of that number.
    #[must_use]
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "omemo-{:016x}", self.0)
    }
}

/// Reads what [`Display`](fmt::Display) wrote; an id of an `<iq/>` that is not ours is an error.
impl FromStr for RequestId {
    type Err = NotOurs;

    fn from_str(text: &str) -> Result<Self, NotOurs> {
        let digits = text.strip_prefix("omemo-").ok_or(NotOurs)?;
        let is_plain = digits.len() == 16 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        let number = u64::from_str_radix(digits, 16).ok().filter(|_| is_plain);
        number.map(Self).ok_or(NotOurs)
    }
}

/// The id of somebody else's request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotOurs;

impl fmt::Display for NotOurs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the id is of a request that this library has not made")
    }
}

impl core::error::Error for NotOurs {}

/// A request to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IqRequest {
    /// For [`Client::answer`](super::Client::answer).
    pub id: RequestId,
    /// Who is asked; `None`: the account's own server.
    pub to: Option<BareJid>,
    /// The type of the `<iq/>`.
    pub kind: RequestKind,
    /// The element in it.
    pub payload: String,
}

/// The `<iq/>`, with the request's id as its own.
impl fmt::Display for IqRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<iq type='{}' id='{}'", self.kind, self.id)?;
        if let Some(to) = &self.to {
            // No address contains what would mean something in a value.
            write!(f, " to='{to}'")?;
        }
        write!(f, ">{}</iq>", self.payload)
    }
}

/// What came of a request.
#[derive(Clone, Copy, Debug)]
pub enum Answer<'a> {
    /// The whole `<iq/>` of the type `result` or `error`.
    Stanza(&'a str),
    /// Nothing, and nothing will.
    None,
}

/// What a request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    FetchList(BareJid, Version),
    /// With the list that counts if there is no current one; `None`: it could not be read.
    FetchCurrentList(BareJid, Version, Option<DeviceList>),
    FetchBundle(Peer),
    FetchOwnBundle(Version),
    PublishBundle(Publication),
    ConfigureBundles(Publication),
    WidenBundles(Version, MaxItems),
    PublishList(Publication),
    ConfigureList(Publication),
    LeaveList(Version),
    RemoveBundle(Version),
}

impl Purpose {
    /// Whether it is about what the account itself has published.
    pub(super) fn is_own(&self, own: &BareJid) -> bool {
        self.asked().is_none_or(|resource| resource.owner() == own)
    }

    pub(super) fn asked(&self) -> Option<Resource> {
        match self {
            Self::FetchList(jid, version) | Self::FetchCurrentList(jid, version, _) => {
                Some(Resource::List(jid.clone(), *version))
            }
            Self::FetchBundle(peer) => Some(Resource::Bundle(peer.clone())),
            _ => None,
        }
    }
}

/// Something that is being published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Publication {
    pub(super) version: Version,
    pub(super) revision: u64,
    /// `None`: the server takes no number with a publication.
    pub(super) max_items: Option<MaxItems>,
    /// The node was configured for it already.
    pub(super) is_configured: bool,
    /// The server did not find the node that it was making, and this is the second time.
    pub(super) is_repeated: bool,
}

/// A request that is open.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) purpose: Purpose,
    to: Option<BareJid>,
    until: Timestamp,
}

/// The requests that are open: thousands, when somebody writes to a large room.
#[derive(Debug, Default)]
pub(super) struct Requests {
    open: BTreeMap<RequestId, Open>,
    /// What they ask others for; each at most once.
    asked: BTreeSet<Resource>,
    times: BTreeSet<(Timestamp, RequestId)>,
}

impl Requests {
    /// Opens a request.
    pub(super) fn open<G: TryCryptoRng + ?Sized>(
        &mut self,
        purpose: Purpose,
        to: Option<BareJid>,
        request: Request,
        until: Timestamp,
        rng: &mut G,
    ) -> Result<IqRequest, AccountError> {
        let id = RequestId(u64::from_be_bytes(*random(rng)?.expose()));
        let asked = to.clone();
        self.reopen(id, Open { purpose, to, until });
        Ok(IqRequest {
            id,
            to: asked,
            kind: request.kind,
            payload: request.payload,
        })
    }

    pub(super) fn is_open(&self, is_it: impl Fn(&Purpose) -> bool) -> bool {
        self.open.values().any(|open| is_it(&open.purpose))
    }

    /// Whether somebody is being asked for it.
    pub(super) fn is_asked(&self, what: &Resource) -> bool {
        self.asked.contains(what)
    }

    /// Closes the request that is answered, if it is open and who answers was asked.
    pub(super) fn close(
        &mut self,
        id: RequestId,
        answer: Option<&IqAnswer<'_>>,
        own: &BareJid,
    ) -> Option<Open> {
        let open = self.open.get(&id)?;
        let may_answer = answer.is_none_or(|answer| {
            let asked = open.to.as_ref();
            match answer.from.as_deref() {
                // RFC 6120 §8.1.2.1: our server speaks for our account without a name.
                None | Some("") => asked.is_none_or(|asked| asked == own),
                Some(from) => match asked {
                    Some(asked) => asked.is_spelt(from),
                    None => {
                        own.is_spelt(from)
                            || from.eq_ignore_ascii_case(own.domain())
                            || is_own_client(from, answer.to.as_deref(), own)
                    }
                },
            }
        });
        if !may_answer {
            return None;
        }
        self.remove(id)
    }

    /// Opens one again whose answer could not be taken in.
    pub(super) fn reopen(&mut self, id: RequestId, open: Open) {
        self.asked.extend(open.purpose.asked());
        self.times.insert((open.until, id));
        self.open.insert(id, open);
    }

    /// Closes one that nobody has answered in time.
    pub(super) fn expire(&mut self, now: Timestamp) -> Option<(RequestId, Open)> {
        let (_, id) = *self.times.first().filter(|(until, _)| *until <= now)?;
        self.remove(id).map(|open| (id, open))
    }

    fn remove(&mut self, id: RequestId) -> Option<Open> {
        let open = self.open.remove(&id)?;
        if let Some(asked) = open.purpose.asked() {
            self.asked.remove(&asked);
        }
        self.times.remove(&(open.until, id));
        Some(open)
    }

    /// Closes all: the stream is gone, and with it every answer.
    pub(super) fn clear(&mut self) {
        self.open.clear();
        self.asked.clear();
        self.times.clear();
    }

    pub(super) fn next_expiry(&self) -> Option<Timestamp> {
        self.times.first().map(|(until, _)| *until)
    }
}

/// Whether an answer is from the full address of the account's client that it is for (RFC 3920 §9.1.2). Nobody
/// else can send from it: servers write the address of who sends into each stanza. Where an answer does not
/// say for whom it is, another client of the account could have sent it. That can publish whatever it likes
/// for the account anyway, and would have to know the request's id.
fn is_own_client(from: &str, to: Option<&str>, own: &BareJid) -> bool {
    let is_own = BareJid::from_full(from).is_ok_and(|jid| jid == *own);
    is_own && to.is_none_or(|to| to == from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_they_are_written() {
        let id = RequestId::from_number(0xfeed);
        assert_eq!(id.to_string(), "omemo-000000000000feed");
        assert_eq!(id.to_string().parse(), Ok(id));
        for other in ["", "omemo-", "omemo-feed", "omemo-+00000000000feed", "a1"] {
            assert_eq!(other.parse::<RequestId>(), Err(NotOurs));
        }
    }
}
