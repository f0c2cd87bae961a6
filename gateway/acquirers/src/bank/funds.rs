//! What one authorization or sale holds, and what its follow-ups may do to it.

use gateway_core::acquirer::DeclineCode;

/// Minor units of the hold's currency. Always `0 <= captured <= authorized` and `0 <= refunded <= captured`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Funds {
    pub authorized: i64,
    pub captured: i64,
    pub refunded: i64,
}

impl Funds {
    /// Raises the hold to a new total.
    pub fn raise(&mut self, total: i64) -> Result<(), DeclineCode> {
        if total < self.authorized || self.captured > 0 {
            return Err(DeclineCode::InvalidAmount);
        }
        self.authorized = total;
        Ok(())
    }

    /// Takes a part of what is held.
    pub fn capture(&mut self, amount: i64) -> Result<(), DeclineCode> {
        if amount <= 0 || amount > self.authorized - self.captured {
            return Err(DeclineCode::InvalidAmount);
        }
        self.captured += amount;
        Ok(())
    }

    /// Gives the whole hold back, if nothing was taken; says how much it was.
    pub fn void(&mut self) -> Result<i64, DeclineCode> {
        if self.captured > 0 {
            return Err(DeclineCode::GenericDecline);
        }
        Ok(std::mem::take(&mut self.authorized))
    }

    /// Pays back a part of what was taken.
    pub fn refund(&mut self, amount: i64) -> Result<(), DeclineCode> {
        if amount <= 0 || amount > self.captured - self.refunded {
            return Err(DeclineCode::InvalidAmount);
        }
        self.refunded += amount;
        Ok(())
    }

    /// Gives back a part of the hold that was not taken.
    pub fn release(&mut self, amount: i64) -> Result<(), DeclineCode> {
        if amount < 0 || amount > self.authorized - self.captured {
            return Err(DeclineCode::InvalidAmount);
        }
        self.authorized -= amount;
        Ok(())
    }

    /// Undoes a capture, in whole or in part.
    pub fn uncapture(&mut self, amount: i64) -> Result<(), DeclineCode> {
        if amount < 0 || amount > self.captured - self.refunded {
            return Err(DeclineCode::InvalidAmount);
        }
        self.captured -= amount;
        Ok(())
    }

    /// Undoes a refund, in whole or in part.
    pub fn unrefund(&mut self, amount: i64) -> Result<(), DeclineCode> {
        if amount < 0 || amount > self.refunded {
            return Err(DeclineCode::InvalidAmount);
        }
        self.refunded -= amount;
        Ok(())
    }
}
