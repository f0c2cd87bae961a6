//! Histories of payments from tables, and their replay through an extractor into a matrix of features.

use std::path::PathBuf;

use serde::Deserialize;

use super::Failure;
use super::export::{Reader, is_export};
use super::table::Table;
use crate::event::{Entity, Event, Label, Record, key_of};
use crate::features::{
    Extractor, HANDBOOK_LEN, HANDBOOK_NAMES, Handbook, STREAMING_LEN, Settings, streaming_names,
};

/// Which column of a table holds what. The default is the handbook's.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct ColumnMap {
    /// Identifier of the transaction.
    pub id: String,
    /// Moment of the payment.
    pub time: String,
    /// Card; the handbook calls it customer.
    pub card: Option<String>,
    /// Customer account.
    pub customer: Option<String>,
    /// Merchant or terminal.
    pub merchant: Option<String>,
    /// Network address.
    pub address: Option<String>,
    /// Device.
    pub device: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Amount in major units.
    pub amount: String,
    /// Currency, three letters.
    pub currency: Option<String>,
    /// 1 for fraud, 0 for genuine.
    pub label: String,
    /// Whether the issuer declined it: 1 or 0.
    pub declined: Option<String>,
    /// Decimal places that amounts are rounded to.
    pub exponent: u8,
}

impl Default for ColumnMap {
    fn default() -> Self {
        let some = |name: &str| Some(name.to_owned());
        ColumnMap {
            id: "TRANSACTION_ID".to_owned(),
            time: "TX_DATETIME".to_owned(),
            card: some("CUSTOMER_ID"),
            customer: None,
            merchant: some("TERMINAL_ID"),
            address: some("ADDRESS_ID"),
            device: some("DEVICE_ID"),
            email: some("EMAIL_ID"),
            amount: "TX_AMOUNT".to_owned(),
            currency: some("CURRENCY"),
            label: "TX_FRAUD".to_owned(),
            declined: some("TX_DECLINED"),
            exponent: 2,
        }
    }
}

impl ColumnMap {
    fn entity(&self, entity: Entity) -> Option<&str> {
        match entity {
            Entity::Card => self.card.as_deref(),
            Entity::Customer => self.customer.as_deref(),
            Entity::Merchant => self.merchant.as_deref(),
            Entity::Address => self.address.as_deref(),
            Entity::Device => self.device.as_deref(),
            Entity::Email => self.email.as_deref(),
        }
    }

    fn mentions(&self, name: &str) -> bool {
        [&self.id, &self.time, &self.amount, &self.label].into_iter().any(|known| known == name)
            || [&self.currency, &self.declined].into_iter().any(|known| known.as_deref() == Some(name))
            || Entity::ALL.into_iter().any(|entity| self.entity(entity) == Some(name))
    }
}

/// One payment of a history.
#[derive(Clone, Debug)]
pub struct Payment {
    /// What the extractor sees.
    pub event: Event,
    /// The transaction's identifier, as the file has it.
    pub id: Box<str>,
    /// The card's (else the customer's) identifier, as the file has it.
    pub card: Box<str>,
    /// Whether it was fraud.
    pub fraud: bool,
    /// Whether the issuer declined it.
    pub declined: bool,
}

/// Payments in order of time.
#[derive(Debug, Default)]
pub struct History {
    /// The payments; equal times stay in the order of the files.
    pub payments: Vec<Payment>,
}

impl History {
    /// Reads and joins files.
    ///
    /// # Errors
    /// A file cannot be read, or a cell is not what its column needs.
    pub fn read(files: &[PathBuf], map: &ColumnMap) -> Result<Self, Failure> {
        let mut payments = Vec::new();
        for file in files {
            let wanted = |name: &str| map.mentions(name) || crate::export::COLUMNS.contains(&name);
            let mut table = Table::read(file, &wanted)?;
            if is_export(&table) {
                // The export's reader looks for its features too.
                table = Table::read(file, &|_| true)?;
                let reader = Reader::new(&table)?;
                for row in 0..table.rows() {
                    payments.extend(reader.payment(row)?);
                }
                continue;
            }
            append_table(&table, map, &mut payments)?;
        }
        payments.sort_by_key(|payment| payment.event.time_s);
        if payments.is_empty() {
            return Err(Failure("the data files hold no rows".to_owned()));
        }
        Ok(History { payments })
    }
}

fn append_table(table: &Table, map: &ColumnMap, payments: &mut Vec<Payment>) -> Result<(), Failure> {
    let (id, time) = (table.require(&map.id, "the transaction")?, table.require(&map.time, "the time")?);
    let (amount, label) =
        (table.require(&map.amount, "the amount")?, table.require(&map.label, "the label")?);
    let column = |name: &Option<String>| name.as_deref().and_then(|name| table.column(name));
    let (currency, declined) = (column(&map.currency), column(&map.declined));
    let keys: Vec<(Entity, usize)> = Entity::ALL
        .into_iter()
        .filter_map(|entity| Some((entity, table.column(map.entity(entity)?)?)))
        .collect();
    let scale = 10f64.powi(i32::from(map.exponent));
    payments.reserve(table.rows());
    for row in 0..table.rows() {
        let text = table.text(id, row);
        let paid = table.number(amount, row)?.ok_or_else(|| table.wrong(amount, row, "an amount", ""))?;
        let mut event = Event::new(key_of(&text), table.time(time, row)?, (paid * scale).round() as i64);
        event.exponent = map.exponent;
        if let Some(column) = currency {
            let letters = table.text(column, row);
            let letters: [u8; 3] = letters
                .as_bytes()
                .try_into()
                .map_err(|_| table.wrong(column, row, "a currency of three letters", &letters))?;
            event = event.in_currency(letters, map.exponent);
        }
        let mut card = String::new();
        for (entity, column) in &keys {
            let name = table.text(*column, row);
            if !name.is_empty() {
                event = event.with(*entity, key_of(&name));
                if matches!(entity, Entity::Card) || (card.is_empty() && matches!(entity, Entity::Customer)) {
                    card = name;
                }
            }
        }
        payments.push(Payment {
            event,
            id: text.into_boxed_str(),
            card: card.into_boxed_str(),
            fraud: table.flag(label, row)?,
            declined: declined.map_or(Ok(false), |column| table.flag(column, row))?,
        });
    }
    Ok(())
}

