//! Tables of configurations, good and bad.

use super::*;
use std::ffi::OsString;

fn load(file: Option<&str>, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Config, String> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("tollgate.toml");
    if let Some(text) = file {
        std::fs::write(&path, text).expect("written");
    }
    let sources = Sources {
        file: file.map(|_| path.clone()),
        environment: environment.iter().map(|(k, v)| (OsString::from(k), OsString::from(v))).collect(),
        flags: flags
            .iter()
            .map(|(name, value)| Override {
                origin: format!("--{name}"),
                path: vec![(*name).to_owned(), "listen".to_owned()],
                value: (*value).to_owned(),
            })
            .collect(),
    };
    let shown = path.display().to_string();
    Config::load(&sources).map_err(|error| error.to_string().replace(&shown, "tollgate.toml"))
}

#[test]
fn nothing_at_all_is_development_with_a_simulated_acquirer() {
    let config = load(None, &[("PATH", "/bin"), ("TOLLGATE_SERVICE_HOST", "10.0.0.1")], &[]).unwrap();
    assert_eq!((config.profile, config.edge.listen.as_str()), (Profile::Development, "localhost:8443"));
    assert_eq!(config.admin.listen, "127.0.0.1:9090");
    assert_eq!(config.limits.requests_per_s_key.get(), 5_000);
    assert_eq!((config.acquirers.len(), config.acquirers[0].kind), (1, Kind::Simulated));
    assert_eq!(config.acquirers[0].modes, [AcquirerMode::Test, AcquirerMode::Live]);
}

#[test]
fn later_layers_have_the_last_word() {
    let file = "[edge]\nlisten = \"localhost:1\"\nworkers = 2\n[limits]\nbody_bytes = 4096\n[log]\nlevel = \"warn\"\n";
    let environment = [
        ("TOLLGATE_EDGE_LISTEN", "localhost:2"),
        ("TOLLGATE_LIMITS_BODY_BYTES", "8192"),
        ("TOLLGATE_DATA_DIR", "7"),
        ("TOLLGATE_ADMIN_ALLOW_REMOTE", "true"),
    ];
    let config = load(Some(file), &environment, &[("edge", "localhost:3")]).unwrap();
    assert_eq!(config.edge.listen, "localhost:3");
    assert_eq!((config.edge.workers, config.limits.body_bytes), (2, 8192));
    assert_eq!((config.log.level.as_str(), config.data_dir.to_str()), ("warn", Some("7")));
    assert!(config.admin.allow_remote);
    assert_eq!(config.limits.head_bytes, 16 * 1024, "what is not said stays");
}

#[test]
fn the_profile_decides_the_defaults_whatever_layer_it_comes_from() {
    let file = format!(
        "profile = \"production\"\nvault.master_key = \"env:KEY\"\n{TEST_ONLY}[limits]\nconnections_address = 7\n"
    );
    let config = load(Some(&file), &[], &[]).unwrap();
    assert_eq!((config.limits.requests_per_s_key.get(), config.limits.connections_address.get()), (500, 7));
    assert_eq!(config.certs.to_str(), Some("certs"));
    let environment = [("TOLLGATE_PROFILE", "production"), ("TOLLGATE_VAULT_MASTER_KEY", "file:/k")];
    assert_eq!(load(Some(TEST_ONLY), &environment, &[]).unwrap().limits, config_limits());
}

/// What production may simulate.
const TEST_ONLY: &str = "[[acquirers]]\nname = \"a\"\nkind = \"simulated\"\nmodes = [\"test\"]\n";

#[test]
fn production_never_takes_live_money_from_nobody() {
    let head = "profile = \"production\"\nvault.master_key = \"env:K\"\n";
    let simulated = "[[acquirers]]\nname = \"a\"\nkind = \"simulated\"\n";
    let cases = [
        (head.to_owned(), "acquirers: ", "needs at least one [[acquirers]]"),
        (format!("{head}{simulated}"), "acquirers, \"a\": ", "modes = [\"test\"]"),
        (format!("{head}{simulated}modes = [\"live\"]"), "acquirers, \"a\": ", "moves no money"),
    ];
    for (text, place, what) in cases {
        let error = load(Some(&text), &[], &[]).expect_err(&text).replace("tollgate.toml:3: ", "");
        assert!(error.contains(place) && error.contains(what), "{text}\n-> {error}");
    }
    let real = "[[acquirers]]\nname = \"b\"\nkind = \"iso8583\"\naddress = \"bank.example:9583\"\n";
    assert!(load(Some(&format!("{head}{real}{TEST_ONLY}")), &[], &[]).is_ok());
    assert!(load(Some(simulated), &[], &[]).is_ok(), "development simulates both modes");
}

