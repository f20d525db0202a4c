//! What a device has stored, to see what a step changed.

use omemo::crypto::IdentityKey;

use super::stored::Records;

/// All that a device stores and a step may change.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    pub(super) signed_pre_keys: Vec<u32>,
    pub(super) pre_keys: Vec<u32>,
    pub(super) pinned: Option<IdentityKey>,
    pub(super) sessions: Vec<Records>,
}

impl Snapshot {
    /// Says what differs, if anything does.
    pub(super) fn unchanged(&self, now: &Self) -> Result<(), String> {
        let changes: Vec<&str> = [
            (
                self.signed_pre_keys != now.signed_pre_keys,
                "signed pre-keys",
            ),
            (self.pre_keys != now.pre_keys, "pre-keys"),
            (self.pinned != now.pinned, "the pinned identity"),
            (self.sessions != now.sessions, "sessions"),
        ]
        .into_iter()
        .filter_map(|(changed, what)| changed.then_some(what))
        .collect();
        if changes.is_empty() {
            return Ok(());
        }
        Err(format!(
            "expected nothing to change, came a change of {}",
            changes.join(", ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_named() {
        let before = Snapshot {
            signed_pre_keys: vec![1],
            pre_keys: vec![1, 2],
            pinned: None,
            sessions: Vec::new(),
        };
        let now = Snapshot {
            signed_pre_keys: Vec::new(),
            pre_keys: vec![1],
            pinned: None,
            sessions: Vec::new(),
        };
        assert_eq!(before.unchanged(&before), Ok(()));
        let text = before.unchanged(&now).unwrap_err();
        assert!(text.ends_with("signed pre-keys, pre-keys"), "{text}");
    }
}
