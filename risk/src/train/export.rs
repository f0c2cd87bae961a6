//! The gateway's export, read back: records, decisions, and payments to train on.

use super::Failure;
use super::dataset::Payment;
use super::table::Table;
use crate::event::{Entity, Event, Label, Record};
use crate::export::{COLUMNS, feature_column, outcome_named};
use crate::features::{FeatureVector, MISSING, STREAMING_LEN, streaming_names};

/// A decision of an export.
#[derive(Clone, Debug)]
pub struct Decided {
    /// The payment's identifier.
    pub payment: String,
    /// What was judged.
    pub event: Event,
    /// Number of records that the features rest on.
    pub features_as_of: u64,
    /// The model that decided.
    pub model_version: String,
    /// Its log odds.
    pub log_odds: f64,
    /// What it saw.
    pub features: FeatureVector,
}

/// Whether a table is an export.
pub fn is_export(table: &Table) -> bool {
    COLUMNS.iter().all(|name| table.column(name).is_some())
}

/// Reads the cells of an export by name.
pub struct Reader<'a> {
    table: &'a Table,
    places: [usize; COLUMNS.len()],
    features: Vec<usize>,
}

impl<'a> Reader<'a> {
    /// A reader of a table.
    ///
    /// # Errors
    /// The table is no export of this version; the message names the missing column.
    pub fn new(table: &'a Table) -> Result<Self, Failure> {
        let mut places = [0; COLUMNS.len()];
        for (place, name) in places.iter_mut().zip(COLUMNS) {
            *place = table.require(name, "an export")?;
        }
        let feature = |name: &String| table.require(&feature_column(name), "a feature");
        let features = streaming_names().iter().map(feature).collect::<Result<_, _>>()?;
        Ok(Reader { table, places, features })
    }

    fn column(&self, name: &str) -> usize {
        let place = COLUMNS.iter().position(|known| *known == name);
        self.places[place.expect("the rooms of this file name columns of the list")]
    }

    fn text(&self, name: &str, row: usize) -> String {
        self.table.text(self.column(name), row)
    }

    fn integer(&self, name: &str, row: usize) -> Result<i64, Failure> {
        let text = self.text(name, row);
        text.parse().map_err(|_| self.table.wrong(self.column(name), row, "a whole number", &text))
    }

    fn key(&self, name: &str, row: usize) -> Result<Option<u64>, Failure> {
        let text = self.text(name, row);
        if text.is_empty() {
            return Ok(None);
        }
        u64::from_str_radix(&text, 16)
            .map(Some)
            .map_err(|_| self.table.wrong(self.column(name), row, "sixteen hexadecimal digits", &text))
    }

    /// The event of a row.
    ///
    /// # Errors
    /// A cell is not what its column needs.
    pub fn event(&self, row: usize) -> Result<Event, Failure> {
        let id = self.key("id", row)?.unwrap_or_default();
        let mut event = Event::new(id, self.integer("time_s", row)?, self.integer("amount_minor", row)?);
        let currency = self.text("currency", row);
        let letters = currency
            .as_bytes()
            .try_into()
            .map_err(|_| self.table.wrong(self.column("currency"), row, "three letters", &currency))?;
        event = event.in_currency(letters, self.integer("exponent", row)?.clamp(0, 12) as u8);
        for entity in Entity::ALL {
            if let Some(key) = self.key(entity.name(), row)? {
                event = event.with(entity, key);
            }
        }
        Ok(event)
    }

    /// The record of a row with its position; nothing for an event that was never recorded.
    ///
    /// # Errors
    /// A cell is not what its column needs.
    pub fn record(&self, row: usize) -> Result<Option<(u64, Record)>, Failure> {
        let event = self.event(row)?;
        let kind = self.text("record", row);
        let record = match kind.as_str() {
            "authorization" => Record::Authorization(event),
            "outcome" => {
                let name = self.text("outcome", row);
                let outcome = outcome_named(&name)
                    .ok_or_else(|| self.table.wrong(self.column("outcome"), row, "an outcome", &name))?;
                Record::Outcome { event, outcome, time_s: self.integer("known_at_s", row)? }
            }
            "label" => Record::Label {
                event,
                verdict: Label::from_flag(self.table.flag(self.column("fraud"), row)?),
                known_at_s: self.integer("known_at_s", row)?,
            },
            "evaluation" => return Ok(None),
            other => return Err(self.table.wrong(self.column("record"), row, "a kind of record", other)),
        };
        let position = self.integer("position", row)?;
        let position = u64::try_from(position).map_err(|_| {
            self.table.wrong(self.column("position"), row, "a position", &position.to_string())
        })?;
        Ok(Some((position, record)))
    }

    /// The decision of a row, if it has one.
    ///
    /// # Errors
    /// A cell is not what its column needs.
    pub fn decided(&self, row: usize) -> Result<Option<Decided>, Failure> {
        if self.text("features_as_of", row).is_empty() {
            return Ok(None);
        }
        let mut features = [MISSING; STREAMING_LEN];
        for (feature, column) in features.iter_mut().zip(&self.features) {
            *feature = self.table.number(*column, row)?.unwrap_or(MISSING);
        }
        Ok(Some(Decided {
            payment: self.text("payment", row),
            event: self.event(row)?,
            features_as_of: self.integer("features_as_of", row)?.max(0) as u64,
            model_version: self.text("model_version", row),
            log_odds: self.table.number(self.column("log_odds"), row)?.unwrap_or(0.0),
            features,
        }))
    }

    /// The payment of a row, to train on; nothing for rows that are no authorization.
    ///
    /// # Errors
    /// A cell is not what its column needs.
    pub fn payment(&self, row: usize) -> Result<Option<Payment>, Failure> {
        if self.text("record", row) != "authorization" {
            return Ok(None);
        }
        let event = self.event(row)?;
        let card = event.key(Entity::Card).or(event.key(Entity::Customer));
        let outcome = outcome_named(&self.text("outcome", row));
        Ok(Some(Payment {
            event,
            id: self.text("payment", row).into_boxed_str(),
            card: card.map_or_else(String::new, |key| format!("{key:016x}")).into_boxed_str(),
            // A payment without a label counts as genuine once its delay has passed.
            fraud: self.text("fraud", row) == "1",
            declined: outcome.is_some_and(|outcome| outcome != crate::event::Outcome::Approved),
        }))
    }
}
