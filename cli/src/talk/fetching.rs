//! Messages whose files are fetched.

use std::path::PathBuf;

use omemo::account::Trust;

use super::show;
use crate::Failure;
use crate::messenger::{Message, Messenger, SharedFile, TransferError, TransferId};

/// Messages that wait for their files. They are acknowledged when they have them, or when it is known that
/// they will not: else the next start fetches them again.
#[derive(Debug, Default)]
pub struct Fetching {
    folder: Option<PathBuf>,
    held: Vec<Held>,
}

/// What became of the file of a message.
pub type Fetched = (SharedFile, Result<PathBuf, TransferError>);

/// Whether trying again would change nothing, so that the message can be acknowledged.
#[must_use]
pub fn is_settled(files: &[Fetched]) -> bool {
    let mut results = files.iter().map(|(_, result)| result);
    !results.any(|result| result.as_ref().is_err_and(TransferError::may_pass))
}

#[derive(Debug)]
struct Held {
    message: Box<Message>,
    missing: Vec<(TransferId, SharedFile)>,
    files: Vec<Fetched>,
}

impl Fetching {
    /// Fetches into that folder, if there is one.
    #[must_use]
    pub const fn new(folder: Option<PathBuf>) -> Self {
        let held = Vec::new();
        Self { folder, held }
    }

    /// Whether files are fetched.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.folder.is_some()
    }

    /// Begins to fetch what a message shares. Gives it back if there is nothing to wait for.
    ///
    /// # Errors
    /// It cannot be begun.
    pub fn hold(
        &mut self,
        messenger: &mut Messenger,
        message: Box<Message>,
    ) -> Result<Option<Box<Message>>, Failure> {
        let Some(folder) = self.folder.as_ref().filter(|_| !message.files.is_empty()) else {
            return Ok(Some(message));
        };
        if !is_welcome(messenger, &message)? {
            let from = &message.sender;
            show::note(&format!(
                "files from {from} are not fetched: no contact, or no trust"
            ));
            return Ok(Some(message));
        }
        let mut missing = Vec::new();
        for file in &message.files {
            let transfer = messenger.download(file, folder, None)?;
            missing.push((transfer, file.clone()));
        }
        self.held.push(Held {
            message,
            missing,
            files: Vec::new(),
        });
        Ok(None)
    }

    /// A transfer has ended. Gives the message and its files, if that was the last of them.
    pub fn take(
        &mut self,
        transfer: TransferId,
        result: Result<PathBuf, TransferError>,
    ) -> Option<(Box<Message>, Vec<Fetched>)> {
        let is_it = |held: &Held| held.missing.iter().any(|(id, _)| *id == transfer);
        let place = self.held.iter().position(is_it)?;
        let held = self.held.get_mut(place)?;
        let at = held.missing.iter().position(|(id, _)| *id == transfer)?;
        let (_, file) = held.missing.remove(at);
        if let Err(error) = &result {
            let from = &held.message.sender;
            show::note(&format!("{}, a file from {from}: {error}", file.name));
        }
        held.files.push((file, result));
        if !held.missing.is_empty() {
            return None;
        }
        let held = self.held.remove(place);
        Some((held.message, held.files))
    }
}

/// Whether files are fetched of whoever wrote it: else anybody could fill the disk, and would learn from
/// where.
fn is_welcome(messenger: &mut Messenger, message: &Message) -> Result<bool, Failure> {
    if message.trust == Trust::Distrusted {
        return Ok(false);
    }
    let account = messenger.omemo().account();
    Ok(message.sender == *account.jid() || account.is_accepted(&message.sender)?)
}
