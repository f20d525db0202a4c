//! `omemo send`: one message, a text or a file.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use indicatif::ProgressBar;
use omemo::account::TrustPolicy;
use omemo::client::{RefusalReason, Ticket};
use omemo::model::BareJid;
use tokio::time::{Instant, timeout_at};

use super::{account, show};
use crate::Failure;
use crate::messenger::{
    Event, Messenger, Progress, Recipient, SharedFile, TransferError, TransferId,
};

/// The exit code when somebody has to decide about keys first.
pub const UNDECIDED: u8 = 3;

/// What `omemo send` is told.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 the server has it, 1 it was not sent or came back, 2 wrong usage,
3 somebody has to decide about keys first (omemo trust)."
)]
pub struct Args {
    #[command(flatten)]
    account: account::Args,
    /// To whom
    #[arg(long, value_name = "JID", required_unless_present = "room")]
    to: Option<BareJid>,
    /// To everybody in a members-only room
    #[arg(long, value_name = "JID", conflicts_with = "to")]
    room: Option<BareJid>,
    /// A file, which is encrypted and uploaded; a text goes out behind it
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
    /// Ask about every new key, instead of trusting until one was compared
    #[arg(long)]
    ask: bool,
    /// The text; "-": from standard input
    #[arg(required_unless_present = "file")]
    text: Option<String>,
    /// How many seconds it may take, beside uploading
    #[arg(long, value_name = "SECONDS", default_value_t = 60,
          value_parser = clap::value_parser!(u64).range(1..=86400))]
    timeout: u64,
}

/// Sends a message, and says whether the server has it.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    let mut code = None;
    let done = super::run(async {
        code = send(args).await?;
        Ok(())
    });
    code.map_or(done, ExitCode::from)
}

/// The exit code, if it is not that of success.
async fn send(args: &Args) -> Result<Option<u8>, Failure> {
    let text = match args.text.as_deref() {
        Some("-") => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text)?;
            Some(text.trim_end_matches('\n').to_owned())
        }
        text => text.map(str::to_owned),
    };
    if let Some(path) = &args.file {
        std::fs::File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let account = args.account.find()?;
    let options = account.options(if args.ask {
        TrustPolicy::Manual
    } else {
        TrustPolicy::BlindUntilVerified
    });
    let patience = Duration::from_secs(args.timeout);
    let deadline = Instant::now() + patience;
    let messenger = timeout_at(deadline, account.log_in(options)).await;
    let mut sending = Sending {
        messenger: messenger.map_err(|_| TOO_LONG)??,
        args,
        text,
        upload: None,
        tickets: BTreeSet::new(),
        sent: BTreeSet::new(),
        bar: ProgressBar::hidden(),
    };
    let code = sending.go(account.jid(), patience, deadline).await;
    sending.messenger.close().await;
    code
}

const TOO_LONG: &str = "it took too long";

struct Sending<'a> {
    messenger: Messenger,
    args: &'a Args,
    text: Option<String>,
    upload: Option<(TransferId, Recipient)>,
    /// What is not sent yet.
    tickets: BTreeSet<Ticket>,
    /// What is.
    sent: BTreeSet<Ticket>,
    bar: ProgressBar,
}

impl Sending<'_> {
    async fn go(
        &mut self,
        account: &BareJid,
        patience: Duration,
        deadline: Instant,
    ) -> Result<Option<u8>, Failure> {
        let mut deadline = deadline;
        loop {
            if self.is_uploading() {
                deadline = Instant::now() + patience;
            }
            let event = match timeout_at(deadline, self.messenger.next()).await {
                Ok(event) => event?,
                Err(_) if self.is_uploading() => continue,
                Err(_) => return Err(TOO_LONG.into()),
            };
            match event {
                Event::Ready(_) => match (&self.args.room, &self.args.to) {
                    (Some(room), _) => {
                        self.messenger.join(room, &super::chat::nick_in(account)?)?;
                    }
                    (None, Some(to)) => self.begin(&Recipient::Account(to.clone()))?,
                    (None, None) => return Err("nobody to send to".into()),
                },
                Event::Joined(room) => self.begin(&Recipient::Room(room))?,
                Event::NotJoined(_) => return Err("the room refuses this client".into()),
                Event::Uploaded { transfer, result } => {
                    self.uploaded(transfer, result)?;
                    deadline = Instant::now() + patience;
                }
                Event::Sent { ticket, report } if self.tickets.remove(&ticket) => {
                    show::gaps(&report);
                    self.sent.insert(ticket);
                    if self.tickets.is_empty() {
                        self.messenger.sync()?;
                    }
                }
                Event::Bounced { ticket, condition } if self.sent.contains(&ticket) => {
                    return Err(format!("the message came back: {condition}").into());
                }
                Event::Synced => return Ok(None),
                Event::Question(question) => {
                    for key in question.keys {
                        show::note(&format!(
                            "nobody has decided about this key: {}",
                            show::how_to_decide(&key.jid, &key.fingerprint)
                        ));
                    }
                    return Ok(Some(UNDECIDED));
                }
                Event::Changed(question) => {
                    question.changed.iter().for_each(show::changed);
                    return Ok(Some(UNDECIDED));
                }
                Event::Refused { ticket, reason } if self.tickets.contains(&ticket) => {
                    if let RefusalReason::Recipients(refusal) = &reason {
                        refusal.report().into_iter().for_each(show::gaps);
                    }
                    return Err(format!("not sent: {reason}").into());
                }
                // Not shown and not acknowledged: "omemo listen" hands it out.
                Event::Message(_) => {}
                event => show::aside(&event),
            }
        }
    }

    /// Whether bytes of the file go out. That has limits of its own: a server must not be silent for long.
    fn is_uploading(&self) -> bool {
        self.bar.position() > 0
    }

    /// The file first: it may be the one thing that cannot be sent.
    fn begin(&mut self, to: &Recipient) -> Result<(), Failure> {
        let Some(path) = &self.args.file else {
            return self.write(to);
        };
        self.bar = show::progress(path)?;
        let bar = self.bar.clone();
        let progress: Progress = Arc::new(move |done| bar.set_position(done));
        let transfer = self.messenger.upload(path, Some(progress));
        let transfer = transfer.map_err(|error| format!("{}: {error}", path.display()))?;
        self.upload = Some((transfer, to.clone()));
        Ok(())
    }

    fn uploaded(
        &mut self,
        transfer: TransferId,
        result: Result<SharedFile, TransferError>,
    ) -> Result<(), Failure> {
        let Some((_, to)) = self.upload.take_if(|(id, _)| *id == transfer) else {
            return Ok(());
        };
        self.bar.finish_and_clear();
        self.bar = ProgressBar::hidden();
        let file = result.map_err(|error| format!("the file was not uploaded: {error}"))?;
        self.tickets.insert(self.messenger.share(&to, &file)?);
        self.write(&to)
    }

    fn write(&mut self, to: &Recipient) -> Result<(), Failure> {
        if let Some(text) = self.text.take() {
            self.tickets.insert(self.messenger.send(to, &text)?);
        }
        Ok(())
    }
}
