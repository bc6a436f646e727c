//! Balances and charges, in words.

use jiff::Timestamp;

use super::language::Language;
use crate::money::currency::Currency;
use crate::money::statement::Explanation;

/// The warning that the balance of an account, or what its daily cap leaves, lasts for only so many seconds.
///
/// ```
/// use neuropod_core::message::{Language, low_balance};
///
/// let text = |seconds| low_balance(seconds, false, Language::En);
/// assert!(text(59).starts_with("Your balance is running out: less than a minute left;"));
/// assert!(text(119).starts_with("Your balance is running out: 1 minute left;"));
/// assert!(text(120).starts_with("Your balance is running out: 2 minutes left;"));
/// let text = |seconds| low_balance(seconds, true, Language::Es);
/// assert!(text(59).starts_with("Se acerca el límite de gasto diario: queda menos de un minuto;"));
/// assert!(text(60).starts_with("Se acerca el límite de gasto diario: queda 1 minuto;"));
/// assert!(text(600).starts_with("Se acerca el límite de gasto diario: quedan 10 minutos;"));
/// ```
pub fn low_balance(seconds_left: i64, daily_cap: bool, language: Language) -> String {
    let minutes = seconds_left / 60;
    let remaining = match minutes {
        ..=0 => language
            .pick("queda menos de un minuto", "less than a minute left")
            .to_owned(),
        1 => language.pick("queda 1 minuto", "1 minute left").to_owned(),
        _ => language.pick(
            format!("quedan {minutes} minutos"),
            format!("{minutes} minutes left"),
        ),
    };
    let (es, en) = if daily_cap {
        (
            "Se acerca el límite de gasto diario",
            "The daily spend cap is almost reached",
        )
    } else {
        ("Tu saldo se está agotando", "Your balance is running out")
    };
    language.pick(
        format!("{es}: {remaining}; después tus pods se detendrán y conservarán sus volúmenes"),
        format!("{en}: {remaining}; then your pods will stop and keep their volumes"),
    )
}

/// How the amount of a charge was calculated, or of several that were
/// [folded](crate::money::LedgerFolding) into one entry.
pub fn charge(charge: &Explanation, language: Language, currency: &Currency) -> String {
    let Explanation {
        period,
        seconds,
        hourly,
        charges,
        amount,
        ..
    } = charge;
    let [from, until] = [period.from, period.until].map(|time| time.strftime("%Y-%m-%d %H:%M:%S"));
    let code = currency.code();
    let count = match charges {
        ..=1 => String::new(),
        _ => language.pick(
            format!(", en {charges} cargos"),
            format!(", in {charges} charges"),
        ),
    };
    language.pick(
        format!("{from} a {until} UTC: {seconds} s a {hourly} {code} por hora = {amount} {code}{count}"),
        format!("{from} to {until} UTC: {seconds} s at {hourly} {code} per hour = {amount} {code}{count}"),
    )
}

/// The warning that the volume of a stopped pod is not paid for and will be deleted at `at`.
pub fn volume_at_risk(at: Timestamp, language: Language) -> String {
    let at = at.strftime("%Y-%m-%d %H:%M UTC");
    language.pick(
        format!("El volumen no está pagado: se eliminará el {at} si no se recarga el saldo"),
        format!("The volume is not paid for: it will be deleted on {at} unless the account is topped up"),
    )
}
