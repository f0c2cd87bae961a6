//! Who asks: merchants and their keys, some of which are busier than others.

use crate::failure::{Failure, Result};
use crate::load::Job;
use crate::random::{Random, Zipf};
use http::HeaderValue;
use std::sync::Arc;

/// A merchant as the client knows it.
#[derive(Debug, Clone)]
pub struct Merchant {
    /// The word for histories.
    pub id: Arc<str>,
    /// `Bearer sk_...`, marked as not to be shown.
    pub authorization: HeaderValue,
}

impl Merchant {
    /// A merchant with a secret key.
    ///
    /// # Errors
    /// The key has letters that no key has.
    pub fn new(id: &str, key: &str) -> Result<Self> {
        let mut authorization = HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| {
            Failure::usage(format!("the key of merchant {id} holds characters that no key has"))
        })?;
        authorization.set_sensitive(true);
        Ok(Self { id: id.into(), authorization })
    }

    /// The merchant who sent a request.
    pub fn of(job: &Job) -> Self {
        Self { id: job.note.merchant.as_str().into(), authorization: job.request.authorization.clone() }
    }
}

/// All merchants of a run.
#[derive(Debug, Clone)]
pub struct Merchants {
    all: Arc<[Merchant]>,
    law: Zipf,
}

impl Merchants {
    /// Merchants of a skew; 0 is uniform.
    ///
    /// # Errors
    /// There is none.
    pub fn new(all: Vec<Merchant>, skew: f64) -> Result<Self> {
        if all.is_empty() {
            return Err(Failure::usage("a load needs at least one merchant's key: give --key"));
        }
        let law = Zipf::new(all.len() as u64, skew);
        Ok(Self { all: all.into(), law })
    }

    /// The merchant who asks next.
    pub fn next(&self, random: &mut Random) -> &Merchant {
        &self.all[self.law.rank(random) as usize]
    }

    /// How many they are.
    pub fn count(&self) -> usize {
        self.all.len()
    }
}
