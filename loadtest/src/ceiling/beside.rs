//! A bare server beside a gateway: it answers as many bytes as the gateway does, with the same certificate.

use crate::failure::{Failure, Result};
use crate::load;
use crate::mix::authorizations::{Population, Series};
use crate::mix::{Authorizations, Merchants};
use crate::stage::bare::BareSettings;
use crate::stage::{BareServer, Gateway};
use crate::wire::{Answer, Http, Lane, Sources, Target};
use std::rc::Rc;
use std::time::Duration;

/// Authorizations that it takes to see how large the gateway's answers are.
pub const AUTHORIZED: u64 = 1;

/// Starts a bare server that makes every answer wait for so many group commits. `run` names the authorization: another name, another
/// payment.
///
/// # Errors
/// It does not come up, or the gateway does not authorize.
pub fn start(
    (gateway, merchants): (&Gateway, &Merchants),
    run: &str,
    (http, commits): (Http, u32),
) -> Result<BareServer> {
    let target = Target::new(&gateway.ready.api, &gateway.ready.ca, http)?;
    let answer = authorize_once(&target, merchants, run)?;
    let (body_bytes, head_bytes) = (answer.body.len(), answer.head_bytes);
    let (certs, dir) = (gateway.install.certs(), &gateway.install.dir);
    BareServer::start(&BareSettings { certs: &certs, body_bytes, head_bytes, commits, dir })
}

/// Authorizes over the wire that the load will use.
fn authorize_once(target: &Target, merchants: &Merchants, run: &str) -> Result<Answer> {
    let series = Series { seed: 0, run: format!("probe{}-{run}", std::process::id()) };
    let mut workload = Authorizations::new(target, merchants.clone(), Population::default(), (&series, 0));
    let job = load::Workload::due(&mut workload);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("no runtime: {error}")))?;
    let lane = Lane::new(Rc::new(target.clone()), Sources::new(1), 0);
    let sending = async {
        lane.connect().await.map_err(Failure::failed)?;
        let lost = |loss| Failure::failed(format!("the first authorization was lost: {loss}"));
        lane.send(&job.request, Duration::from_secs(10)).await.map_err(lost)
    };
    let answer = tokio::task::LocalSet::new().block_on(&runtime, sending)?;
    if answer.status == 200 {
        return Ok(answer);
    }
    let text = String::from_utf8_lossy(&answer.body);
    Err(Failure::failed(format!("the first authorization was answered {}: {text}", answer.status)))
}