fn config_limits() -> Limits {
    Config::of(Profile::Production).limits
}

#[test]
fn windows_against_card_testing_are_settings_within_bounds() {
    let file =
        "[risk.card_testing]\npause_s = 60\nbin = { outcomes = 50, decline_percent = 95, awaited = 500 }\n";
    let windows = load(Some(file), &[], &[]).unwrap().risk.card_testing;
    assert_eq!((windows.pause_s, windows.bin.outcomes, windows.bin.decline_percent), (60, 50, 95));
    assert_eq!(windows.card, CardTesting::default().card, "what is not said stays");
    let cases = [
        ("pause_s = 0", "risk.card_testing.pause_s: 0 is out of bounds: use 1 to 86400"),
        ("card = { outcomes = 1, decline_percent = 90, awaited = 8 }", "risk.card_testing.card.outcomes"),
        ("address = { outcomes = 9, decline_percent = 102, awaited = 8 }", "use 1 to 101"),
        (
            "merchant = { outcomes = 9, decline_percent = 90, awaited = 0 }",
            "risk.card_testing.merchant.awaited",
        ),
        ("bin = { outcomes = 9 }", "missing field `decline_percent`"),
        ("range = 5", "expected one of `pause_s`"),
    ];
    for (line, what) in cases {
        let error = load(Some(&format!("[risk.card_testing]\n{line}\n")), &[], &[]).expect_err(line);
        assert!(error.contains(what), "{line}\n-> {error}");
    }
}

#[test]
fn what_is_printed_reads_back_the_same() {
    let file =
        "[[acquirers]]\nname = \"a\"\nkind = \"simulated\"\nlatency_ms = 5\n[routing]\norder = [\"a\"]\n";
    let config = load(Some(file), &[], &[]).unwrap();
    let printed = config.to_toml().unwrap();
    assert_eq!(load(Some(&printed), &[], &[]).unwrap(), config, "{printed}");
    assert!(printed.contains("latency_ms = 5") && printed.contains("[limits]"), "{printed}");
}

