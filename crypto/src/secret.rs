//! Values that must not leak: hidden from `Debug`, never serialized, wiped on drop, and the references that name them.

use crate::files;
use secrecy::{ExposeSecret, SecretBox};
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// A value that is shown to nobody who does not ask for it by [`Secret::expose`].
///
/// It lives on the heap, so that moving it leaves no copies behind, and is overwritten with zeros when dropped.
/// There is no `Clone`, `Display` or `Serialize`, and `Debug` prints the type's name alone.
pub struct Secret<T: Zeroize>(SecretBox<T>);

impl<T: Zeroize> Secret<T> {
    /// Takes a value under protection. Copies that the caller made of it earlier stay the caller's to wipe.
    pub fn new(value: T) -> Self {
        Self(SecretBox::new(Box::new(value)))
    }

    /// The value itself. Every call is a place to look at in review.
    pub fn expose(&self) -> &T {
        self.0.expose_secret()
    }
}

impl<T: Zeroize + Default> Secret<T> {
    /// Fills a fresh value where it will stay, so that no copy of it was ever on the stack.
    pub fn fill_with(fill: impl FnOnce(&mut T)) -> Self {
        Self(SecretBox::init_with_mut(fill))
    }
}

impl<T: Zeroize + AsRef<[u8]>> Secret<T> {
    /// Whether it holds exactly these bytes, in a time that depends on the lengths alone.
    pub fn is(&self, bytes: &[u8]) -> bool {
        self.expose().as_ref().ct_eq(bytes).into()
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// Longest secret that a reference may name, in bytes.
const LONGEST: u64 = 64 * 1024;

/// Reads the secret that a configuration names as `env:NAME` or `file:PATH`.
///
/// Space and line ends around the text are dropped. A file that its group or others may write is refused: whoever
/// can replace a secret owns it. Who may read it is left to the platform, because container platforms mount secrets
/// readable.
///
/// # Errors
/// [`ReferenceError`], which names the reference and never the secret.
pub fn resolve(reference: &str) -> Result<Secret<String>, ReferenceError> {
    resolve_with(reference, |name| std::env::var_os(name))
}

fn resolve_with(
    reference: &str,
    env: impl FnOnce(&str) -> Option<OsString>,
) -> Result<Secret<String>, ReferenceError> {
    let raw = match reference.split_once(':') {
        Some(("env", name)) => match env(name) {
            Some(value) => Zeroizing::new(value.into_encoded_bytes()),
            None => return Err(ReferenceError::Unset { name: name.to_owned() }),
        },
        Some(("file", path)) => read_file(Path::new(path))?,
        Some(_) | None => return Err(ReferenceError::NotAReference),
    };
    let text = std::str::from_utf8(&raw)
        .map_err(|_| ReferenceError::NotText { reference: reference.to_owned() })?
        .trim();
    if text.is_empty() {
        return Err(ReferenceError::Empty { reference: reference.to_owned() });
    }
    Ok(Secret::new(text.to_owned()))
}

fn read_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, ReferenceError> {
    let (bytes, mode) = files::read_bounded(path, LONGEST)
        .map_err(|source| ReferenceError::Unreadable { path: path.to_owned(), source })?;
    if mode & 0o022 != 0 {
        return Err(ReferenceError::WritableByOthers { path: path.to_owned(), mode });
    }
    Ok(bytes)
}

/// Why a reference to a secret could not be followed.
#[derive(Debug)]
pub enum ReferenceError {
    /// Neither `env:NAME` nor `file:PATH`. The text is not repeated: it may be the secret itself.
    NotAReference,
    /// The environment has no such variable.
    Unset { name: String },
    /// The file could not be read, or is longer than 64 KiB.
    Unreadable { path: PathBuf, source: std::io::Error },
    /// The group or others may write the file.
    WritableByOthers { path: PathBuf, mode: u32 },
    /// The secret is not UTF-8.
    NotText { reference: String },
    /// Nothing but space.
    Empty { reference: String },
}

impl fmt::Display for ReferenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAReference => f.write_str(
                "a secret is given by reference: write env:NAME or file:PATH, not the secret itself",
            ),
            Self::Unset { name } => write!(f, "the environment variable {name:?} is not set"),
            Self::Unreadable { path, source } => {
                write!(f, "cannot read the secret file {}: {source}", path.display())
            }
            Self::WritableByOthers { path, mode } => write!(
                f,
                "the secret file {} may be written by its group or by others (mode {mode:04o}): chmod go-w it",
                path.display()
            ),
            Self::NotText { reference } => write!(f, "the secret at {reference} is not UTF-8 text"),
            Self::Empty { reference } => write!(f, "the secret at {reference} is empty"),
        }
    }
}

impl std::error::Error for ReferenceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable { source, .. } => Some(source),
            Self::NotAReference
            | Self::Unset { .. }
            | Self::WritableByOthers { .. }
            | Self::NotText { .. }
            | Self::Empty { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn debug_hides_what_it_holds() {
        let secret = Secret::new("sk_test_canary".to_owned());
        assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "Secret(hidden) Some(Secret(hidden))");
        assert!(secret.is(b"sk_test_canary") && !secret.is(b"sk_test_canarx") && !secret.is(b"sk_test"));
        let filled: Secret<[u8; 4]> =
            Secret::fill_with(|bytes: &mut [u8; 4]| bytes.copy_from_slice(&[1, 2, 3, 4]));
        assert_eq!(filled.expose(), &[1, 2, 3, 4]);
    }

    #[test]
    fn references_are_followed() {
        let from_env = resolve_with("env:TOKEN", |name| (name == "TOKEN").then(|| " abc\n".into())).unwrap();
        assert_eq!(from_env.expose(), "abc");
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        std::fs::write(&path, "from file\n").unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o444)).unwrap();
        let reference = format!("file:{}", path.display());
        assert_eq!(resolve(&reference).unwrap().expose(), "from file");
    }

    #[test]
    fn bad_references_are_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let loose = dir.path().join("loose");
        std::fs::write(&loose, "x").unwrap();
        std::fs::set_permissions(&loose, PermissionsExt::from_mode(0o620)).unwrap();
        let cases = [
            ("sk_live_canary".to_owned(), "write env:NAME or file:PATH"),
            ("vault:sk_live_canary".to_owned(), "write env:NAME or file:PATH"),
            ("env:ABSENT".to_owned(), "\"ABSENT\" is not set"),
            ("file:/nowhere/at/all".to_owned(), "cannot read the secret file /nowhere/at/all"),
            (format!("file:{}", loose.display()), "mode 0620"),
        ];
        for (reference, expected) in cases {
            let message = resolve_with(&reference, |_| None).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
            assert!(!message.contains("canary"), "{message}");
        }
        let empty = resolve_with("env:EMPTY", |_| Some(" \n".into())).unwrap_err();
        assert_eq!(empty.to_string(), "the secret at env:EMPTY is empty");
    }
}
