//! `risk simulate`: a seeded history of labelled payments.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::arguments::window;
use super::output::Output;
use crate::train::Failure;
use crate::train::columnar::{Column, write_table};
use crate::train::simulate::{Kind, Simulated, World, simulate};
use crate::train::time::render_time;

/// Arguments of `risk simulate`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The same seed gives the same payments.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Cards.
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(10..=2_000_000))]
    cards: u32,
    /// Merchants.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
    merchants: u32,
    /// Days.
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3_650))]
    days: u32,
    /// First day.
    #[arg(long, default_value = "2026-01-01", value_name = "DATE")]
    from: String,
    /// The table to write, CSV or Parquet by its ending.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Generates and writes.
///
/// # Errors
/// The date is none, or the file cannot be written.
pub fn run(arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    let world = World {
        seed: arguments.seed,
        cards: arguments.cards as usize,
        merchants: arguments.merchants as usize,
        days: arguments.days as usize,
        start_s: window(&arguments.from, &arguments.from)?.0,
    };
    let busy = output.busy("simulating");
    let payments = simulate(world);
    write_table(&arguments.out, &columns(&payments))?;
    busy.finish_and_clear();
    let frauds = payments.iter().filter(|paid| paid.kind != Kind::Genuine).count();
    let result = json!({ "rows": payments.len(), "frauds": frauds, "out": arguments.out });
    output.show(&result, || {
        format!("{} payments, {frauds} of them fraud, written to {}", payments.len(), arguments.out.display())
    })
}

/// The payments by column, under the handbook's names where it has one.
pub fn columns(payments: &[Simulated]) -> Vec<(&'static str, Column)> {
    let texts = |of: &dyn Fn(&Simulated) -> String| Column::Texts(payments.iter().map(of).collect());
    let entity = |number: u32| if number == 0 { String::new() } else { number.to_string() };
    let integers = |of: &dyn Fn(&Simulated) -> i64| Column::Integers(payments.iter().map(of).collect());
    vec![
        ("TRANSACTION_ID", Column::Integers((0..payments.len() as i64).collect())),
        ("TX_DATETIME", texts(&|paid| render_time(paid.time_s))),
        ("CUSTOMER_ID", texts(&|paid| entity(paid.card))),
        ("TERMINAL_ID", texts(&|paid| entity(paid.merchant))),
        (
            "TX_AMOUNT",
            Column::Numbers(payments.iter().map(|paid| paid.amount_minor as f64 / 100.0).collect()),
        ),
        ("CURRENCY", texts(&|paid| paid.currency.to_owned())),
        ("ADDRESS_ID", texts(&|paid| entity(paid.address))),
        ("DEVICE_ID", texts(&|paid| entity(paid.device))),
        ("EMAIL_ID", texts(&|paid| entity(paid.email))),
        ("TX_DECLINED", integers(&|paid| i64::from(paid.declined))),
        ("TX_FRAUD", integers(&|paid| i64::from(paid.kind != Kind::Genuine))),
        ("TX_FRAUD_KIND", texts(&|paid| paid.kind.name().to_owned())),
    ]
}
