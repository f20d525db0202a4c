//! How much work somebody else's input may cause.

use core::fmt;

use super::MAX_SKIP;

/// Steps that may still be made. One budget serves a whole stanza, over all sessions and keys that are
/// tried, so that the sender cannot multiply the work by repeating it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    chain_steps: u32,
    dh_steps: u32,
}

impl Budget {
    /// What one stanza may cost: [`MAX_SKIP`] chain steps besides those of the messages themselves, and
    /// 24 Diffie-Hellman steps (a key exchange takes five).
    #[must_use]
    pub const fn for_stanza() -> Self {
        Self::new(MAX_SKIP, 24)
    }

    /// A budget of so many skipped chain steps and Diffie-Hellman steps.
    #[must_use]
    pub const fn new(chain_steps: u32, dh_steps: u32) -> Self {
        Self {
            chain_steps,
            dh_steps,
        }
    }

    /// The chain steps that are left.
    #[must_use]
    pub const fn chain_steps(&self) -> u32 {
        self.chain_steps
    }

    /// The Diffie-Hellman steps that are left.
    #[must_use]
    pub const fn dh_steps(&self) -> u32 {
        self.dh_steps
    }

    /// Takes `count` chain steps, or none.
    ///
    /// # Errors
    /// [`BudgetError`] if there are not so many left.
    pub fn take_chain_steps(&mut self, count: u32) -> Result<(), BudgetError> {
        self.chain_steps = self.chain_steps.checked_sub(count).ok_or(BudgetError)?;
        Ok(())
    }

    /// Takes `count` Diffie-Hellman steps, or none.
    ///
    /// # Errors
    /// [`BudgetError`] if there are not so many left.
    pub fn take_dh_steps(&mut self, count: u32) -> Result<(), BudgetError> {
        self.dh_steps = self.dh_steps.checked_sub(count).ok_or(BudgetError)?;
        Ok(())
    }
}

/// The budget is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetError;

impl fmt::Display for BudgetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the message asks for more work than a stanza may cause")
    }
}
impl core::error::Error for BudgetError {}
