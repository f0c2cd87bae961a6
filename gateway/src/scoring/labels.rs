//! Labels by upload: a CSV of payments and whether they were fraud, each a transition of its payment, so that it is durable, shown in
//! the payment's history, and taught to the scorer in the journal's order.

use crate::engine::Engine;
use crate::flow::draft::Draft;
use crate::flow::{commit, read};
use gateway_core::id::{ChargeId, MerchantId, PaymentId};
use gateway_core::journal::{Batch, RowKey, Urgency};
use gateway_core::payment::{Command, decide};
use gateway_core::risk::FraudLabel;
use gateway_core::tenant::{Mode, Tenant};
use serde::Serialize;

/// Lines of one upload, at most.
const MAX_LINES: usize = 200_000;
/// With more merchants than this a line must name its own: else every one would have to be asked.
const MAX_GUESSED: usize = 16;
/// So many faults are told; all are counted.
const TOLD: usize = 20;

/// What an upload did.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    pub lines: usize,
    /// Labels that were new.
    pub taken: usize,
    /// Labels that said what was known.
    pub known: usize,
    pub failed: usize,
    /// The first of them, by their lines.
    pub failures: Vec<String>,
}

/// One line.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    payment: PaymentId,
    /// `None`: the latest attempt.
    attempt: Option<u16>,
    label: FraudLabel,
    merchant: Option<MerchantId>,
}

/// The columns' places: payment, fraud, merchant.
struct Columns(usize, usize, Option<usize>);

fn columns(header: &str) -> Result<Columns, String> {
    let names: Vec<&str> = header.split(',').map(str::trim).collect();
    let place = |name: &str| names.iter().position(|known| *known == name);
    match (place("payment"), place("fraud")) {
        (Some(payment), Some(fraud)) => Ok(Columns(payment, fraud, place("merchant"))),
        _ => Err(format!(
            "the first line must name the columns payment and fraud (and merchant, where there are many); it is {header:?}"
        )),
    }
}

fn line(columns: &Columns, text: &str) -> Result<Line, String> {
    let cells: Vec<&str> = text.split(',').map(str::trim).collect();
    let cell = |at: usize| cells.get(at).copied().unwrap_or_default();
    let named = cell(columns.0);
    let (payment, attempt) = match (named.parse::<PaymentId>(), named.parse::<ChargeId>()) {
        (Ok(payment), _) => (payment, None),
        (_, Ok(charge)) => (charge.payment, Some(charge.attempt)),
        _ => return Err(format!("{named:?} is no payment: write pi_... or ch_...")),
    };
    let label = match cell(columns.1) {
        "1" | "true" => FraudLabel::Fraud,
        "0" | "false" => FraudLabel::Genuine,
        other => return Err(format!("{other:?} is no label: write 1 for fraud, 0 for genuine")),
    };
    let merchant = match columns.2.map(cell).filter(|text| !text.is_empty()) {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| format!("{text:?} is no merchant: write acct_..."))?),
    };
    Ok(Line { payment, attempt, label, merchant })
}

/// Takes an upload. Lines that can't be taken do not hold up the others.
///
/// # Errors
/// The file as a whole can't be read.
pub async fn upload(engine: &Engine, text: &str) -> Result<Report, String> {
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let (_, header) =
        lines.next().ok_or("the file is empty; its first line names the columns payment and fraud")?;
    let columns = columns(header.trim_start_matches('\u{feff}'))?;
    let mut report = Report::default();
    for (number, text) in lines {
        report.lines += 1;
        if report.lines > MAX_LINES {
            return Err(format!(
                "more than {MAX_LINES} lines: send the rest in another file; the lines before were taken"
            ));
        }
        let taken = match line(&columns, text) {
            Ok(line) => take(engine, &line).await,
            Err(why) => Err(why),
        };
        match taken {
            Ok(true) => report.taken += 1,
            Ok(false) => report.known += 1,
            Err(why) => {
                report.failed += 1;
                if report.failures.len() < TOLD {
                    report.failures.push(format!("line {}: {why}", number + 1));
                }
            }
        }
    }
    Ok(report)
}

async fn take(engine: &Engine, line: &Line) -> Result<bool, String> {
    let tenant = tenant_of(engine, line).await?;
    let turn = engine.turns.wait(line.payment, engine.settings.wait).await;
    let _turn = turn.ok_or("another operation holds the payment; send the line again")?;
    let found =
        read(engine, &RowKey::Payment(tenant, line.payment)).await.map_err(|e| e.message.to_string())?;
    let mut draft = found.and_then(Draft::of).ok_or("there is no such payment")?;
    let latest = draft.payment().attempt().map(|attempt| attempt.number);
    let attempt = line.attempt.or(latest).ok_or("the payment was never attempted")?;
    let command = Command::Label { attempt, label: line.label, at: engine.clock.now() };
    let events = decide(draft.payment(), command).map_err(|_| "the payment has no such charge")?;
    if events.is_empty() {
        return Ok(false);
    }
    draft.record(events, &engine.stamp());
    let mut batch = Batch::new(Urgency::New);
    draft.write_into(&mut batch);
    let failed = |fault| format!("it could not be stored: {fault:?}; send the line again");
    commit(engine, batch).await.map(|_| true).map_err(failed)
}

async fn tenant_of(engine: &Engine, line: &Line) -> Result<Tenant, String> {
    let merchants = match line.merchant {
        Some(merchant) => vec![merchant],
        None => engine.merchants.all().iter().map(|merchant| merchant.id).collect(),
    };
    if merchants.len() > MAX_GUESSED {
        return Err(format!("{} merchants: name the payment's own in a column merchant", merchants.len()));
    }
    for merchant in merchants {
        for mode in [Mode::Live, Mode::Test] {
            let tenant = Tenant { merchant, mode };
            let found = read(engine, &RowKey::Payment(tenant, line.payment)).await;
            if found.map_err(|error| error.message.to_string())?.is_some() {
                return Ok(tenant);
            }
        }
    }
    Err("there is no such payment".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway_core::id::Id;

    #[test]
    fn lines_say_what_is_wrong_with_them() {
        let columns = columns("fraud,payment,merchant").unwrap();
        let payment = PaymentId(Id(5));
        let charge = ChargeId { payment, attempt: 2 };
        let good = line(&columns, &format!("1,{charge},")).unwrap();
        let expected = Line { payment, attempt: Some(2), label: FraudLabel::Fraud, merchant: None };
        assert_eq!(good, expected);
        assert_eq!(line(&columns, &format!("0, {payment}")).unwrap().label, FraudLabel::Genuine);
        for (text, why) in [("1,xx", "no payment"), (&format!("yes,{payment}"), "no label")] {
            assert!(line(&columns, text).unwrap_err().contains(why));
        }
        assert!(super::columns("id,fraud").is_err());
    }
}
