//! `omemo chat`: a conversation. Lines go out, what comes is shown.

use omemo::account::TrustPolicy;
use omemo::model::BareJid;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::{account, listen, show};
use crate::Failure;
use crate::messenger::{Event, Messenger, Recipient, now};

/// What `omemo chat` is told.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    account: account::Args,
    /// It is a members-only room
    #[arg(long)]
    room: bool,
    /// With whom
    #[arg(value_name = "JID")]
    with: BareJid,
}

/// Talks until the input ends.
///
/// # Errors
/// There is no account, or no server.
pub async fn run(args: &Args) -> Result<(), Failure> {
    let account = args.account.find()?;
    let options = account.options(TrustPolicy::BlindUntilVerified);
    let mut messenger = account.log_in(options).await?;
    show::note("a line is a message; the end of the input is the end");
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let with = if args.room {
        Recipient::Room(args.with.clone())
    } else {
        Recipient::Account(args.with.clone())
    };
    let (mut failures, mut is_ready) = (0, false);
    // How many lines are not sent yet, and whether there will be no other.
    let (mut waiting, mut is_leaving) = (0_usize, false);
    loop {
        tokio::select! {
            line = lines.next_line(), if is_ready && !is_leaving => match line? {
                Some(line) if line.is_empty() => {}
                Some(line) => {
                    messenger.send(&with, &line)?;
                    waiting += 1;
                }
                None => {
                    is_leaving = true;
                    if waiting == 0 {
                        messenger.sync()?;
                    }
                }
            },
            event = messenger.next() => match event {
                Ok(Event::Ready(_)) if args.room => {
                    messenger.join(&args.with, &nick_in(account.jid())?)?;
                }
                Ok(Event::Ready(_) | Event::Joined(_)) => {
                    (failures, is_ready) = (0, true);
                    show::note("connected");
                }
                Ok(Event::Synced) => break,
                Ok(event) => {
                    if matches!(event, Event::Sent { .. } | Event::Refused { .. }) {
                        waiting = waiting.saturating_sub(1);
                        if is_leaving && waiting == 0 {
                            messenger.sync()?;
                        }
                    }
                    show_event(&mut messenger, event)?;
                }
                // Nobody is there any more to wait for a server that may come back.
                Err(error) if is_leaving => {
                    let lost = "the last lines may not have been sent";
                    return Err(format!("{error}; {lost}").into());
                }
                Err(error) => {
                    is_ready = false;
                    listen::reconnect(&mut messenger, error, &mut failures).await?;
                }
            },
        }
    }
    messenger.close().await;
    Ok(())
}

/// The name in a room.
///
/// # Errors
/// The address has none.
pub(super) fn nick_in(jid: &BareJid) -> Result<String, Failure> {
    Ok(jid.local().ok_or("the account has no name")?.to_owned())
}

fn show_event(messenger: &mut Messenger, event: Event) -> Result<(), Failure> {
    match event {
        Event::Message(message) => {
            show::line(&show::message(&message, &[]))?;
            messenger.acknowledge(message.id);
        }
        Event::Question(question) => {
            for key in question.keys {
                show::note(&format!(
                    "left out: device {} of {}, whose key nobody has decided about: {}",
                    key.device,
                    key.jid,
                    show::how_to_decide(&key.jid, &key.fingerprint)
                ));
            }
            messenger.omemo().send_anyway(question.ticket, now())?;
        }
        Event::Changed(question) => {
            question.changed.iter().for_each(show::changed);
            messenger.omemo().send_anyway(question.ticket, now())?;
        }
        Event::NotJoined(_) => {
            return Err("the room refuses this client, or has removed it".into());
        }
        event => show::aside(&event),
    }
    Ok(())
}
