//! The command `omemo`: shows, explains and verifies OMEMO, and talks it.
//!
//! Exit codes: 0 when all is well, 1 when what was asked for failed, 2 when the command line is wrong, 3
//! when `omemo send` needs a decision about keys first.

pub mod demo;
pub mod doctor;
pub mod inspect;
#[cfg(feature = "xmpp")]
pub mod messenger;
pub mod page;
#[cfg(feature = "xmpp")]
pub mod talk;
pub mod verify;
#[cfg(feature = "xmpp")]
pub mod web;
#[cfg(feature = "xmpp")]
pub mod xmpp;

use std::io::Write as _;
use std::process::ExitCode;
use std::time::SystemTime;

use anstyle::{AnsiColor, Style};
use clap::{Parser, Subcommand, ValueEnum};
use omemo::model::{Timestamp, Version};
use page::Page;

/// Reads the command line and does what it says.
#[must_use]
pub fn run() -> ExitCode {
    let line = std::env::args_os();
    #[cfg(feature = "xmpp")]
    let line = talk::pipe::sorted(line);
    match Cli::parse_from(line).command {
        Command::Demo(args) => print(demo::run(&args)),
        Command::Doctor(args) => print(doctor::run(&args)),
        Command::Inspect(args) => print(inspect::run(&args)),
        Command::Verify(args) => verify::run(&args),
        #[cfg(feature = "xmpp")]
        Command::Send(args) => talk::send::run(&args),
        #[cfg(feature = "xmpp")]
        Command::Listen(args) => talk::run(talk::listen::run(&args)),
        #[cfg(feature = "xmpp")]
        Command::Chat(args) => talk::run(talk::chat::run(&args)),
        #[cfg(feature = "xmpp")]
        Command::Devices(args) => print(talk::devices::run(&args)),
        #[cfg(feature = "xmpp")]
        Command::Fingerprint(args) => print(talk::fingerprint::run(&args)),
        #[cfg(feature = "xmpp")]
        Command::Trust(args) => print(talk::trust::run(&args)),
        #[cfg(feature = "xmpp")]
        Command::Pipe(args) => talk::run(talk::pipe::run(&args)),
    }
}

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "omemo",
    version,
    about = "Shows, explains and verifies OMEMO, the end-to-end encryption of XMPP (XEP-0384)",
    after_help = "Examples:
  omemo demo                     two people, two servers, both versions of OMEMO
  omemo doctor omemo.db          what is in a store, and what looks wrong
  omemo inspect message.xml      every field of a stanza, and what is wrong with it
  omemo verify test-vectors      the library against its test vectors
  omemo send --jid juliet@capulet.example --to romeo@montague.example \"Ay me!\"
  omemo listen --jid juliet@capulet.example --json
  omemo trust --jid juliet@capulet.example romeo@montague.example

Exit codes: 0 fine, 1 it failed, 2 wrong usage, 3 somebody has to decide about keys
first. Colours appear on a terminal only; NO_COLOR=1 turns them off.",
    arg_required_else_help = true,
    subcommand_required = true,
    disable_help_subcommand = true
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What `omemo` can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Shows a conversation, and what the servers in between see of it
    Demo(demo::Args),
    /// Looks at the accounts in a store, and says what looks wrong
    Doctor(doctor::Args),
    /// Explains a stanza, a bundle, a device list or a key element, field by field
    Inspect(inspect::Args),
    /// Replays test vectors against the library
    Verify(verify::Args),
    /// Sends a message to an account or a room
    #[cfg(feature = "xmpp")]
    Send(talk::send::Args),
    /// Prints messages as they come
    #[cfg(feature = "xmpp")]
    Listen(talk::listen::Args),
    /// Talks with an account or a room
    #[cfg(feature = "xmpp")]
    Chat(talk::chat::Args),
    /// Lists the devices of an account
    #[cfg(feature = "xmpp")]
    Devices(talk::devices::Args),
    /// Shows the fingerprint of this device
    #[cfg(feature = "xmpp")]
    Fingerprint(talk::fingerprint::Args),
    /// Lists keys, and decides about them
    #[cfg(feature = "xmpp")]
    Trust(talk::trust::Args),
    /// For programs: commands in, events out, a JSON object a line
    #[cfg(feature = "xmpp")]
    Pipe(talk::pipe::Args),
}

/// A version of OMEMO, by its name on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum VersionName {
    /// eu.siacs.conversations.axolotl: Conversations, Dino, Gajim and most others
    Legacy,
    /// urn:xmpp:omemo:2: Kaidan and other newer clients
    Omemo2,
}

impl From<VersionName> for Version {
    fn from(name: VersionName) -> Self {
        match name {
            VersionName::Legacy => Self::Legacy,
            VersionName::Omemo2 => Self::Omemo2,
        }
    }
}

/// What time it is.
fn now() -> Result<Timestamp, Failure> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let since = since.map_err(|_| "the clock says that it is before 1970: set it")?;
    Ok(Timestamp::default().after(since))
}

/// A version's name in prose.
#[must_use]
pub const fn name_of(version: Version) -> &'static str {
    match version {
        Version::Legacy => "legacy OMEMO",
        Version::Omemo2 => "OMEMO 2",
    }
}

/// Why a command printed nothing: what happened, and what to do about it.
type Failure = Box<dyn core::error::Error>;

/// Prints what a command has to say. Its problems are in it already.
fn print(result: Result<Page, Failure>) -> ExitCode {
    let printed = result.and_then(|page| {
        page.print()?;
        Ok(page.problems())
    });
    match printed {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(failure) => {
            let style: Style = AnsiColor::Red.on_default().bold();
            // If even this cannot be written, the exit code still tells.
            let _ = writeln!(anstream::stderr(), "{style}omemo:{style:#} {failure}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Cli;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
