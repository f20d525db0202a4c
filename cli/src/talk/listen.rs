//! `omemo listen`: prints messages as they come, one a line.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use omemo::account::TrustPolicy;
use omemo::model::BareJid;
use serde_json::{Value, json};

use super::fetching::{Fetched, Fetching, is_settled};
use super::{account, chat, show};
use crate::Failure;
use crate::messenger::{Event, Message, Messenger, MessengerError};

/// What `omemo listen` is told.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    account: account::Args,
    /// Enter a members-only room
    #[arg(long, value_name = "JID")]
    room: Vec<BareJid>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// Fetch the files that messages share into this folder; without it they are only named
    #[arg(long, value_name = "FOLDER")]
    files: Option<PathBuf>,
    /// Stop after so many messages
    #[arg(long, value_name = "NUMBER")]
    count: Option<u64>,
}

/// Prints messages until it is stopped.
///
/// # Errors
/// There is no account, or no server.
pub async fn run(args: &Args) -> Result<(), Failure> {
    let account = args.account.find()?;
    let options = account.options(TrustPolicy::BlindUntilVerified);
    let mut messenger = account.log_in(options).await?;
    let mut left = args.count;
    let mut failures = 0;
    let mut fetching = Fetching::new(args.files.clone());
    while left != Some(0) {
        match messenger.next().await {
            Ok(Event::Message(message)) => {
                if let Some(message) = fetching.hold(&mut messenger, message)? {
                    hand_out(&mut messenger, &message, &[], args.json)?;
                    left = left.map(|left| left.saturating_sub(1));
                }
            }
            Ok(Event::Downloaded { transfer, result }) => {
                if let Some((message, files)) = fetching.take(transfer, result) {
                    hand_out(&mut messenger, &message, &files, args.json)?;
                    left = left.map(|left| left.saturating_sub(1));
                }
            }
            Ok(Event::Ready(device)) => {
                failures = 0;
                show::note(&format!("listening, device {device}"));
                for room in &args.room {
                    messenger.join(room, &chat::nick_in(account.jid())?)?;
                }
            }
            Ok(Event::NotJoined(room)) => {
                show::note(&format!("{room} refuses this client, or has removed it"))
            }
            Ok(event) => show::aside(&event),
            Err(error) => reconnect(&mut messenger, error, &mut failures).await?,
        }
    }
    messenger.close().await;
    Ok(())
}

/// Tries again after a while that grows, if that may help.
pub(super) async fn reconnect(
    messenger: &mut Messenger,
    error: MessengerError,
    failures: &mut u32,
) -> Result<(), Failure> {
    let mut error = error;
    loop {
        match &error {
            MessengerError::Stream(stream) if stream.may_pass() => {}
            _ => return Err(error.into()),
        }
        let delay = Duration::from_secs(1 << (*failures).min(8));
        *failures += 1;
        show::note(&format!("{error}; again in {} s", delay.as_secs()));
        tokio::time::sleep(delay).await;
        match messenger.reopen().await {
            Ok(()) => return Ok(()),
            Err(again) => error = again,
        }
    }
}

fn hand_out(
    messenger: &mut Messenger,
    message: &Message,
    files: &[Fetched],
    is_json: bool,
) -> Result<(), Failure> {
    if is_json {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", object(message, files))?;
        out.flush()?;
    } else {
        show::line(&show::message(message, files))?;
    }
    if is_settled(files) {
        messenger.acknowledge(message.id);
    }
    Ok(())
}

fn object(message: &Message, files: &[Fetched]) -> Value {
    let paths = files.iter().filter_map(|(_, result)| result.as_ref().ok());
    let references = &message.references;
    let answers = references.answers.as_ref();
    let reacts = references.reacts.as_ref();
    json!({
        "from": message.from,
        "sender": message.sender.as_str(),
        "corrects": references.corrects,
        "answers": answers.map(|answered| &answered.id),
        "reacts_to": reacts.map(|reaction| &reaction.id),
        "reactions": reacts.map(|reaction| &reaction.reactions),
        "to": message.to,
        "body": message.body,
        "files": paths.collect::<Vec<_>>(),
        "type": if message.is_groupchat { "groupchat" } else { "chat" },
        "version": message.version.namespace(),
        "device": message.device.get(),
        "fingerprint": format!("{:x}", message.fingerprint),
        "trust": show::trust(message.trust),
    })
}