#[test]
fn mistakes_in_the_file_are_shown_with_their_line_and_what_to_write() {
    let acquirer = "[[acquirers]]\nname = \"a\"\nkind = \"simulated\"\n";
    let cases = [
        ("profile = \"staging\"", "tollgate.toml:1: ", "expected `development` or `production`"),
        ("\nlisten = 1", "tollgate.toml:2: ", "unknown field `listen`, expected one of `profile`"),
        ("[edge]\nlisen = \"x\"", "tollgate.toml:2: ", "unknown field `lisen`, expected one of `listen`"),
        ("[limits]\n\nbody_bytes = \"big\"", "tollgate.toml:3: ", "expected usize"),
        ("[limits]\nrequests_per_s_key = 0", "tollgate.toml:2: ", "nonzero"),
        ("[limits]\nbody_bytes = -1", "tollgate.toml:2: ", "expected usize"),
        ("[edge\n", "tollgate.toml:1: ", ""),
        ("[edge]\n[edge]\n", "tollgate.toml:2: ", "duplicate"),
        ("[store]\nengine = \"oracle\"", "tollgate.toml:2: ", "`embedded`"),
        ("[[acquirers]]\nname = \"a\"\n", "tollgate.toml:1: ", "missing field `kind`"),
        ("\n[[acquirers]]\nname = \"a\"\nkind = \"x\"", "tollgate.toml:4: ", "`simulated`"),
        (&format!("\n{acquirer}latency = 5"), "tollgate.toml:2: ", "unknown field `latency`"),
        ("[[acquirers]]\nname = \"b\"\nkind = \"iso8583\"", "tollgate.toml:1: ", "missing field `address`"),
        (
            "[[acquirers]]\nname = \"b\"\nkind = \"iso8583\"\naddress = \"h:1\"\nwindow = 0",
            "tollgate.toml:1: ",
            "window",
        ),
        (&format!("{acquirer}modes = []"), "tollgate.toml:1: ", "modes is empty"),
        ("[[acquirers]]\nname = \"A b\"\nkind = \"simulated\"", "tollgate.toml:1: ", "lower-case"),
        (&format!("{acquirer}{acquirer}"), "acquirers, \"a\": ", "two acquirers have this name"),
        ("[routing]\norder = [\"b\"]", "routing.order: ", "there are: simulated"),
        (&format!("{acquirer}[routing]\norder = [\"a\", \"a\"]"), "routing.order: ", "twice"),
        ("[limits]\nhead_bytes = 100", "limits.head_bytes: ", "use 8192 to"),
        ("[limits]\nidle_ms = 0", "limits.idle_ms: ", "use 1 to"),
        ("[risk]\nreview_score = 90", "risk.review_score: ", "use 0 to 75"),
        ("[edge]\nlisten = \"8443\"", "edge.listen: ", "HOST:PORT"),
        ("[edge]\npublic_url = \"http://x\"", "edge.public_url: ", "https://HOST"),
        (&format!("profile = \"production\"\n{TEST_ONLY}"), "vault.master_key: ", "production makes no keys"),
        ("[vault]\nmaster_key = \"0123canary\"", "vault.master_key: ", "not the secret itself"),
    ];
    for (text, place, what) in cases {
        let error = load(Some(text), &[], &[]).expect_err(text);
        assert!(error.starts_with(place), "{text}\n-> {error}");
        assert!(error.contains(what), "{text}\n-> {error}");
        assert!(!error.contains("canary"), "{error}");
    }
}

#[test]
fn mistakes_elsewhere_are_shown_with_their_origin() {
    type Variables<'a> = &'a [(&'a str, &'a str)];
    let cases: [(Variables<'_>, &str, &str); 4] = [
        (&[("TOLLGATE_EDGE_LISEN", "x:1")], "TOLLGATE_EDGE_LISEN: ", "expected one of `listen`"),
        (&[("TOLLGATE_NONSENSE", "1")], "TOLLGATE_NONSENSE: ", "unknown field `nonsense`"),
        (&[("TOLLGATE_LIMITS_BODY_BYTES", "many")], "TOLLGATE_LIMITS_BODY_BYTES: ", "expected usize"),
        (&[("TOLLGATE_PROFILE", "x")], "TOLLGATE_PROFILE: ", "`production`"),
    ];
    for (environment, origin, what) in cases {
        let error = load(None, environment, &[]).expect_err(origin);
        assert!(error.starts_with(origin) && error.contains(what), "{error}");
    }
    let missing = Sources { file: Some("/nowhere/x.toml".into()), ..Sources::default() };
    let error = Config::load(&missing).unwrap_err().to_string();
    assert!(error.starts_with("/nowhere/x.toml: cannot read the configuration"), "{error}");
}

#[test]
fn the_admin_listener_stays_at_home_in_production() {
    let file = |listen: &str, rest: &str| {
        format!(
            "profile = \"production\"\nvault.master_key = \"env:K\"\n{TEST_ONLY}[admin]\nlisten = \"{listen}\"\n{rest}"
        )
    };
    for listen in ["127.0.0.1:9090", "localhost:0", "[::1]:9090", "127.0.0.2:1"] {
        assert!(load(Some(&file(listen, "")), &[], &[]).is_ok(), "{listen}");
    }
    for listen in ["0.0.0.0:9090", "[::]:9090", "10.0.0.1:9090", "admin.example:9090"] {
        let error = load(Some(&file(listen, "")), &[], &[]).expect_err(listen);
        assert!(error.contains("admin.allow_remote = true"), "{error}");
        assert!(load(Some(&file(listen, "allow_remote = true")), &[], &[]).is_ok());
    }
}
