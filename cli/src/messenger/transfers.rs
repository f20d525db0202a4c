//! The files that are on their way. They go on threads of their own, and tell here when they are done.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use omemo::client::Ticket;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::slots::{Service, Slot, Waiting};
use super::transfer::{Progress, download, upload};
use super::{Event, Messenger, MessengerError, Recipient, SharedFile, TransferError};
use crate::web::Web;
use crate::xmpp::tls;

/// How many files are fetched at a time.
const MAX_DOWNLOADS: usize = 4;

/// Names a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransferId(u64);

/// The transfers of an account.
pub(super) struct Transfers {
    last: u64,
    pub(super) service: Service,
    /// Until a service is found.
    pub(super) waiting: Vec<Waiting>,
    /// Until it has given them a place.
    pub(super) asked: BTreeMap<TransferId, Waiting>,
    /// Who fetches has one of these places.
    downloads: Arc<Semaphore>,
    done: UnboundedSender<Event>,
    pub(super) results: UnboundedReceiver<Event>,
    web: Option<Web>,
}

impl Default for Transfers {
    fn default() -> Self {
        let (done, results) = unbounded_channel();
        Self {
            last: 0,
            service: Service::default(),
            waiting: Vec::new(),
            asked: BTreeMap::new(),
            downloads: Arc::new(Semaphore::new(MAX_DOWNLOADS)),
            done,
            results,
            web: None,
        }
    }
}

impl Transfers {
    /// There is another stream: whoever was asked on the last one does not answer any more.
    pub(super) fn restart(&mut self) {
        self.service = Service::Unknown;
        let asked = core::mem::take(&mut self.asked);
        self.waiting.extend(asked.into_values());
    }

    fn name(&mut self) -> TransferId {
        self.last += 1;
        TransferId(self.last)
    }
}

impl Messenger {
    /// Encrypts a file and uploads it: [`Event::Uploaded`] says what came of it.
    ///
    /// # Errors
    /// [`MessengerError`]: it is not begun.
    pub fn upload(
        &mut self,
        path: &Path,
        progress: Option<Progress>,
    ) -> Result<TransferId, MessengerError> {
        let about = fs::metadata(path).map_err(TransferError::from)?;
        if !about.is_file() {
            return Err(TransferError::File(std::io::ErrorKind::InvalidInput).into());
        }
        let id = self.transfers.name();
        self.transfers.waiting.push(Waiting {
            id,
            path: path.to_owned(),
            size: about.len(),
            progress,
        });
        self.ask_for_slots()?;
        Ok(id)
    }

    /// Fetches a file into a folder and decrypts it: [`Event::Downloaded`] says what came of it.
    ///
    /// # Errors
    /// [`MessengerError`]: it is not begun.
    pub fn download(
        &mut self,
        file: &SharedFile,
        folder: &Path,
        progress: Option<Progress>,
    ) -> Result<TransferId, MessengerError> {
        let id = self.transfers.name();
        let web = self.web()?;
        let (file, folder): (SharedFile, PathBuf) = (file.clone(), folder.to_owned());
        let place = Arc::clone(&self.transfers.downloads);
        let done = self.transfers.done.clone();
        tokio::spawn(async move {
            // It is never closed.
            let Ok(_place) = place.acquire().await else {
                return;
            };
            let fetch = move || Event::Downloaded {
                transfer: id,
                result: download(&web, &file, &folder, progress),
            };
            if let Ok(event) = tokio::task::spawn_blocking(fetch).await {
                // If nobody listens any more, nobody waits for it.
                done.send(event).ok();
            }
        });
        Ok(id)
    }

    /// Tells an account, or a room that was entered, of a file that was uploaded.
    ///
    /// # Errors
    /// [`MessengerError`]: it is not taken.
    pub fn share(&mut self, to: &Recipient, file: &SharedFile) -> Result<Ticket, MessengerError> {
        let elements = file.to_elements()?;
        self.write(to, &elements)
    }

    pub(super) fn begin_upload(&mut self, waiting: Waiting, slot: Slot) {
        let id = waiting.id;
        match self.web() {
            Ok(web) => self.go(move || Event::Uploaded {
                transfer: id,
                result: upload(&web, &slot, &waiting.path, waiting.progress),
            }),
            Err(_) => self.not_uploaded(id, TransferError::Url),
        }
    }

    pub(super) fn not_uploaded(&mut self, transfer: TransferId, error: TransferError) {
        let result = Err(error);
        self.events.push_back(Event::Uploaded { transfer, result });
    }

    fn go(&self, transfer: impl FnOnce() -> Event + Send + 'static) {
        let done = self.transfers.done.clone();
        // If nobody listens any more, nobody waits for it.
        tokio::task::spawn_blocking(move || done.send(transfer()).ok());
    }

    fn web(&mut self) -> Result<Web, MessengerError> {
        if let Some(web) = &self.transfers.web {
            return Ok(web.clone());
        }
        let web = Web::new(&tls::believed(self.login.authorities.as_deref())?);
        self.transfers.web = Some(web.clone());
        Ok(web)
    }
}
