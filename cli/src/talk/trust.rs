//! `omemo trust`: keys, and what is thought of them.

use clap::ValueEnum;
use omemo::account::{Trust, TrustPolicy};
use omemo::model::{BareJid, Fingerprint};

use super::{account, show};
use crate::Failure;
use crate::messenger::now;
use crate::page::Page;

/// What `omemo trust` is told.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    account: account::Args,
    /// Whose key
    of: BareJid,
    /// The key that was compared; without it the known ones are listed
    fingerprint: Option<Fingerprint>,
    /// What to think of it [default: verified]
    #[arg(long = "as", value_enum, requires = "fingerprint")]
    opinion: Option<Opinion>,
}

/// What can be thought of a key.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Opinion {
    /// Its fingerprint was compared
    Verified,
    /// Trusted without comparing
    Blind,
    /// Not decided: nothing is encrypted for it
    Undecided,
    /// Never: nothing is encrypted for it
    Distrusted,
}

/// Lists keys, or decides about one.
///
/// # Errors
/// There is no account, or no such key.
pub fn run(args: &Args) -> Result<Page, Failure> {
    let account = args.account.find()?.account(TrustPolicy::Manual)?;
    if let Some(key) = &args.fingerprint {
        let trust = match args.opinion.unwrap_or(Opinion::Verified) {
            Opinion::Verified => Trust::Verified,
            Opinion::Blind => Trust::Blind,
            Opinion::Undecided => Trust::Undecided,
            Opinion::Distrusted => Trust::Distrusted,
        };
        let keys = account.keys(&args.of)?;
        if !keys.iter().any(|known| known.fingerprint == *key) {
            return Err("no such key was seen yet: nothing is decided about it".into());
        }
        account.set_trust(&args.of, key, trust, now())?;
        if trust.allows_sending() {
            // It may be the key of a device that was set up anew under its old id.
            account.accept_identities(&args.of, key, now())?;
        }
    }
    let mut page = Page::default();
    page.title(args.of.as_str());
    let keys = account.keys(&args.of)?;
    if keys.is_empty() {
        page.paragraph("No key is known.");
    }
    for key in keys {
        page.field(show::trust(key.trust), key.fingerprint);
    }
    Ok(page)
}
