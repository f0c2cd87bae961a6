//! `gateway export`, `gateway state`, `gateway model ...` and `gateway labels`: the analyst's end of a gateway.

use super::admin_client::{Ask, Sent, ask, download, send};
use super::args::{Export, Labels, Model, State, Target};
use crate::scoring::export::{Window, export_stopped};
use http::Method;
use serde_json::Value;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

pub(super) fn export(command: Export) -> Result<(), String> {
    let window = Window::of_days(command.from.as_deref(), command.to.as_deref())?;
    write(&command.out, |out| match &command.data_dir {
        Some(dir) => export_stopped(&dir.join("store"), window, out),
        None => {
            let mut path = "/risk/export?".to_owned();
            for (name, day) in [("from", &command.from), ("to", &command.to)] {
                path.extend(day.iter().map(|day| format!("{name}={day}&")));
            }
            download(&command.target.admin, path.trim_end_matches(['&', '?']), out)
        }
    })
}

pub(super) fn state(command: &State) -> Result<(), String> {
    write(&command.out, |out| download(&command.target.admin, "/risk/state", out))
}

/// Writes beside the file, and puts it in place when it is complete: a part is never taken for the whole.
fn write(path: &Path, fill: impl FnOnce(&mut dyn Write) -> Result<(), String>) -> Result<(), String> {
    let wrong = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    let mut beside = path.to_owned().into_os_string();
    beside.push(".part");
    let beside = PathBuf::from(beside);
    let mut out = BufWriter::new(File::create(&beside).map_err(|error| wrong(&beside, error))?);
    let finished = fill(&mut out).and_then(|()| out.flush().map_err(|error| wrong(&beside, error)));
    if let Err(error) = finished {
        std::fs::remove_file(&beside).ok();
        return Err(error);
    }
    std::fs::rename(&beside, path).map_err(|error| wrong(path, error))?;
    println!("{}", path.display());
    Ok(())
}

pub(super) fn model(command: Model) -> Result<(), String> {
    let post = |target: &Target, path: &str, body: String| {
        send(&target.admin, Sent { method: Method::POST, path, kind: "application/json", body })
    };
    match command {
        Model::Show { target } => {
            let found = ask(&target.admin, Ask { method: Method::GET, path: "/risk", body: None })?;
            print(&found, &target, overview(&found));
        }
        Model::Deploy { file, target } => {
            let served = post(&target, "/risk/model", text_of(&file)?)?;
            print(&served, &target, format!("{} decides", version(&served)));
        }
        Model::Rollback { target } => {
            let served = post(&target, "/risk/rollback", String::new())?;
            print(&served, &target, format!("{} decides again", version(&served)));
        }
        Model::Shadow { file, target } => {
            let served = post(&target, "/risk/shadows", text_of(&file)?)?;
            print(&served, &target, format!("{} is scored beside", version(&served)));
        }
        Model::Unshadow { version, target } => {
            let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            if version.is_empty() || !version.bytes().all(legal) {
                return Err(format!("{version:?} is no version: `gateway model show` prints them"));
            }
            let path = format!("/risk/shadows/{version}");
            let gone = ask(&target.admin, Ask { method: Method::DELETE, path: &path, body: None })?;
            print(&gone, &target, format!("{version} is scored no longer"));
        }
    }
    Ok(())
}

pub(super) fn labels(command: &Labels) -> Result<(), String> {
    let sent =
        Sent { method: Method::POST, path: "/risk/labels", kind: "text/csv", body: text_of(&command.file)? };
    let report = send(&command.target.admin, sent)?;
    let count = |name: &str| report[name].as_u64().unwrap_or(0);
    let mut text = format!(
        "{} lines: {} taken, {} known already, {} failed",
        count("lines"),
        count("taken"),
        count("known"),
        count("failed")
    );
    for failure in report["failures"].as_array().into_iter().flatten() {
        text += &format!("\n{}", failure.as_str().unwrap_or_default());
    }
    print(&report, &command.target, text);
    if count("failed") == 0 { Ok(()) } else { Err("some lines were not taken".to_owned()) }
}

fn text_of(file: &Path) -> Result<String, String> {
    std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))
}

fn version(served: &Value) -> &str {
    served["version"].as_str().unwrap_or("-")
}

fn overview(found: &Value) -> String {
    let mut text = format!("decides    {}\n", version(&found["model"]));
    for shadow in found["shadows"].as_array().into_iter().flatten() {
        text += &format!("beside it  {}\n", version(shadow));
    }
    text += &format!("before it  {}\n", version(&found["previous"]));
    text += &format!("records    {}", found["records"]);
    text
}

fn print(found: &Value, target: &Target, text: String) {
    if target.json {
        println!("{found}");
    } else {
        println!("{text}");
    }
}
