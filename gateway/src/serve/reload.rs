//! Changes while serving: certificates, and what the application can take from a new configuration. What is bad is
//! reported, and the last good stays.

use super::{Application, Signal, now_s};
use crate::config::{Config, Sources};
use crate::edge::{Certificates, TlsSlot};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// How often the certificate's end is looked at; development renews its own then.
const LOOK_EVERY: Duration = Duration::from_secs(6 * 60 * 60);
/// From this many days on it is time to warn.
const WARN_DAYS: i64 = 21;

pub(super) struct Reloader {
    sources: Sources,
    tls: Arc<TlsSlot>,
    application: Arc<dyn Application>,
}

impl Reloader {
    pub(super) fn new(sources: Sources, tls: Arc<TlsSlot>, application: Arc<dyn Application>) -> Self {
        Self { sources, tls, application }
    }

    /// Grants wishes to reload until the wish is to stop.
    pub(super) async fn until_stopped(&mut self, signals: &mut mpsc::Receiver<Signal>) {
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.tick().await;
        loop {
            tokio::select! {
                biased;
                wish = signals.recv() => match wish {
                    Some(Signal::Reload) => self.reload().await,
                    Some(Signal::Stop) | None => return,
                },
                _ = look.tick() => self.look(),
            }
        }
    }

    async fn reload(&self) {
        let result = match Config::load(&self.sources) {
            Ok(config) => self.take(&config).await,
            Err(error) => Err(error.to_string()),
        };
        match result {
            Ok(()) => {
                metrics::counter!("tollgate_reloads_total", "result" => "done").increment(1);
                tracing::info!("reloaded");
            }
            Err(error) => {
                metrics::counter!("tollgate_reloads_total", "result" => "failed").increment(1);
                tracing::error!(%error, "not reloaded: the last good settings stay");
            }
        }
    }

    /// Certificates first: they stand alone, and a mistake elsewhere must not hold them up.
    async fn take(&self, config: &Config) -> Result<(), String> {
        let certificates = self.serve_certificates(config);
        let application = self.application.reload(config).await;
        certificates.and(application)
    }

    fn serve_certificates(&self, config: &Config) -> Result<(), String> {
        let found = Certificates::find(config, now_s()).map_err(|error| error.to_string())?;
        if found.days_left(now_s()) < 0 {
            return Err("the certificate found has ended; install a valid one".to_owned());
        }
        self.tls.replace(&found.identity).map_err(|error| error.to_string())?;
        self.note(&found);
        Ok(())
    }

    fn look(&self) {
        let result = Config::load(&self.sources).map_err(|error| error.to_string());
        if let Err(error) = result.and_then(|config| self.serve_certificates(&config)) {
            tracing::error!(%error, "the certificates can't be read again: the last good ones stay");
        }
    }

    /// Tells of a certificate that is about to end.
    pub(super) fn note(&self, certificates: &Certificates) {
        let end = u32::try_from(certificates.identity.not_after()).unwrap_or(u32::MAX);
        metrics::gauge!("tollgate_certificate_expiry_seconds").set(end);
        let days = certificates.days_left(now_s());
        if days < WARN_DAYS {
            tracing::warn!(days, "the certificate ends soon: replace its files and send SIGHUP");
        }
    }
}
