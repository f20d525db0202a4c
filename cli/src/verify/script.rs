//! Randomness that was decided before.

use std::collections::VecDeque;
use std::fmt;

use rand_core::{TryCryptoRng, TryRng};

/// A generator that hands out exactly what it was given, draw by draw, and fails when a draw has
/// another length or one more is asked for.
#[derive(Debug)]
pub(super) struct Script(VecDeque<Vec<u8>>);

impl Script {
    pub(super) fn new<'a>(draws: impl IntoIterator<Item = &'a [u8]>) -> Self {
        Self(draws.into_iter().map(<[u8]>::to_vec).collect())
    }

    /// Whether all of it was drawn.
    pub(super) fn is_used_up(&self) -> bool {
        self.0.is_empty()
    }
}

/// The script has no such draw.
#[derive(Debug)]
pub(super) struct Unscripted;

impl fmt::Display for Unscripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the script has no such draw")
    }
}

impl core::error::Error for Unscripted {}

impl TryRng for Script {
    type Error = Unscripted;

    fn try_next_u32(&mut self) -> Result<u32, Unscripted> {
        Err(Unscripted)
    }

    fn try_next_u64(&mut self) -> Result<u64, Unscripted> {
        Err(Unscripted)
    }

    fn try_fill_bytes(&mut self, target: &mut [u8]) -> Result<(), Unscripted> {
        let draw = self.0.pop_front().ok_or(Unscripted)?;
        if draw.len() != target.len() {
            return Err(Unscripted);
        }
        target.copy_from_slice(&draw);
        Ok(())
    }
}

impl TryCryptoRng for Script {}