/// Which features a model reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeatureSet {
    /// What the gateway serves.
    Streaming,
    /// The handbook's fifteen.
    Handbook,
    /// The numeric columns of a table, as they are.
    Columns,
}

impl FeatureSet {
    /// Name on the command line and in model files.
    pub fn name(self) -> &'static str {
        match self {
            FeatureSet::Streaming => "streaming",
            FeatureSet::Handbook => "handbook",
            FeatureSet::Columns => "columns",
        }
    }

    /// The set of a name.
    pub fn named(name: &str) -> Option<Self> {
        [FeatureSet::Streaming, FeatureSet::Handbook, FeatureSet::Columns]
            .into_iter()
            .find(|set| set.name() == name)
    }
}

/// Rows of features with their labels.
#[derive(Clone, Debug, Default)]
pub struct Matrix {
    /// Names of the columns.
    pub names: Vec<String>,
    /// Row after row.
    pub values: Vec<f64>,
    /// Whether each row was fraud.
    pub labels: Vec<bool>,
    /// Place of each row in the history or table that it came from.
    pub places: Vec<usize>,
    /// Rows of one group stay together in inner validation: the merchant, else the card.
    pub groups: Vec<u64>,
}

impl Matrix {
    /// Number of columns.
    pub fn width(&self) -> usize {
        self.names.len()
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.labels.len()
    }

    /// Some of the rows.
    pub fn select(&self, rows: &[usize]) -> Matrix {
        Matrix {
            names: self.names.clone(),
            values: rows.iter().flat_map(|row| self.row(*row).iter().copied()).collect(),
            labels: rows.iter().map(|row| self.labels[*row]).collect(),
            places: rows.iter().map(|row| self.places[*row]).collect(),
            groups: rows.iter().map(|row| self.groups[*row]).collect(),
        }
    }

    /// One row.
    pub fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.width()..(row + 1) * self.width()]
    }
}

/// Half-open windows of Unix seconds.
pub type Window = (i64, i64);

/// Replays a history once and gives the features of every payment in each window.
pub fn replay(history: &History, set: FeatureSet, settings: Settings, windows: &[Window]) -> Vec<Matrix> {
    match set {
        FeatureSet::Streaming | FeatureSet::Columns => {
            let extractor = Extractor::new(settings);
            let names = streaming_names().to_vec();
            let observe = |record: &Record| extractor.observe(record);
            let extract = |event: &Event, out: &mut [f64; STREAMING_LEN]| {
                extractor.extract(event, out);
            };
            run(history, settings, windows, (names, observe, extract))
        }
        FeatureSet::Handbook => {
            let handbook = std::cell::RefCell::new(Handbook::new(settings.label_delay_s));
            let names = HANDBOOK_NAMES.map(str::to_owned).to_vec();
            let observe = |record: &Record| handbook.borrow_mut().observe(record);
            let extract =
                |event: &Event, out: &mut [f64; HANDBOOK_LEN]| handbook.borrow().extract(event, out);
            run(history, settings, windows, (names, observe, extract))
        }
    }
}

fn run<const N: usize>(
    history: &History,
    settings: Settings,
    windows: &[Window],
    (names, observe, extract): (Vec<String>, impl Fn(&Record), impl Fn(&Event, &mut [f64; N])),
) -> Vec<Matrix> {
    let mut matrices: Vec<Matrix> =
        windows.iter().map(|_| Matrix { names: names.clone(), ..Matrix::default() }).collect();
    let end_s = windows.iter().map(|window| window.1).max().unwrap_or(i64::MAX);
    let mut features = [0.0; N];
    for (place, payment) in history.payments.iter().enumerate() {
        let time_s = payment.event.time_s;
        if time_s >= end_s {
            break;
        }
        let mut asked = false;
        for (matrix, window) in matrices.iter_mut().zip(windows) {
            if (window.0..window.1).contains(&time_s) {
                if !asked {
                    extract(&payment.event, &mut features);
                    asked = true;
                }
                matrix.values.extend_from_slice(&features);
                matrix.labels.push(payment.fraud);
                matrix.places.push(place);
                matrix.groups.push(group(&payment.event));
            }
        }
        for record in records(payment, settings) {
            observe(&record);
        }
    }
    matrices
}

fn group(event: &Event) -> u64 {
    event.key(Entity::Merchant).or(event.key(Entity::Card)).unwrap_or(event.id)
}

/// The records that a payment of a history leaves: itself, a decline, and a label that is known when its delay
/// has passed.
pub fn records(payment: &Payment, settings: Settings) -> impl Iterator<Item = Record> {
    let event = payment.event;
    let outcome = payment.declined.then_some(Record::Outcome {
        event,
        outcome: crate::event::Outcome::Declined,
        time_s: event.time_s,
    });
    let label = payment.fraud.then_some(Record::Label {
        event,
        verdict: Label::Fraud,
        known_at_s: event.time_s + i64::from(settings.label_delay_s),
    });
    [Some(Record::Authorization(event)), outcome, label].into_iter().flatten()
}
