//! `omemo fingerprint`: what others compare.

use omemo::account::TrustPolicy;

use super::account;
use crate::Failure;
use crate::page::Page;

/// What `omemo fingerprint` is told.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    account: account::Args,
}

/// Shows the fingerprint of this device.
///
/// # Errors
/// There is no account.
pub fn run(args: &Args) -> Result<Page, Failure> {
    let found = args.account.find()?;
    let account = found.account(TrustPolicy::Manual)?;
    let mut page = Page::default();
    page.field("account", found.jid());
    page.field("device", account.device());
    page.field("fingerprint", account.fingerprint());
    Ok(page)
}
