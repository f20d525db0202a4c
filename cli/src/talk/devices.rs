//! `omemo devices`: the devices of an account, as far as this one knows them.

use omemo::account::TrustPolicy;
use omemo::model::BareJid;

use super::{account, show};
use crate::page::Page;
use crate::{Failure, name_of};

/// What `omemo devices` is told.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    account: account::Args,
    /// Whose [default: the account's own]
    of: Option<BareJid>,
}

/// Lists devices.
///
/// # Errors
/// There is no account.
pub fn run(args: &Args) -> Result<Page, Failure> {
    let found = args.account.find()?;
    let account = found.account(TrustPolicy::Manual)?;
    let of = args.of.as_ref().unwrap_or_else(|| found.jid());
    let mut page = Page::default();
    page.title(of.as_str());
    let devices = account.devices(of)?;
    if of == found.jid() {
        page.heading(format!("device {}, this one", account.device()));
        page.indented(|page| page.field("fingerprint", account.fingerprint()));
    } else if devices.is_empty() {
        page.paragraph("No device is known.");
    }
    for device in devices {
        page.heading(format!("device {}", device.id));
        page.indented(|page| {
            let trust = match &device.fingerprint {
                Some(key) => account.trust(of, key).map(show::trust),
                None => Ok("no key seen yet"),
            };
            if let Some(key) = &device.fingerprint {
                page.field("fingerprint", key);
            }
            page.field("trust", trust.unwrap_or("cannot be read"));
            for (version, known) in device.versions.iter() {
                let listed = if known.listed {
                    "on the list"
                } else {
                    "not on the list"
                };
                let session = if known.has_session {
                    ", in conversation"
                } else {
                    ""
                };
                page.field(name_of(version), format!("{listed}{session}"));
                if let Some(label) = &known.label {
                    page.field("label", label);
                }
            }
        });
    }
    Ok(page)
}
