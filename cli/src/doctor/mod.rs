//! `omemo doctor`: what a store has of an account, and what looks wrong. It prints no secret and leaves
//! the store as it is.

mod age;
mod case;
mod contact;
mod finding;
mod json;
mod own;
mod show;
mod store;

use std::path::PathBuf;

use omemo::account::Account;
use omemo::model::BareJid;
use omemo::store::Store;

use crate::page::Page;
use crate::{Failure, now};
use case::Case;

/// The arguments of `omemo doctor`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    override_usage = "omemo doctor [OPTIONS] <STORE>",
    after_help = "Examples:
  omemo doctor omemo.db
  omemo doctor omemo.db --account juliet@capulet.example
  OMEMO_PASSPHRASE=… omemo doctor omemo.db --json

Nothing is changed, and nothing that is printed is secret; who writes to whom is.
A passphrase is asked for on the terminal, or taken from OMEMO_PASSPHRASE."
)]
pub struct Args {
    /// The SQLite file in which an application keeps its OMEMO accounts
    #[arg(value_name = "STORE")]
    store: PathBuf,
    /// Look at this account only
    #[arg(long, value_name = "JID")]
    account: Option<String>,
    /// The key of a sealed store: 32 bytes, or 64 hexadecimal digits
    #[arg(long = "key-file", value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Print JSON, with times in milliseconds since 1970
    #[arg(long)]
    json: bool,
}

/// Looks at a store.
///
/// # Errors
/// If it cannot be read. What is wrong in it is on the page.
pub fn run(args: &Args) -> Result<Page, Failure> {
    let store = store::open(&args.store, args.key_file.as_deref())?;
    let now = now()?;
    let mut cases = Vec::new();
    for jid in choose(&*store, args.account.as_deref())? {
        let case = Case::examine(store.clone(), jid.clone(), now);
        cases.push(case.map_err(|error| format!("{jid}: {error}"))?);
    }
    if args.json {
        return Ok(json::page(&cases, now));
    }
    let mut page = Page::default();
    if cases.is_empty() {
        page.note("there is no account in the store");
    }
    for case in &cases {
        show::case(&mut page, case, now);
    }
    Ok(page)
}

/// The accounts of the store, or the one that was asked for.
fn choose(store: &dyn Store, only: Option<&str>) -> Result<Vec<BareJid>, Failure> {
    let all = Account::all_in(store)?;
    let Some(only) = only else {
        return Ok(all);
    };
    let only: BareJid = only.parse().map_err(|e| format!("{only}: {e}"))?;
    if all.contains(&only) {
        return Ok(vec![only]);
    }
    let all: Vec<_> = all.iter().map(BareJid::as_str).collect();
    let others = match all.is_empty() {
        true => "no account".to_owned(),
        false => all.join(", "),
    };
    Err(format!("{only} is not in the store; it has {others}").into())
}
