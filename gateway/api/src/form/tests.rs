//! Tables of cases for the decoder: what it reads, and how it refuses.

use super::{CardSecret, Encoding, Fields, Params, Redaction};
use crate::error::{ApiError, ErrorCode};

fn form(body: &str) -> Result<Params<'_>, ApiError> {
    Params::from_body(Encoding::Form, body.as_bytes())
}

fn json(body: &str) -> Result<Params<'_>, ApiError> {
    Params::from_body(Encoding::Json, body.as_bytes())
}

fn canonical(params: &Params<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    params.canonical(&mut out, &mut |_, _| Redaction::Keep);
    out
}

fn text_at(params: &Params<'_>, path: &[&str]) -> Option<String> {
    let (last, outer) = path.split_last().expect("a path");
    let mut fields = params.fields();
    for name in outer {
        fields = fields.object(name).expect("an object")?;
    }
    fields.text(last, 10_000).expect("text").map(str::to_owned)
}

#[test]
fn bodies_that_are_read() {
    let cases: &[(&str, &[&str], &str)] = &[
        ("amount=100", &["amount"], "100"),
        ("a[b]=c", &["a", "b"], "c"),
        ("a%5Bb%5D=c", &["a", "b"], "c"),
        ("a%5bb%5d%5Bd%5D=c", &["a", "b", "d"], "c"),
        ("a[b][0]=x&a[b][1]=y", &["a", "b", "1"], "y"),
        ("a[]=x&a[]=y", &["a", "1"], "y"),
        ("a=one+two%20three", &["a"], "one two three"),
        ("a=1%2B1%3D2%26b", &["a"], "1+1=2&b"),
        ("a=x=y", &["a"], "x=y"),
        ("&&a=1&&", &["a"], "1"),
        ("a=%E2%82%AC%20%F0%9F%92%B3", &["a"], "€ 💳"),
        ("a=€+5", &["a"], "€ 5"),
        ("metadata[order id]=6735", &["metadata", "order id"], "6735"),
        ("a[b%5D=c", &["a", "b"], "c"),
    ];
    for (body, path, expected) in cases {
        let params = form(body).unwrap_or_else(|error| panic!("{body}: {error}"));
        assert_eq!(text_at(&params, path).as_deref(), Some(*expected), "{body}");
    }
}

#[test]
fn a_long_run_of_escapes_is_decoded_whole() {
    let euros = "%E2%82%AC".repeat(100);
    let body = format!("a={euros}");
    let params = form(&body).expect("valid");
    assert_eq!(text_at(&params, &["a"]), Some("€".repeat(100)));
}

#[test]
fn bodies_that_are_refused() {
    let deep = format!("a{}=1", "[b]".repeat(8));
    let many = (0..600).map(|i| format!("a{}[b{}]=1", i / 100, i)).collect::<Vec<_>>().join("&");
    let wide = (0..129).map(|i| format!("a{i}=1")).collect::<Vec<_>>().join("&");
    let long_name = format!("{}=1", "n".repeat(129));
    let long_value = format!("a={}", "v".repeat(16 * 1024 + 1));
    let cases: &[(&str, Option<&str>, &str)] = &[
        ("a=1&a=2", Some("a"), "more than once"),
        ("a[b]=1&a[b]=2", Some("a[b]"), "more than once"),
        ("a=1&a[b]=2", Some("a"), "both as a value and as an object"),
        ("a[b]=2&a=1", Some("a"), "both as a value and as an object"),
        ("a[0]=1&a[]=2&a[1]=3", Some("a[1]"), "more than once"),
        ("a[b=1", None, "do not match"),
        ("a]b=1", None, "do not match"),
        ("a[b]c=1", None, "do not match"),
        ("a[b[c]]=1", None, "do not match"),
        ("a[][b]=1", Some("a"), "numbered brackets"),
        ("=1", None, "without a name"),
        ("[a]=1", None, "without a name"),
        ("a=%4", None, "percent"),
        ("a=%zz", None, "percent"),
        ("a=%", None, "percent"),
        ("a=%FF", None, "UTF-8"),
        ("a=%E2%82", None, "UTF-8"),
        ("a=%00", Some("a"), "not allowed"),
        ("a%0A=1", None, "control characters"),
        (&deep, Some("a[b][b][b][b][b][b][b]"), "deeper than 8"),
        (&many, None, "More than 512"),
        (&wide, None, "More than 128"),
        (&long_name, None, "longer than 128"),
        (&long_value, Some("a"), "longer than 16384"),
    ];
    for (body, param, message) in cases {
        let shown = &body[..body.len().min(60)];
        let error = form(body).expect_err(shown);
        assert_eq!(error.status, 400, "{shown}");
        assert!(error.message.contains(message), "{shown}: {error}");
        assert_eq!(error.param.as_deref(), *param, "{shown}: {error}");
    }
    let error = Params::from_body(Encoding::Form, b"a=\xff").expect_err("not UTF-8");
    assert!(error.message.contains("UTF-8"));
    let error = Params::from_body(Encoding::Form, &vec![b'a'; 300 * 1024]).expect_err("too large");
    assert_eq!(error.status, 413);
}

