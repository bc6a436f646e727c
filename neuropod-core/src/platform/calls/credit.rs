//! Changes of accounts by administrators: added credit, and balances that are set.

use crate::error::kind::{ErrorKind, Result};
use crate::error::validation::{MAX_NOTE_LEN, Problem, ValidationErrors, Violation};
use crate::id::{Actor, UserId};
use crate::money::amount::Money;
use crate::money::billing::{
    AccountKind, Balance, BillingExt, Details, EntryKind, LedgerEntry, Posting, PostingKind,
};
use crate::platform::admission::{is_administrator, require_client};
use crate::platform::audit_trail::PendingEntry;
use crate::platform::handle::Platform;
use crate::store::audit::{AuditAction, AuditChange, AuditId};

impl Platform {
    /// Adds `amount` to the account of a client, as a deposit with a note that its owner sees in the ledger, and returns
    /// the balance. Once for each administrator, user and key, however often it is repeated.
    ///
    /// The note is one line of plain text, 1 to [`MAX_NOTE_LEN`] characters. To reduce a balance, use
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
        let audit = &self.0.audit;
        let (posting_key, id) = ids(actor, user, amount, key);
        let target = audit.user_target(actor, user).await?;
        let action = AuditAction::CreditAdded;
        let mut entry = audit.begin_with_id(actor, id, action, target).await?;
        entry.change = Some(AuditChange::new(None, Some(amount.to_string())));
        let done = self.post_credit(actor, user, amount, note, posting_key).await;
        entry.finish(done).await
    }

    /// Corrects an account so that `available` can be spent, by one adjustment in its ledger: in addition to what has
    /// accrued since the last charges, as in [`Standing::current`](crate::money::Standing::current). Once for each key,
    /// however often it is repeated; what is charged at the same moment comes on top.
    ///
    /// # Errors
    /// `Forbidden` for clients; `NotFound`; `Invalid` when the amount is negative or out of range; `InvalidState` when
    /// the account is an administrator's, which has no limit.
    pub async fn set_balance(&self, actor: &Actor, user: &UserId, available: Money, key: &str) -> Result<()> {
        let action = AuditAction::BalanceSet;
        let mut entry = self.0.audit.begin_on_user(actor, action, user).await?;
        let done = self.adjust_balance(actor, user, available, key, &mut entry).await;
        entry.finish(done).await
    }

    async fn post_credit(
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
        let billing = &self.0.billing;
        if billing.balance(user).await?.kind == AccountKind::Unlimited {
            return Err(is_administrator());
        }
        let posting = Posting {
            details: Details {
                note: Some(note.to_owned()),
                ..Details::default()
            },
            ..Posting::new(key, user, PostingKind::Deposit, amount)
        };
        let posted = billing.post(&posting).await;
        self.0.feed.publish_account(user);
        posted?;
        billing.balance(user).await
    }

    async fn adjust_balance(
        &self,
        actor: &Actor,
        user: &UserId,
        available: Money,
        key: &str,
        entry: &mut PendingEntry<'_>,
    ) -> Result<()> {
        actor.require_admin()?;
        if available.is_negative() {
            return Err(ValidationErrors::from(Problem::new("balance", Violation::Amount)).into());
        }
        if let Some(user) = self.0.users.user(user).await? {
            require_client(&user)?;
        }
        let billing = &self.0.billing;
        let balance = billing.balance(user).await?;
        if balance.kind == AccountKind::Unlimited {
            return Err(is_administrator());
        }
        let (pods, now) = (self.0.records.all(Some(user), true).await?, self.0.clock.now());
        let accrued = pods.iter().map(|pod| pod.meter.accrued(now)).sum();
        let shown = balance.after(accrued).available;
        let amounts = [shown, available].map(|amount| Some(amount.to_string()));
        let [before, after] = amounts;
        entry.change = Some(AuditChange::new(before, after));
        let by = available + accrued - balance.available;
        let posting = Posting::new(key, user, PostingKind::Adjustment, by);
        let posted = billing.post(&posting).await;
        self.0.feed.publish_account(user);
        match posted {
            // The same call again has another amount: the first one has changed the balance.
            Err(error) if *error.kind() == ErrorKind::Conflict => {
                let entries = billing.all_entries(user).await?;
                let done = |entry: &LedgerEntry| entry.key == key && entry.kind == EntryKind::Adjustment;
                if entries.iter().any(done) {
                    Ok(())
                } else {
                    Err(error)
                }
            }
            other => other,
        }
    }
}

/// The key of the posting, which is derived from the administrator, the user and the key, and the id of its
/// entry in the audit log, which is also derived from the amount: a repeated call is one entry, and a call with
/// another amount is refused and has its own entry.
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
    // Characters that change the direction of text can make a note read differently.
    let hidden = |c: char| matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    if note.chars().any(|c| c.is_control() || hidden(c)) {
        return Err(Violation::ControlCharacter);
    }
    Ok(())
}
