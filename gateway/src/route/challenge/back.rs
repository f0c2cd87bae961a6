//! The way back to the merchant's site: its address is checked, and told how it went.

/// Schemes that run something instead of going somewhere.
const REFUSED: [&str; 6] = ["javascript", "data", "vbscript", "file", "blob", "about"];

/// The scheme of an address, if it is one that a customer can be sent to.
fn scheme(url: &str) -> Option<&str> {
    let (scheme, _rest) = url.split_once(':')?;
    let mut letters = scheme.bytes();
    let begins = letters.next().is_some_and(|first| first.is_ascii_alphabetic());
    let goes_on = letters.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    let refused = REFUSED.iter().any(|word| scheme.eq_ignore_ascii_case(word));
    (begins && goes_on && !refused).then_some(scheme)
}

/// The address as a source of a content security policy: its origin, or the scheme of an app. None if it can't be written so.
pub fn source(url: &str) -> Option<String> {
    let scheme = scheme(url)?;
    if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
        return Some(format!("{scheme}:"));
    }
    let rest = url[scheme.len() + 1..].strip_prefix("//")?;
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']');
    (!host.is_empty() && host.bytes().all(plain)).then(|| format!("{scheme}://{host}"))
}

/// Everything that can't stand in a header is written in percent.
fn encoded(url: &str) -> String {
    let mut out = String::with_capacity(url.len());
    for byte in url.bytes() {
        if byte.is_ascii_graphic() {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// The address with the outcome in its query; `None` if nobody should be sent there.
pub fn with_outcome(url: &str, outcome: &[(&str, &str)]) -> Option<String> {
    source(url)?;
    let url = encoded(url);
    let (base, fragment) = match url.split_once('#') {
        Some((base, fragment)) => (base, Some(fragment)),
        None => (url.as_str(), None),
    };
    let mut out = base.to_owned();
    for (key, value) in outcome {
        // Keys and values are ids and words of ours: nothing in them needs encoding.
        out.push(if out.contains('?') { '&' } else { '?' });
        out.push_str(key);
        out.push('=');
        out.push_str(value);
    }
    if let Some(fragment) = fragment {
        out.push('#');
        out.push_str(fragment);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_go_into_the_query() {
        let outcome = [("payment_intent", "pi_1"), ("redirect_status", "succeeded")];
        let table = [
            ("https://a.example/x", "https://a.example/x?payment_intent=pi_1&redirect_status=succeeded"),
            (
                "https://a.example/x?y=1#top",
                "https://a.example/x?y=1&payment_intent=pi_1&redirect_status=succeeded#top",
            ),
            ("app://done", "app://done?payment_intent=pi_1&redirect_status=succeeded"),
            (
                "https://a.example/ü \r\nx: y",
                "https://a.example/%C3%BC%20%0D%0Ax:%20y?payment_intent=pi_1&redirect_status=succeeded",
            ),
        ];
        for (url, expected) in table {
            assert_eq!(with_outcome(url, &outcome).as_deref(), Some(expected), "{url}");
        }
    }

    #[test]
    fn nobody_is_sent_to_what_is_no_place() {
        for url in
            ["", "javascript:alert(1)", "JavaScript:x", "data:text/html,x", "//a.example", "a.example", "1:x"]
        {
            assert_eq!(with_outcome(url, &[]), None, "{url}");
        }
    }

    #[test]
    fn sources_hold_nothing_but_an_origin() {
        let table = [
            ("https://a.example:8443/x?y", Some("https://a.example:8443")),
            ("http://user:pw@a.example/", Some("http://a.example")),
            ("https://[::1]:80/", Some("https://[::1]:80")),
            ("app://whatever; script-src *", Some("app:")),
            ("https://a.example; script-src *", None),
            ("https://a.example'/", None),
            ("https:///x", None),
        ];
        for (url, expected) in table {
            assert_eq!(source(url).as_deref(), expected, "{url}");
        }
    }
}
