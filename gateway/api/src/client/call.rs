//! One request: what is asked, and by whom.

use super::error::{ClientError, Phase};
use super::form::Form;
use super::target::{Protocol, Target};
use crate::endpoints::Method;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use http::{Request, Uri};
use http_body_util::Full;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const VERSION: HeaderName = HeaderName::from_static("stripe-version");
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

/// One request to the merchant API.
#[derive(Debug, Clone)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// The path with its query, from `/v1` on.
    pub path: String,
    /// The body, a form unless `headers` say otherwise.
    pub body: Bytes,
    /// Headers beside or in place of the usual ones.
    pub headers: Vec<(HeaderName, String)>,
    /// The idempotency key; without one, the server makes one that nobody can repeat.
    pub idempotency_key: Option<String>,
}

impl Call {
    /// A read.
    pub fn get(path: &str, query: &Form) -> Self {
        let path = if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.as_str()) };
        Self { method: Method::Get, path, body: Bytes::new(), headers: Vec::new(), idempotency_key: None }
    }

    /// A write, with its idempotency key.
    pub fn post(path: &str, form: Form, idempotency_key: &str) -> Self {
        Self {
            method: Method::Post,
            path: path.to_owned(),
            body: form.into_bytes(),
            headers: Vec::new(),
            idempotency_key: Some(idempotency_key.to_owned()),
        }
    }

    /// A write of JSON, to a server that tells repeats apart by what it says.
    pub fn json(path: &str, body: impl Into<Bytes>) -> Self {
        Self {
            method: Method::Post,
            path: path.to_owned(),
            body: body.into(),
            headers: vec![(CONTENT_TYPE, "application/json".to_owned())],
            idempotency_key: None,
        }
    }

    /// The same with one more header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// A deletion.
    pub fn delete(path: &str) -> Self {
        Self {
            method: Method::Delete,
            path: path.to_owned(),
            body: Bytes::new(),
            headers: Vec::new(),
            idempotency_key: None,
        }
    }
}

/// Who asks, and of whom: everything of a request that is the same in each. `Debug` does not print the key.
#[derive(Clone)]
pub struct Caller {
    authorization: HeaderValue,
    host: HeaderValue,
    /// `https://host:port`, for HTTP/2 only.
    base: Option<String>,
}

impl Caller {
    /// A caller with this API key, at this server.
    ///
    /// # Errors
    /// [`ClientError::NotSent`] when the key or the host can't stand in a header.
    pub fn new(target: &Target, key: &str) -> Result<Self, ClientError> {
        let refused = |error: http::header::InvalidHeaderValue| ClientError::not_sent(Phase::Build, error);
        let mut authorization = HeaderValue::from_str(&format!("Bearer {key}")).map_err(refused)?;
        authorization.set_sensitive(true);
        let authority = target.authority();
        let host = HeaderValue::from_str(&authority).map_err(refused)?;
        let base = match target.protocol {
            Protocol::Http1 => None,
            Protocol::Http2 => Some(format!("{}://{authority}", target.scheme())),
        };
        Ok(Self { authorization, host, base })
    }

    /// The HTTP request of a call.
    ///
    /// # Errors
    /// [`ClientError::NotSent`] for a path or an idempotency key that can't be sent.
    pub fn request(&self, call: &Call) -> Result<Request<Full<Bytes>>, ClientError> {
        let refused = |error: http::Error| ClientError::not_sent(Phase::Build, error);
        let uri = match &self.base {
            None => call.path.parse::<Uri>(),
            Some(base) => format!("{base}{}", call.path).parse(),
        };
        let mut request = Request::new(Full::new(call.body.clone()));
        *request.method_mut() = match call.method {
            Method::Get => http::Method::GET,
            Method::Post => http::Method::POST,
            Method::Delete => http::Method::DELETE,
        };
        *request.uri_mut() = uri.map_err(|error| refused(error.into()))?;
        let headers = request.headers_mut();
        headers.reserve(6);
        headers.insert(AUTHORIZATION, self.authorization.clone());
        headers.insert(VERSION, HeaderValue::from_static(crate::API_VERSION));
        if self.base.is_none() {
            headers.insert(HOST, self.host.clone());
        }
        if call.method == Method::Post {
            headers.insert(CONTENT_TYPE, FORM);
        }
        if let Some(key) = &call.idempotency_key {
            let value = HeaderValue::from_str(key).map_err(|error| refused(error.into()))?;
            headers.insert(IDEMPOTENCY_KEY, value);
        }
        for (name, value) in &call.headers {
            let value = HeaderValue::from_str(value).map_err(|error| refused(error.into()))?;
            headers.insert(name.clone(), value);
        }
        Ok(request)
    }
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller").field("host", &self.host).finish_non_exhaustive()
    }
}
