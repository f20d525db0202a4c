//! `omemo fingerprint`: what others compare.

use omemo::account::TrustPolicy;
use omemo::model::FingerprintUri;
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;

use super::account;
use crate::Failure;
use crate::page::Page;

/// What `omemo fingerprint` is told.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    account: account::Args,
    /// As a QR code for the camera of another client
    #[arg(long)]
    qr: bool,
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
    if args.qr {
        let keys = vec![(account.device(), account.fingerprint())];
        let uri = FingerprintUri::new(found.jid().clone(), keys)?.to_string();
        page.gap();
        page.lines(&drawing(&uri)?);
        page.lines(&uri);
    }
    Ok(page)
}

/// Two modules a character, light on dark: a terminal is dark, and where it is not, cameras read a code
/// in reversed colours too.
fn drawing(text: &str) -> Result<String, Failure> {
    let code = QrCode::new(text)?;
    let mut renderer = code.render::<Dense1x2>();
    renderer.dark_color(Dense1x2::Light);
    renderer.light_color(Dense1x2::Dark);
    Ok(renderer.build())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pixels of a module.
    const SIZE: usize = 4;

    /// Another library reads what a dark terminal shows.
    #[test]
    fn the_drawing_is_a_qr_code() {
        let uri = "xmpp:juliet@capulet.example?omemo-sid-1337=\
                   86ddc649866c2c36893c985b78904f1ac0d6efddb3db2b87295c81f9fd6f9f67";
        let drawing = drawing(uri).unwrap();
        let lines: Vec<Vec<char>> = drawing.lines().map(|line| line.chars().collect()).collect();
        let is_light = |x: usize, y: usize| {
            let lit = if y.is_multiple_of(2) {
                "█▀"
            } else {
                "█▄"
            };
            lit.contains(lines[y / 2][x])
        };
        let (width, height) = (lines[0].len() * SIZE, lines.len() * 2 * SIZE);
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| {
            if is_light(x / SIZE, y / SIZE) { 255 } else { 0 }
        });
        let found = image.detect_grids();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].decode().unwrap().1, uri);
    }
}
