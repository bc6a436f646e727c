//! Money that an administrator adds to an account.

use super::users::is_administrator;
use super::{Inner, Platform};
use crate::error::kind::Result;
use crate::error::validation::{MAX_NOTE_LEN, Problem, ValidationErrors, Violation};
use crate::id::{Actor, UserId};
use crate::money::amount::Money;
use crate::money::billing::{AccountKind, Balance, Details, Posting, PostingKind};
use crate::store::audit::{AuditAction, AuditChange, AuditId};

impl Platform {
    /// Adds `amount` to the account of a client, as a deposit with a note that its owner sees in the ledger, and answers
    /// the balance. Once for each administrator, user and key, however often it is repeated.
    ///
    /// The note is one line of plain text, 1 to [`MAX_NOTE_LEN`] characters. To take money,
    /// [`set_balance`](Self::set_balance).
    ///
    /// # Errors
    /// `Forbidden` for clients; `Invalid` when the amount is not above zero, the note is empty, too long or has control
    /// or bidirectional characters in it, or the balance would leave the range of [`Money`]; `NotFound` when there is no
    /// account; `InvalidState` when the account has no limit, as those of administrators; `Conflict` that is not
    /// retryable when the key was used for another amount. In each case nothing is added.
    pub async fn add_credit(
        &self,
        actor: &Actor,
        user: &UserId,
        amount: Money,
        note: &str,
        key: &str,
    ) -> Result<Balance> {
        let platform = &*self.0;
        let (posting_key, entry) = ids(actor, user, amount, key);
        let target = platform.user_target(actor, user).await?;
        let action = AuditAction::CreditAdded;
        let mut trail = platform.trail_with_id(actor, entry, action, target).await?;
        trail.change = Some(AuditChange::new(None, Some(amount.to_string())));
        let done = platform.add_credit(actor, user, amount, note, posting_key).await;
        trail.end(done).await
    }
}

impl Inner {
    async fn add_credit(
        &self,
        actor: &Actor,
        user: &UserId,
        amount: Money,
        note: &str,
        key: String,
    ) -> Result<Balance> {
        actor.require_admin()?;
        let mut problems = Vec::new();
        if amount <= Money::ZERO {
            problems.push(Problem::new("amount", Violation::Amount));
        }
        let note = note.trim();
        if let Err(violation) = check_note(note) {
            problems.push(Problem::new("note", violation));
        }
        ValidationErrors::check(problems)?;
        if self.billing.balance(user).await?.kind == AccountKind::Unlimited {
            return Err(is_administrator());
        }
        let posting = Posting {
            details: Details {
                note: Some(note.to_owned()),
                ..Details::default()
            },
            ..Posting::new(key, user, PostingKind::Deposit, amount)
        };
        let posted = self.billing.post(&posting).await;
        self.feed.account(user);
        posted?;
        self.billing.balance(user).await
    }
}

/// The key of the posting, which follows from who adds money to whom under which key, and the id of its entry in the
/// audit log, which follows from the amount too: the same again is one entry, another amount is refused in one of its own.
fn ids(actor: &Actor, user: &UserId, amount: Money, key: &str) -> (String, AuditId) {
    let mut hasher = blake3::Hasher::new_derive_key("neuropod key of a credit");
    for part in [actor.id.as_str(), user.as_str(), key] {
        // With the length in front no other parts make the same text.
        hasher.update(&part.len().to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let posting = format!("credit:{}", hasher.finalize().to_hex());
    hasher.update(&amount.micros().to_le_bytes());
    let mut bits = [0; 16];
    hasher.finalize_xof().fill(&mut bits);
    (posting, AuditId::from_bits(u128::from_le_bytes(bits)))
}

fn check_note(note: &str) -> Result<(), Violation> {
    if note.is_empty() {
        return Err(Violation::Required);
    }
    if note.chars().nth(MAX_NOTE_LEN).is_some() {
        return Err(Violation::TooLong(MAX_NOTE_LEN));
    }
    // What turns the direction of text around can make a note read as something else.
    let hidden = |c: char| matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    if note.chars().any(|c| c.is_control() || hidden(c)) {
        return Err(Violation::ControlCharacter);
    }
    Ok(())
}
