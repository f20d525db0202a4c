//! What is known of one account.

use std::sync::Arc;

use getrandom::SysRng;
use omemo::account::{
    Account, AccountError, ConversationState, DeviceInfo, KnownKey, Options, PeerSurvey, Survey,
    Trust, TrustPolicy,
};
use omemo::model::{BareJid, PerVersion, Timestamp, Version};
use omemo::store::Store;

use super::finding::Finding;
use super::{contact, own};

/// An account.
pub(super) struct Case {
    pub(super) account: Account,
    pub(super) survey: Survey,
    pub(super) contacts: Vec<Contact>,
    pub(super) findings: Vec<Finding>,
}

/// A contact, or the account itself with its other devices.
pub(super) struct Contact {
    pub(super) jid: BareJid,
    pub(super) is_own: bool,
    pub(super) accepted: bool,
    pub(super) conversation: ConversationState,
    /// When its device list of each version was seen last.
    pub(super) lists: PerVersion<Option<Timestamp>>,
    pub(super) devices: Vec<DeviceInfo>,
    pub(super) keys: Vec<KnownKey>,
    pub(super) peers: Vec<PeerSurvey>,
}

impl Case {
    /// Looks at an account that is in the store, which is not written.
    pub(super) fn examine(
        store: Arc<dyn Store>,
        jid: BareJid,
        now: Timestamp,
    ) -> Result<Self, AccountError> {
        let options = Options::new(TrustPolicy::Manual);
        let account = Account::open(store, jid, options, now, &mut SysRng)?;
        let survey = account.survey()?;
        let mut contacts = Vec::new();
        let mut damaged = Vec::new();
        for jid in account.contacts()? {
            match Contact::examine(&account, &jid) {
                Ok(contact) => contacts.push(contact),
                Err(error @ AccountError::Record) => {
                    damaged.push(Finding::problem(&jid, error.to_string()));
                }
                Err(error) => return Err(error),
            }
        }
        let mut case = Self {
            account,
            survey,
            contacts,
            findings: damaged,
        };
        case.findings.extend(own::findings(&case, now));
        for contact in &case.contacts {
            case.findings.extend(contact::findings(contact, now));
        }
        Ok(case)
    }
}

impl Contact {
    fn examine(account: &Account, jid: &BareJid) -> Result<Self, AccountError> {
        let mut lists = PerVersion::default();
        for version in Version::ALL {
            *lists.get_mut(version) = account.device_list_seen(jid, version)?;
        }
        Ok(Self {
            jid: jid.clone(),
            is_own: jid == account.jid(),
            accepted: account.is_accepted(jid)?,
            conversation: account.conversation_state(jid)?,
            lists,
            devices: account.devices(jid)?,
            keys: account.keys(jid)?,
            peers: account.peers(jid)?,
        })
    }

    /// What is known of a device in each version.
    pub(super) fn peers_of(&self, device: &DeviceInfo) -> impl Iterator<Item = &PeerSurvey> {
        let id = device.id;
        self.peers.iter().filter(move |peer| peer.peer.device == id)
    }

    /// What is thought of a device's key; `None` if it has shown none.
    pub(super) fn trust(&self, device: &DeviceInfo) -> Option<Trust> {
        let fingerprint = device.fingerprint?;
        let mut keys = self.keys.iter();
        let key = keys.find(|key| key.fingerprint == fingerprint);
        Some(key.map_or(Trust::Undecided, |key| key.trust))
    }
}

/// Whether a device is on its account's list, in any version.
pub(super) fn is_listed(device: &DeviceInfo) -> bool {
    device.versions.iter().any(|(_, version)| version.listed)
}
