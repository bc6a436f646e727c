//! All entries of an account, as CSV.

use std::collections::HashMap;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::{TryStreamExt, stream};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use neuropod::message::Language;
use neuropod::money::{Currency, LedgerEntry};
use neuropod::{Error, Money, PodId};

use super::account_range::{Range, no_account};
use crate::app::Shared;
use crate::auth::Caller;
use crate::contract::failure::{Failure, FailureBody};
use crate::contract::money::entry_text;
use crate::contract::reply::Parameters;
use crate::csv::{Cell, Csv};
use crate::language::Asked;

/// The kind of the last row: a file without it is incomplete.
const END: &str = "end";

/// Every entry of the account, oldest first, as CSV: amounts exactly. The last row is of the kind `end` and says
/// how many entries there are and their sum; a file without it is incomplete.
#[utoipa::path(get, path = "/api/account/statement.csv", tag = "Account", params(Range),
    security(("bearer" = [])), responses(
    (status = 200, body = String, content_type = "text/csv"), (status = 400, body = FailureBody),
    (status = 401, body = FailureBody), (status = 403, body = FailureBody), (status = 404, body = FailureBody),
))]
pub(crate) async fn csv(
    State(app): State<Shared>,
    Asked(language): Asked,
    caller: Caller,
    Parameters(query): Parameters<Range>,
) -> Result<Response, Failure> {
    let ledger = query.ledger(&app, &caller).await?;
    let names = ledger.names_of_pods().await?;
    let mut pages = Box::pin(ledger.pages());
    // If nothing can be read, the reply is an error instead of a file.
    let first = pages.try_next().await.map_err(no_account)?;
    let currency = app.platform.currency().clone();
    let head = head(&currency);
    let begin = (pages, Some(first), Sums::default(), head, (names, currency));
    let body = stream::try_unfold(
        begin,
        move |(mut pages, first, mut sums, mut csv, words)| async move {
            let page = match first {
                Some(first) => first,
                None if sums.ended => return Ok(None),
                None => pages.try_next().await.inspect_err(broke_off)?,
            };
            let (names, currency) = &words;
            match page {
                Some(page) => page.iter().for_each(|entry| {
                    sums.add(entry);
                    add(&mut csv, entry, names, currency, language);
                }),
                None => sums.write_last_row(&mut csv, currency),
            }
            let text = Bytes::from(csv.take_text());
            Ok::<_, Error>(Some((text, (pages, None, sums, csv, words))))
        },
    );
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
        (CONTENT_DISPOSITION, "attachment; filename=\"neuropod.csv\""),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}

/// A CSV with the names of its columns, such as `amountEur`.
fn head(currency: &Currency) -> Csv {
    let [amount, held] = ["amount", "held"].map(|name| format!("{name}{}", unit(currency)));
    Csv::with_head(&[
        "number", "at", "kind", "podId", "podName", &amount, &held, "note", "text",
    ])
}

/// The currency as a part of names: `Eur`.
fn unit(currency: &Currency) -> String {
    let (first, rest) = currency.code().split_at(1);
    format!("{first}{}", rest.to_ascii_lowercase())
}

/// The reader sees that the connection broke off, and that the last row is missing.
fn broke_off(error: &Error) {
    tracing::warn!(%error, "a statement broke off");
}

fn add(
    csv: &mut Csv,
    entry: &LedgerEntry,
    names: &HashMap<PodId, String>,
    currency: &Currency,
    language: Language,
) {
    let pod = entry.pod();
    let name = entry.details.pod_name.as_deref();
    let name = name.or_else(|| names.get(pod.as_ref()?).map(String::as_str));
    let kind = serde_json::to_string(&entry.kind).unwrap_or_default();
    csv.row([
        Cell::Plain(&entry.number),
        Cell::Plain(&entry.at),
        Cell::Text(kind.trim_matches('"')),
        Cell::text(pod.as_ref().map(PodId::as_str)),
        Cell::text(name),
        Cell::Plain(&entry.amount),
        Cell::Plain(&entry.held),
        Cell::text(entry.details.note.as_deref()),
        Cell::Text(&entry_text(entry, currency, language)),
    ]);
}

/// The rows so far.
#[derive(Default)]
struct Sums {
    entries: u64,
    amount: Money,
    ended: bool,
}

impl Sums {
    fn add(&mut self, entry: &LedgerEntry) {
        self.entries += 1;
        self.amount += entry.amount;
    }

    /// Writes the last row. Its amount is in the note, so that a sum over the column is not twice as much.
    fn write_last_row(&mut self, csv: &mut Csv, currency: &Currency) {
        self.ended = true;
        let note = format!(
            "entries={} amount{}={}",
            self.entries,
            unit(currency),
            self.amount
        );
        let empty = Cell::Empty;
        csv.row([
            empty,
            empty,
            Cell::Text(END),
            empty,
            empty,
            empty,
            empty,
            Cell::Text(&note),
            empty,
        ]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_stand_in_the_note_of_the_last_row_alone() {
        let mut csv = head(&Currency::EUR);
        let mut sums = Sums {
            entries: 3,
            amount: Money::from_micros(-45_000),
            ended: false,
        };
        sums.write_last_row(&mut csv, &Currency::EUR);
        assert!(sums.ended);
        assert_eq!(
            csv.take_text(),
            "number,at,kind,podId,podName,amountEur,heldEur,note,text\r\n\
             ,,end,,,,,entries=3 amountEur=-0.045,\r\n"
        );
    }
}
