//! Preparing the parts of addresses: the profiles nodeprep and nameprep of stringprep (RFC 3454; RFC 3920
//! appendix A; RFC 3491), as servers apply them to addresses that they route.
//!
//! ```text
//! text → map (tables B.1, B.2) → normalise (NFKC) → is a character prohibited? are directions mixed?
//! ```
//!
//! Stringprep knows the characters of Unicode 3.2. Newer ones are "unassigned", and allowed in queries
//! (RFC 3454 §7), which addresses of others are. They stay as they are: no case is folded, nothing is normalised,
//! none has a direction. Prosody does the same, so that an account has one spelling here where it has one on its
//! server. It follows that newer capital letters are other letters than the small ones: a server that folds them, by
//! RFC 7622, sends the small ones, and those are taken as they are.

use stringprep::tables;
use unicode_normalization::UnicodeNormalization;

/// The local part, prepared; `None` if it has characters that it must not have.
pub(super) fn local(text: &str) -> Option<String> {
    prepare(text, |c| {
        tables::ascii_space_character(c)
            || tables::ascii_control_character(c)
            || matches!(c, '"' | '&' | '\'' | '/' | ':' | '<' | '>' | '@')
    })
}

/// The domain, prepared. Which ASCII characters it may have is not looked at.
pub(super) fn domain(text: &str) -> Option<String> {
    prepare(text, |_| false)
}

fn prepare(text: &str, is_prohibited: fn(char) -> bool) -> Option<String> {
    if text.is_ascii() {
        let prepared = text.to_ascii_lowercase();
        return (!prepared.contains(is_prohibited)).then_some(prepared);
    }
    let prepared = once(text, is_prohibited)?;
    // The tables of normalisation are newer than those of mapping: what they would change again is refused.
    let is_stable = once(&prepared, is_prohibited)? == prepared;
    is_stable.then_some(prepared)
}

fn once(text: &str, is_prohibited: fn(char) -> bool) -> Option<String> {
    let mapped = text
        .chars()
        .filter(|c| !tables::commonly_mapped_to_nothing(*c))
        .flat_map(tables::case_fold_for_nfkc);
    let prepared = normalized(mapped);
    let is_bad = |c| is_prohibited(c) || is_prohibited_everywhere(c);
    (!prepared.contains(is_bad) && has_one_direction(&prepared)).then_some(prepared)
}

/// In Unicode 3.2 an unassigned character combines with nothing: what stands between two of them is normalised by
/// itself.
fn normalized(mapped: impl Iterator<Item = char>) -> String {
    let mut normalized = String::new();
    let mut run = String::new();
    for c in mapped {
        if tables::unassigned_code_point(c) {
            normalized.extend(run.nfkc());
            normalized.push(c);
            run.clear();
        } else {
            run.push(c);
        }
    }
    normalized.extend(run.nfkc());
    normalized
}

/// Tables C.1.2, C.2.2 and C.3 to C.9, and the newer characters of the kind of C.2.2 and C.8: invisible, or
/// changing the direction of what is shown.
fn is_prohibited_everywhere(c: char) -> bool {
    tables::non_ascii_space_character(c)
        || tables::non_ascii_control_character(c)
        || tables::private_use(c)
        || tables::non_character_code_point(c)
        || tables::surrogate_code(c)
        || tables::inappropriate_for_plain_text(c)
        || tables::inappropriate_for_canonical_representation(c)
        || tables::change_display_properties_or_deprecated(c)
        || tables::tagging_character(c)
        || matches!(c, '\u{61c}' | '\u{2064}'..='\u{2069}')
}

/// RFC 3454 §6: text that runs to the left has no letters that run to the right, and begins and ends with its own.
fn has_one_direction(text: &str) -> bool {
    let is_known = |c: char| !tables::unassigned_code_point(c);
    let runs_left = |c: char| is_known(c) && tables::bidi_r_or_al(c);
    let runs_right = |c: char| is_known(c) && tables::bidi_l(c);
    !text.contains(runs_left)
        || (!text.contains(runs_right) && text.starts_with(runs_left) && text.ends_with(runs_left))
}
