//! The bare server as a process of its own, so that its CPU time is counted apart from the client's.

use crate::failure::{Failure, Result};
use crate::stage::Child;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

/// The allocator as the gateway sets it for itself: the bare server must have no worse one.
const ALLOCATOR: [(&str, &str); 1] = [("MIMALLOC_PURGE_DELAY", "100")];

/// What the bare server is told.
#[derive(Debug, Clone, Copy)]
pub struct BareSettings<'a> {
    /// `localhost.pem` and `localhost.key` of the gateway.
    pub certs: &'a Path,
    pub body_bytes: usize,
    pub head_bytes: usize,
    /// Group commits that each answer waits for.
    pub commits: u32,
    /// For its log, ready file and journal.
    pub dir: &'a Path,
}

/// A bare server that accepts.
#[derive(Debug)]
pub struct BareServer {
    pub child: Child,
    /// `https://localhost:PORT`
    pub url: String,
}

impl BareServer {
    /// Starts this same program as a bare server.
    ///
    /// # Errors
    /// It does not come up within ten seconds.
    pub fn start(settings: &BareSettings<'_>) -> Result<Self> {
        let program =
            std::env::current_exe().map_err(|error| Failure::failed(format!("finding myself: {error}")))?;
        let name = format!("bare-{}", settings.commits);
        let ready = settings.dir.join(format!("{name}.ready"));
        let _absent = std::fs::remove_file(&ready);
        let mut arguments: Vec<OsString> =
            vec!["bare-server".into(), "--certs".into(), settings.certs.into()];
        arguments.extend(["--body-bytes".into(), settings.body_bytes.to_string().into()]);
        arguments.extend(["--head-bytes".into(), settings.head_bytes.to_string().into()]);
        arguments.extend(["--ready-file".into(), ready.clone().into(), "--until-stdin-ends".into()]);
        if settings.commits > 0 {
            arguments.extend(["--commits".into(), settings.commits.to_string().into()]);
            arguments.extend(["--journal".into(), settings.dir.join(format!("{name}.journal")).into()]);
        }
        let arguments: Vec<_> = arguments.iter().map(OsString::as_os_str).collect();
        let log = settings.dir.join(format!("{name}.log"));
        let mut child = Child::start_with(&ALLOCATOR, "the bare server", (&program, &arguments), &log)?;
        let url = child.wait_until(Duration::from_secs(10), || {
            std::fs::read_to_string(&ready)
                .ok()
                .filter(|text| text.ends_with('\n'))
                .map(|text| text.trim().to_owned())
        })?;
        Ok(Self { child, url })
    }
}
