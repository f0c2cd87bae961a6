//! The pages of the challenge: small, without scripts, without anything from elsewhere.

use crate::exchange::Reply;
use std::fmt::Write as _;

/// What the buttons say.
#[derive(Clone, Copy)]
pub struct Buttons {
    pub yes: &'static str,
    pub no: &'static str,
}

/// What a page is about.
pub struct Page<'p> {
    pub title: &'p str,
    /// One sentence for the customer; escaped here.
    pub text: &'p str,
    /// The path of a picture to be scanned.
    pub picture: Option<&'p str>,
    /// The paths of the two forms, `pass` and `fail`, and what their buttons say; none on a page that only tells.
    pub forms: Option<(&'p str, &'p str, Buttons)>,
    /// Where the forms lead in the end, as a source of a content security policy: browsers hold redirects after a form to it.
    pub leads_to: Option<&'p str>,
}

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{margin:0;min-height:100vh;display:grid;place-items:center;font:16px/1.5 system-ui,sans-serif;\
background:light-dark(#f4f5f7,#15171a);color:light-dark(#1d2127,#e8eaed)}\
main{box-sizing:border-box;width:min(26rem,92vw);padding:2rem;border-radius:12px;\
background:light-dark(#fff,#1f2226);border:1px solid light-dark(#dfe3e8,#33373d)}\
h1{font-size:1.25rem;margin:0 0 .5rem}p{margin:0 0 1.5rem}\
form{margin:.6rem 0 0}img{display:block;width:100%;margin:0 0 1.5rem;background:#fff}button{width:100%;padding:.7rem;border-radius:8px;font:inherit;cursor:pointer;\
border:1px solid light-dark(#1d5fd1,#6aa1ff)}\
.yes{background:light-dark(#1d5fd1,#2d6fe0);color:#fff}.no{background:transparent;color:inherit}";

/// Text that can stand in HTML, also between quotation marks.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// Writes a page; `nonce` is a fresh random word that lets its own style pass and no other.
pub fn page(status: u16, page: &Page<'_>, nonce: &str) -> Reply {
    let mut body = String::with_capacity(2048);
    let _never_fails = write!(
        body,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta name=\"robots\" content=\"noindex\"><title>{title}</title><style nonce=\"{nonce}\">{STYLE}</style></head>\
         <body><main><h1>{title}</h1><p>{text}</p>",
        title = escaped(page.title),
        text = escaped(page.text),
    );
    if let Some(picture) = page.picture {
        let _never_fails = write!(body, "<img src=\"{}\" alt=\"The code to be scanned\">", escaped(picture));
    }
    if let Some((pass, fail, buttons)) = page.forms {
        let _never_fails = write!(
            body,
            "<form method=\"post\" action=\"{}\"><button class=\"yes\">{}</button></form>\
             <form method=\"post\" action=\"{}\"><button class=\"no\">{}</button></form>",
            escaped(pass),
            buttons.yes,
            escaped(fail),
            buttons.no,
        );
    }
    body.push_str("</main></body></html>");
    let forms = match (page.forms, page.leads_to) {
        (None, _) => "'none'".to_owned(),
        (Some(_), None) => "'self'".to_owned(),
        (Some(_), Some(target)) => format!("'self' {target}"),
    };
    let pictures = if page.picture.is_some() { "'self'" } else { "'none'" };
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; img-src {pictures}; form-action {forms}; base-uri 'none'; frame-ancestors 'none'"
    );
    private(Reply::json(status, body))
        .with_header("content-type", "text/html; charset=utf-8")
        .with_header("content-security-policy", &policy)
        .with_header("x-frame-options", "DENY")
}

/// A picture.
pub fn picture(kind: &str, bytes: Vec<u8>) -> Reply {
    private(Reply::json(200, bytes)).with_header("content-type", kind)
}

/// Sends the customer on, by GET.
pub fn redirect(location: &str) -> Reply {
    private(Reply::json(303, String::new()))
        .with_header("content-type", "text/html; charset=utf-8")
        .with_header("location", location)
}

/// The address is a secret: it goes into no cache and into no other site's log.
fn private(reply: Reply) -> Reply {
    reply
        .with_header("cache-control", "no-store")
        .with_header("referrer-policy", "no-referrer")
        .with_header("x-content-type-options", "nosniff")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header<'r>(reply: &'r Reply, name: &str) -> &'r str {
        reply.headers.iter().find(|(held, _)| held == name).map_or("", |(_, value)| value.to_str().unwrap())
    }

    #[test]
    fn what_a_merchant_says_stays_text() {
        let shown = Page {
            title: "Pay <script>",
            text: "\"Tom & Jerry's\" <img src=x onerror=alert(1)>",
            picture: None,
            forms: Some(("/challenge/s/pass", "/challenge/s/fail", Buttons { yes: "Yes", no: "No" })),
            leads_to: Some("https://shop.example"),
        };
        let reply = page(200, &shown, "abc");
        let body = std::str::from_utf8(&reply.body).unwrap();
        assert!(!body.contains("<script") && !body.contains("<img"), "{body}");
        assert!(body.contains("&quot;Tom &amp; Jerry&#39;s&quot;"));
        assert_eq!(body.matches("<form method=\"post\"").count(), 2);
        let policy = header(&reply, "content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'nonce-abc'; "), "{policy}");
        assert!(policy.contains("form-action 'self' https://shop.example; "), "{policy}");
        assert_eq!(header(&reply, "content-type"), "text/html; charset=utf-8");
    }

    #[test]
    fn a_page_that_only_tells_has_no_forms() {
        let shown = Page { title: "Gone", text: "Nothing here.", picture: None, forms: None, leads_to: None };
        let reply = page(404, &shown, "n");
        assert_eq!(reply.status, 404);
        assert!(!std::str::from_utf8(&reply.body).unwrap().contains("<form"));
        assert!(header(&reply, "content-security-policy").contains("form-action 'none'"));
    }
}
