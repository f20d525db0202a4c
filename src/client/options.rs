//! What the application decides for a client.

use core::time::Duration;

use crate::account::{self, RoomPolicy, TrustPolicy};
use crate::model::Version;
use crate::stanza::{ElementName, Unprotected};

/// The choices of an application. They are of a handle: nothing of them is kept in the store.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Those of the account below.
    pub account: account::Options,
    /// What is done with elements that a legacy message cannot encrypt.
    pub unprotected: Unprotected,
    /// The elements that the application takes from beside a legacy message, besides those that it gets anyway: see
    /// [`reveal`](crate::stanza::reveal). Nobody has authenticated them.
    pub kept_beside: Vec<ElementName>,
    /// Whether messages wait for decisions about keys that nobody has decided about. If not, the devices
    /// are left out, and the report says so.
    pub ask_about_keys: bool,
    /// How long the answer to a request is waited for.
    pub request_timeout: Duration,
    /// How long a message waits for device lists and bundles. Then it goes out to those whose keys are
    /// there, with a report, or is refused. Time without a stream, and time that the user takes to decide,
    /// does not count.
    pub patience: Duration,
    /// How long a message waits for decisions about keys. Then it goes out without their devices, or is
    /// refused. `None`: until somebody decides.
    pub decision_patience: Option<Duration>,
    /// What becomes of a message to a room of whose members some can get nothing.
    pub rooms: RoomPolicy,
    /// Whether those who join a room after the user has decided who reads a message
    /// ([`Client::send_anyway`](super::Client::send_anyway), or an answer to a question about it) get it too.
    /// Else the report names them: a server could add readers to a text that was written for others.
    pub writes_to_joined: bool,
    /// The most bytes of a stanza; `None`: any number. What servers take by default is 256 KiB (Prosody,
    /// ejabberd); they end the stream of who sends more. Devices that would make it larger are left out, and
    /// the report says so.
    pub stanza_limit: Option<usize>,
    /// How old the device list of a contact becomes before a message asks for it again, if there is no
    /// subscription by which the server tells of changes.
    pub list_age: Duration,
}

impl Options {
    /// The recommended choices. How keys come to be trusted is for the application to say.
    #[must_use]
    pub const fn new(trust: TrustPolicy) -> Self {
        Self {
            account: account::Options::new(trust),
            unprotected: Unprotected::Drop,
            kept_beside: Vec::new(),
            ask_about_keys: true,
            request_timeout: Duration::from_secs(60),
            patience: Duration::from_secs(3 * 60),
            decision_patience: None,
            rooms: RoomPolicy::LeaveOut,
            writes_to_joined: false,
            stanza_limit: Some(256 << 10),
            list_age: Duration::from_secs(60 * 60),
        }
    }

    /// The versions that are announced and spoken.
    pub(super) fn versions(&self) -> impl Iterator<Item = Version> + use<> {
        let only = match self.account.versions {
            account::VersionPolicy::Only(version) => Some(version),
            _ => None,
        };
        Version::ALL
            .into_iter()
            .filter(move |version| only.is_none_or(|only| *version == only))
    }
}
