//! A model: read and checked once, then a score in well under a microsecond.

mod check;
mod compiled;
mod file;

use std::sync::Arc;

pub use check::ModelError;
pub use compiled::{Contribution, Source};
pub use file::{
    Body, Calibration, Cross, Golden, ModelFile, Node, SCHEMA, ScoreKnot, Slope, Split, Term, Training,
};

use compiled::Compiled;

/// A checked model. Immutable and cheap to share: keep it in an `Arc`, and swap the `Arc`.
#[derive(Debug)]
pub struct Model {
    file: ModelFile,
    version: Arc<str>,
    compiled: Compiled,
}

impl Model {
    /// Reads a model file's text and checks it: format, checksum, consistency, golden inputs.
    ///
    /// # Errors
    /// What is wrong with it. Keep the model that you have.
    pub fn parse(text: &str) -> Result<Self, ModelError> {
        let file: ModelFile =
            serde_json::from_str(text).map_err(|error| ModelError::Malformed(error.to_string()))?;
        if file.schema != SCHEMA {
            return Err(ModelError::Schema { found: file.schema });
        }
        let expected = check::checksum(&file);
        if file.checksum != expected {
            return Err(ModelError::Checksum { found: file.checksum, expected });
        }
        Self::build(file)
    }

    /// Seals a newly trained file with its checksum, and checks it as `parse` does.
    ///
    /// # Errors
    /// The file contradicts itself.
    pub fn seal(mut file: ModelFile) -> Result<Self, ModelError> {
        file.checksum = check::checksum(&file);
        Self::build(file)
    }

    fn build(file: ModelFile) -> Result<Self, ModelError> {
        check::consistent(&file)?;
        let compiled = Compiled::new(&file.body, &file.features, &file.risk_score)?;
        check::golden(&file, &compiled)?;
        Ok(Model { version: file.version.as_str().into(), file, compiled })
    }

    /// The file's contents.
    pub fn file(&self) -> &ModelFile {
        &self.file
    }

    /// The file's text, as `parse` reads it.
    pub fn render(&self) -> String {
        let mut text = serde_json::to_string_pretty(&self.file).expect("finite numbers and texts serialise");
        text.push('\n');
        text
    }

    /// Name of this very model.
    pub fn version(&self) -> &Arc<str> {
        &self.version
    }

    /// Number of features that a vector must have.
    pub fn width(&self) -> usize {
        self.file.features.len()
    }

    /// Log odds of fraud.
    ///
    /// # Panics
    /// The vector is shorter than [`Model::width`].
    pub fn log_odds(&self, features: &[f64]) -> f64 {
        self.compiled.log_odds(features)
    }

    /// Probability of fraud.
    pub fn probability(&self, features: &[f64]) -> f64 {
        logistic(self.log_odds(features))
    }

    /// Calls `visit` with every part of the log odds. The parts sum to [`Model::log_odds`].
    pub fn contributions(&self, features: &[f64], visit: impl FnMut(Contribution)) {
        self.compiled.contributions(features, visit);
    }

    /// Name of the source of a contribution, as records and reports show it.
    pub fn source_name(&self, source: Source) -> String {
        match source {
            Source::Intercept => "intercept".to_owned(),
            Source::Feature(place) => self.file.features[place as usize].clone(),
            Source::Cross(a, b) => {
                format!("{} x {}", self.file.features[a as usize], self.file.features[b as usize])
            }
        }
    }

    /// Risk score of 0 to 100 for log odds of fraud: rising, and learned in training, where 65 is above 99.5 %
    /// of the genuine payments and 75 above 99.9 %.
    pub fn risk_score(&self, log_odds: f64) -> u8 {
        self.compiled.risk_score(log_odds)
    }
}

/// Probability of log odds.
pub fn logistic(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// A body that has no golden answers yet.
#[cfg(feature = "train")]
pub struct Unsealed(Compiled);

#[cfg(feature = "train")]
impl Unsealed {
    /// Compiles a body.
    ///
    /// # Errors
    /// The body names features that are not there.
    pub fn new(body: &Body, features: &[String]) -> Result<Self, ModelError> {
        Ok(Unsealed(Compiled::new(body, features, &[])?))
    }

    /// Log odds of a vector.
    pub fn log_odds(&self, features: &[f64]) -> f64 {
        self.0.log_odds(features)
    }
}