#[test]
fn json_bodies_that_are_refused() {
    let deep = format!("{}1{}", r#"{"a":"#.repeat(10), "}".repeat(10));
    let deeper = "[".repeat(100_000);
    let cases: &[(&str, Option<&str>, &str)] = &[
        ("{", None, "not a valid JSON object"),
        ("[]", None, "not a valid JSON object"),
        ("7", None, "not a valid JSON object"),
        (r#""a""#, None, "not a valid JSON object"),
        (r#"{"a":1} x"#, None, "not a valid JSON object"),
        (r#"{"a":1,"a":2}"#, Some("a"), "more than once"),
        (r#"{"a":{},"a":{}}"#, Some("a"), "more than once"),
        (r#"{"a":{"b":[1]},"a":{"b":[2]}}"#, Some("a"), "more than once"),
        (r#"{"a":1.5}"#, Some("a"), "no fraction"),
        (r#"{"a":{"b":18446744073709551616}}"#, Some("a[b]"), "Invalid integer"),
        (r#"{"a":"\u0000"}"#, Some("a"), "not allowed"),
        (r#"{"":1}"#, None, "without a name"),
        (&deep, None, "deeper than 8"),
        (&deeper, None, "not a valid JSON object"),
    ];
    for (body, param, message) in cases {
        let shown = &body[..body.len().min(60)];
        let error = json(body).expect_err(shown);
        assert_eq!(error.status, 400, "{shown}");
        assert!(error.message.contains(message), "{shown}: {error}");
        assert_eq!(error.param.as_deref(), *param, "{shown}: {error}");
    }
}

#[test]
fn form_and_json_say_the_same() {
    let pairs = [
        ("amount=100&currency=usd&confirm=true", r#"{"confirm":true,"currency":"usd","amount":100}"#),
        ("amount=-5", r#"{"amount":"-5"}"#),
        ("a[b]=1&a[c]=2&e[]=x&e[]=y", r#"{"e":["x","y"],"a":{"c":2,"b":"1"}}"#),
        ("a[0][b]=1&a[1][b]=2", r#"{"a":[{"b":1},{"b":2}]}"#),
        ("description=", r#"{"description":null}"#),
        ("", "  "),
        ("", "{}"),
    ];
    for (body, object) in pairs {
        let (left, right) = (form(body).expect(body), json(object).expect(object));
        assert_eq!(canonical(&left), canonical(&right), "{body} and {object}");
    }
}

#[test]
fn the_canonical_form_tells_requests_apart() {
    let bodies = [
        "",
        "a=1",
        "a=2",
        "b=1",
        "a=",
        "a[b]=1",
        "a[b]=1&c=1",
        "a[b]=1&a[c]=1",
        "ab=1",
        "a=1&b=1",
        "a=1%26b%3D1",
    ];
    let forms: Vec<Vec<u8>> = bodies.iter().map(|body| canonical(&form(body).expect(body))).collect();
    for (i, left) in forms.iter().enumerate() {
        for (j, right) in forms.iter().enumerate() {
            assert_eq!(left == right, i == j, "{} and {}", bodies[i], bodies[j]);
        }
    }
    // The names of the second pair differ in none of the letters that their tags are made of.
    for (left, right) in [("a=1&b=2", "b=2&a=1"), ("axbc=1&aybc=2", "aybc=2&axbc=1")] {
        let (left, right) = (form(left).expect("valid"), form(right).expect("valid"));
        assert_eq!(canonical(&left), canonical(&right), "order does not matter");
    }
}

#[test]
fn secrets_stay_out_of_the_canonical_form() {
    let redacted = |body: &str| {
        let params = form(body).expect("valid");
        let mut out = Vec::new();
        params.canonical(&mut out, &mut |secret, value| match secret {
            CardSecret::Number => Redaction::Replace(std::array::from_fn(|at| value.as_bytes()[at] ^ 1)),
            CardSecret::VerificationCode => Redaction::Omit,
        });
        out
    };
    let one =
        redacted("payment_method_data[card][number]=4242424242424242&payment_method_data[card][cvc]=123");
    let other =
        redacted("payment_method_data[card][number]=4242424242424242&payment_method_data[card][cvc]=999");
    let without = redacted("payment_method_data[card][number]=4242424242424242");
    assert_eq!(one, other);
    assert_eq!(one, without);
    assert_ne!(one, redacted("payment_method_data[card][number]=4000056655665556"));
    assert!(!one.windows(8).any(|window| window == b"42424242"));
    let kept = canonical(&form("payment_method_data[card][number]=5353535353535353").expect("valid"));
    assert_ne!(one, kept, "a kept value is not a replaced one");
}

#[test]
fn debug_shows_no_values() {
    let params = form("payment_method_data[card][number]=4242424242424242").expect("valid");
    assert_eq!(format!("{params:?}"), "Params(1 values, not shown)");
}

#[test]
fn content_types() {
    for good in [None, Some(""), Some("application/x-www-form-urlencoded; charset=utf-8")] {
        assert_eq!(Encoding::of_content_type(good), Ok(Encoding::Form));
    }
    assert_eq!(Encoding::of_content_type(Some("Application/JSON;charset=utf-8")), Ok(Encoding::Json));
    for bad in ["text/plain", "multipart/form-data; boundary=x", "application/jsonx"] {
        assert_eq!(Encoding::of_content_type(Some(bad)).expect_err(bad).status, 415);
    }
}

/// Reads one field in one way, and gives its error's code, parameter and message.
type Reader = fn(&mut Fields<'_>) -> Result<(), ApiError>;

#[test]
fn typed_reading_has_the_dialects_errors() {
    let amount: Reader = |f| f.amount("amount").map(drop);
    let integer: Reader = |f| f.integer("n").map(drop);
    let id: Reader = |f| f.id("customer").map(drop);
    let cases: &[(&str, Reader, Option<ErrorCode>, &str, &str)] = &[
        ("amount=abc", amount, Some(ErrorCode::ParameterInvalidInteger), "amount", "Invalid integer: abc"),
        ("amount=1.5", amount, Some(ErrorCode::ParameterInvalidInteger), "amount", "Invalid integer: 1.5"),
        (
            "amount=9223372036854775808",
            amount,
            Some(ErrorCode::ParameterInvalidInteger),
            "amount",
            "Invalid integer",
        ),
        ("amount=-1", amount, Some(ErrorCode::ParameterInvalidInteger), "amount", "positive"),
        ("amount=0", amount, Some(ErrorCode::AmountTooSmall), "amount", "too small"),
        ("amount=", amount, Some(ErrorCode::ParameterInvalidEmpty), "amount", "empty string"),
        ("amount[x]=1", amount, None, "amount", "single value"),
        ("n=%2B5", integer, Some(ErrorCode::ParameterInvalidInteger), "n", "Invalid integer: +5"),
        ("n=+5", integer, Some(ErrorCode::ParameterInvalidInteger), "n", "Invalid integer"),
        ("customer=", id, Some(ErrorCode::ParameterInvalidEmpty), "customer", "empty string"),
        ("customer=a%0Ab", id, Some(ErrorCode::InvalidCharacters), "customer", "not allowed"),
        ("customer=caf%C3%A9", id, Some(ErrorCode::InvalidCharacters), "customer", "not allowed"),
        ("c=yes", |f| f.boolean("c").map(drop), None, "c", "true or false"),
        ("d=abc", |f| f.text("d", 2).map(drop), None, "d", "at most 2"),
        ("o=abc", |f| f.object("o").map(drop), None, "o", "Invalid object"),
        ("l=abc", |f| f.strings("l").map(drop), None, "l", "Invalid array"),
        ("l[x]=abc", |f| f.strings("l").map(drop), None, "l[x]", "Invalid array"),
        ("l[]=", |f| f.strings("l").map(drop), Some(ErrorCode::ParameterInvalidEmpty), "l[0]", "empty"),
    ];
    for (body, read, code, param, message) in cases {
        let params = form(body).expect(body);
        let error = read(&mut params.fields()).expect_err(body);
        assert_eq!((error.status, error.code), (400, *code), "{body}: {error}");
        assert_eq!(error.param.as_deref(), Some(*param), "{body}: {error}");
        assert!(error.message.contains(message), "{body}: {error}");
    }
}

#[test]
fn what_nobody_asked_for_is_unknown() {
    let params = form("amount=1&foo[bar][]=2&baz=3").expect("valid");
    let mut fields = params.fields();
    assert_eq!(fields.amount("amount"), Ok(Some(1)));
    let error = fields.finish().expect_err("two are left");
    assert_eq!(error.code, Some(ErrorCode::ParameterUnknown));
    assert_eq!(error.message, "Received unknown parameters: foo[bar][0], baz");
    assert_eq!(error.param.as_deref(), Some("foo[bar][0]"));

    let params = form("a[b]=1").expect("valid");
    let nested = params.fields().object("a").expect("an object").expect("sent");
    let error = nested.finish().expect_err("b is left");
    assert_eq!(error.message, "Received unknown parameter: a[b]");
    assert_eq!(error.param.as_deref(), Some("a[b]"));
}

#[test]
fn lists_are_in_the_order_of_their_positions() {
    let params = form("l[10]=c&l[2]=b&l[0]=a").expect("valid");
    assert_eq!(params.fields().strings("l"), Ok(Some(vec!["a", "b", "c"])));
    let params = form("l=").expect("valid");
    assert_eq!(params.fields().strings("l"), Ok(Some(vec![])));
}
