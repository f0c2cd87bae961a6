//! Arguments that several commands share.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::features::Settings;
use crate::model::Model;
use crate::train::Failure;
use crate::train::dataset::{ColumnMap, FeatureSet, Window};
use crate::train::fit::Options;
use crate::train::job::Algorithm;
use crate::train::solver::Solver;
use crate::train::time::{DAY_S, day_start, parse_date};

/// Which files, and what their columns mean.
#[derive(Debug, Args)]
pub struct Data {
    /// History, CSV or Parquet; several files are joined in order of time.
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub data: Vec<PathBuf>,
    /// JSON file that says which column holds what; the handbook's names need none.
    #[arg(long, value_name = "FILE")]
    pub column_map: Option<PathBuf>,
}

impl Data {
    /// The column map, or the handbook's.
    ///
    /// # Errors
    /// The file cannot be read, or is no map.
    pub fn map(&self) -> Result<ColumnMap, Failure> {
        column_map(self.column_map.as_deref())
    }
}

/// The column map of a file, or the handbook's.
///
/// # Errors
/// The file cannot be read, or is no map.
pub fn column_map(path: Option<&Path>) -> Result<ColumnMap, Failure> {
    let Some(path) = path else { return Ok(ColumnMap::default()) };
    serde_json::from_str(&read_text(path)?)
        .map_err(|error| Failure(format!("{}: not a column map: {error}", path.display())))
}

/// Days that the features wait for a label.
#[derive(Debug, Args)]
pub struct Delay {
    /// Days after which a label is known.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(0..=3650))]
    pub label_delay_days: u32,
}

impl Delay {
    /// Settings of an extractor for training: it forgets nobody.
    pub fn settings(&self) -> Settings {
        settings(self.label_delay_days)
    }
}

/// Settings of an extractor for training, which forgets nobody.
pub fn settings(label_delay_days: u32) -> Settings {
    Settings { entities: 50_000_000, pending: 50_000_000, label_delay_s: label_delay_days * DAY_S as u32 }
}

/// How to train.
#[derive(Debug, Args)]
pub struct Method {
    /// What the model reads.
    #[arg(long, value_enum, default_value_t = Features::Streaming)]
    pub features: Features,
    /// What is trained.
    #[arg(long, value_enum, default_value_t = AlgorithmName::Logistic)]
    pub algorithm: AlgorithmName,
    /// Who fits the weights of a logistic regression.
    #[arg(long, value_enum, default_value_t = SolverName::Linfa)]
    pub solver: SolverName,
    /// L2 penalties that inner validation chooses from; 1 / C of other libraries.
    #[arg(long, value_delimiter = ',', value_name = "PENALTY,...")]
    pub penalties: Vec<f64>,
    /// Most pairs of features that are crossed.
    #[arg(long)]
    pub crosses: Option<usize>,
    /// How features enter a logistic regression: learned bins and crosses, or plain standardised columns with
    /// C = 1. Default: plain for the handbook's features, learned for others.
    #[arg(long, value_enum)]
    pub design: Option<Design>,
    /// Most questions of a tree's path.
    #[arg(long, default_value_t = 6)]
    pub depth: usize,
    /// Fewest payments of a tree's leaf.
    #[arg(long, default_value_t = 20)]
    pub leaf: usize,
}

/// Features by name.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Features {
    /// What the gateway serves.
    Streaming,
    /// The handbook's fifteen.
    Handbook,
    /// The numeric columns of the table.
    Columns,
}

/// How features become columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Design {
    /// Bins and crosses learned from the labels.
    Learned,
    /// Standardised columns, as they are.
    Plain,
}

/// Algorithms by name.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum AlgorithmName {
    /// Logistic regression.
    Logistic,
    /// Decision tree.
    Tree,
}

/// Solvers by name.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum SolverName {
    /// linfa-logistic.
    Linfa,
    /// Newton's method, two threads.
    Newton,
}

impl Method {
    /// The feature set.
    pub fn set(&self) -> FeatureSet {
        match self.features {
            Features::Streaming => FeatureSet::Streaming,
            Features::Handbook => FeatureSet::Handbook,
            Features::Columns => FeatureSet::Columns,
        }
    }

    /// The algorithm.
    pub fn algorithm(&self) -> Algorithm {
        match self.algorithm {
            AlgorithmName::Logistic => Algorithm::Logistic,
            AlgorithmName::Tree => Algorithm::Tree { depth: self.depth.max(1), leaf: self.leaf.max(1) },
        }
    }

    /// What training may choose from.
    ///
    /// # Errors
    /// A penalty is not positive.
    pub fn options(&self) -> Result<Options, Failure> {
        let usual = match self.set() {
            FeatureSet::Handbook => Design::Plain,
            FeatureSet::Streaming | FeatureSet::Columns => Design::Learned,
        };
        let mut options = Options::default();
        if self.design.unwrap_or(usual) == Design::Plain {
            options = Options { plain: true, penalties: vec![1.0], ..options };
        }
        options.solver = match self.solver {
            SolverName::Linfa => Solver::Linfa,
            SolverName::Newton => Solver::Newton,
        };
        if let Some(wrong) = self.penalties.iter().find(|penalty| !(penalty.is_finite() && **penalty > 0.0)) {
            return Err(Failure(format!("--penalties: {wrong} is not above zero")));
        }
        if !self.penalties.is_empty() {
            options.penalties.clone_from(&self.penalties);
        }
        if let Some(crosses) = self.crosses {
            options.choice.pairs = crosses;
        }
        Ok(options)
    }
}

/// Unix seconds of inclusive days.
///
/// # Errors
/// A text is no date, or the last day is before the first.
pub fn window(from: &str, to: &str) -> Result<Window, Failure> {
    let window = (day_start(parse_date(from)?), day_start(parse_date(to)?) + DAY_S);
    if window.0 >= window.1 {
        return Err(Failure(format!("the last day {to} is before the first day {from}")));
    }
    Ok(window)
}

/// Reads a whole text file.
///
/// # Errors
/// It cannot be read.
pub fn read_text(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| Failure(format!("{}: {error}", path.display())))
}

/// Reads and checks a model.
///
/// # Errors
/// It cannot be read, or is no model that may score.
pub fn read_model(path: &Path) -> Result<Model, Failure> {
    Model::parse(&read_text(path)?).map_err(|error| Failure(format!("{}: {error}", path.display())))
}
