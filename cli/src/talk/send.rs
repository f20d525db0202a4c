//! `omemo send`: one message.

use std::io::Read as _;
use std::process::ExitCode;
use std::time::Duration;

use omemo::account::TrustPolicy;
use omemo::client::{RefusalReason, Ticket};
use omemo::model::BareJid;
use tokio::time::timeout;

use super::{account, show};
use crate::Failure;
use crate::messenger::{Event, Messenger};

/// The exit code when somebody has to decide about keys first.
pub const UNDECIDED: u8 = 3;

/// What `omemo send` is told.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    account: account::Args,
    /// To whom
    #[arg(long, value_name = "JID", required_unless_present = "room")]
    to: Option<BareJid>,
    /// To everybody in a members-only room
    #[arg(long, value_name = "JID", conflicts_with = "to")]
    room: Option<BareJid>,
    /// Ask about every new key, instead of trusting until one was compared
    #[arg(long)]
    ask: bool,
    /// The text; "-": from standard input
    text: String,
    /// How many seconds it may take
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
}

/// Sends a message, and says whether the server has it.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    let mut code = None;
    let done = super::run(async {
        let patience = Duration::from_secs(args.timeout);
        code = timeout(patience, send(args))
            .await
            .map_err(|_| "it took too long")??;
        Ok(())
    });
    code.map_or(done, ExitCode::from)
}

/// The exit code, if it is not that of success.
async fn send(args: &Args) -> Result<Option<u8>, Failure> {
    let text = match args.text.as_str() {
        "-" => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text)?;
            text.trim_end_matches('\n').to_owned()
        }
        text => text.to_owned(),
    };
    let account = args.account.find()?;
    let options = account.options(if args.ask {
        TrustPolicy::Manual
    } else {
        TrustPolicy::BlindUntilVerified
    });
    let mut messenger = account.log_in(options).await?;
    let code = send_on(&mut messenger, account.jid(), args, &text).await;
    messenger.close().await;
    code
}

async fn send_on(
    messenger: &mut Messenger,
    account: &BareJid,
    args: &Args,
    text: &str,
) -> Result<Option<u8>, Failure> {
    let mut ticket: Option<Ticket> = None;
    loop {
        match messenger.next().await? {
            Event::Ready(_) => match (&args.room, &args.to) {
                (Some(room), _) => messenger.join(room, &super::chat::nick_in(account)?),
                (None, Some(to)) => ticket = Some(messenger.send(to, text)?),
                (None, None) => return Err("nobody to send to".into()),
            },
            Event::Joined(room) => ticket = Some(messenger.send(&room, text)?),
            Event::NotJoined(_) => return Err("the room does not let us in".into()),
            Event::Sent {
                ticket: sent,
                report,
            } if Some(sent) == ticket => {
                show::gaps(&report);
                messenger.sync();
            }
            Event::Synced => return Ok(None),
            Event::Question(question) => {
                for key in question.keys {
                    show::note(&format!(
                        "nobody has decided about this key: omemo trust {} {:x}",
                        key.jid, key.fingerprint
                    ));
                }
                return Ok(Some(UNDECIDED));
            }
            Event::Refused {
                ticket: refused,
                reason,
            } if Some(refused) == ticket => {
                if let RefusalReason::Recipients(refusal) = &reason {
                    reports(refusal).into_iter().for_each(show::gaps);
                }
                return Err(format!("not sent: {reason}").into());
            }
            // Not shown and not acknowledged: "omemo listen" hands it out.
            Event::Message(_) => {}
            event => show::aside(&event),
        }
    }
}

fn reports(refusal: &omemo::account::Refusal) -> Option<&omemo::account::Report> {
    use omemo::account::Refusal;
    match refusal {
        Refusal::NobodyReached(_, report) | Refusal::Gaps(report) => Some(report),
        _ => None,
    }
}
