//! The gateway's admin listener: merchants, keys, metrics. Plain HTTP on loopback, one call at a time.

use crate::failure::{Failure, Result};
use crate::mix::merchants::Merchant;
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use std::time::Duration;

/// The largest answer that is read.
const LARGEST: usize = 64 << 20;
/// The longest call.
const DEADLINE: Duration = Duration::from_secs(20);

/// Where the admin listener is.
#[derive(Debug, Clone)]
pub struct Admin {
    /// `127.0.0.1:9090`
    authority: String,
}

impl Admin {
    /// Of a URL such as `http://127.0.0.1:9090`.
    ///
    /// # Errors
    /// It is no such URL.
    pub fn new(url: &str) -> Result<Self> {
        let authority = url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/').to_owned());
        let authority = authority.filter(|rest| !rest.is_empty() && !rest.contains('/'));
        let authority = authority
            .ok_or_else(|| Failure::usage(format!("{url} is no admin URL: expected http://HOST:PORT")))?;
        Ok(Self { authority })
    }

    /// One call: the status and the body.
    ///
    /// # Errors
    /// There is no answer.
    pub fn call(&self, method: Method, path: &str, body: Option<&serde_json::Value>) -> Result<(u16, Bytes)> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::failed(format!("no runtime: {error}")))?;
        let failed =
            |text: String| Failure::failed(format!("{method} http://{}{path}: {text}", self.authority));
        let call = async {
            tokio::time::timeout(DEADLINE, self.exchange(&method, path, body))
                .await
                .unwrap_or_else(|_elapsed| Err("no answer within 20 s".to_owned()))
        };
        runtime.block_on(call).map_err(failed)
    }

    async fn exchange(
        &self,
        method: &Method,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<(u16, Bytes), String> {
        let tcp = tokio::net::TcpStream::connect(&self.authority).await.map_err(|error| error.to_string())?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(tcp))
            .await
            .map_err(|error| error.to_string())?;
        tokio::spawn(connection);
        let bytes = body.map_or_else(Bytes::new, |value| value.to_string().into());
        let mut request = Request::builder().method(method).uri(path).header("host", &self.authority);
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let request = request.body(Full::new(bytes)).map_err(|error| error.to_string())?;
        let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let status = response.status().as_u16();
        let body =
            Limited::new(response.into_body(), LARGEST).collect().await.map_err(|error| error.to_string())?;
        Ok((status, body.to_bytes()))
    }

    fn create(&self, path: &str, what: &serde_json::Value) -> Result<serde_json::Value> {
        let (status, body) = self.call(Method::POST, path, Some(what))?;
        if !(200..300).contains(&status) {
            let text = String::from_utf8_lossy(&body);
            return Err(Failure::failed(format!(
                "POST http://{}{path} answered {status}: {text}",
                self.authority
            )));
        }
        serde_json::from_slice(&body).map_err(|error| {
            Failure::failed(format!("POST http://{}{path} answered no JSON: {error}", self.authority))
        })
    }

    /// Makes a merchant with a secret key for test mode.
    ///
    /// # Errors
    /// The gateway refuses, or answers something else than a merchant and a key.
    pub fn merchant(&self, name: &str) -> Result<Merchant> {
        let made = self.create("/merchants", &serde_json::json!({ "name": name }))?;
        let id = made["id"]
            .as_str()
            .ok_or_else(|| Failure::failed(format!("a merchant without an id: {made}")))?;
        let key =
            self.create("/keys", &serde_json::json!({ "merchant": id, "mode": "test", "kind": "secret" }))?;
        let secret = ["secret", "key", "secret_key"].into_iter().find_map(|field| key[field].as_str());
        let secret = secret.ok_or_else(|| Failure::failed("the answer to POST /keys holds no `secret`"))?;
        Merchant::new(id, secret)
    }

    /// All samples of the Prometheus page.
    ///
    /// # Errors
    /// There is no such page.
    pub fn metrics(&self) -> Result<Metrics> {
        let (status, body) = self.call(Method::GET, "/metrics", None)?;
        if status != 200 {
            return Err(Failure::failed(format!("GET http://{}/metrics answered {status}", self.authority)));
        }
        Ok(Metrics::parse(&String::from_utf8_lossy(&body)))
    }
}

/// Samples by name and labels.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metrics {
    samples: Vec<(String, f64)>,
}

impl Metrics {
    /// Of the text format; lines that are no samples are left out.
    pub fn parse(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let samples = lines.filter_map(|line| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        });
        Self { samples: samples.collect() }
    }

    /// The sum over all labels; `None` if there is no such metric.
    pub fn sum(&self, name: &str) -> Option<f64> {
        let of_name = |sample: &&(String, f64)| sample.0.split('{').next() == Some(name);
        let mut found = self.samples.iter().filter(of_name).peekable();
        found.peek()?;
        Some(found.map(|sample| sample.1).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_summed_over_labels() {
        let text = "# HELP a b\n# TYPE a counter\na_total{x=\"1\"} 2\na_total{x=\"2 3\"} 40\nb 1.5e3\n\n";
        let metrics = Metrics::parse(text);
        assert_eq!(metrics.sum("a_total"), Some(42.0));
        assert_eq!(metrics.sum("b"), Some(1500.0));
        assert_eq!(metrics.sum("a"), None);
    }

    #[test]
    fn urls_are_checked() {
        assert!(Admin::new("http://127.0.0.1:9090/").is_ok());
        assert!(Admin::new("https://127.0.0.1:9090").is_err());
        assert!(Admin::new("http://").is_err());
    }
}
