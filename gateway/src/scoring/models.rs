//! Which models score: one that decides, the one before it, and any number beside it whose scores are only recorded.
//!
//! They are exchanged as a whole, so a decision rests on one model from beginning to end. What was deployed while serving is kept in
//! the data directory, and is served again after a restart.

use arc_swap::ArcSwap;
use gateway_core::risk::ModelMark;
use risk::model::Model;
use risk::scorer::Scorer;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

/// Shadow models at a time: each costs a score a payment.
pub const MAX_SHADOWS: usize = 4;
const CHAMPION: &str = "model.json";
const PREVIOUS: &str = "previous.json";
const CONFIGURED: &str = "configured";

/// A model and how decisions name it.
pub struct Served {
    pub model: Model,
    pub mark: ModelMark,
}

/// The models of one moment.
#[derive(Clone)]
pub struct Serving {
    pub champion: Arc<Served>,
    pub shadows: Vec<Arc<Served>>,
    previous: Option<Arc<Served>>,
}

impl Serving {
    /// The model to which a rollback leads.
    pub fn previous(&self) -> Option<&Served> {
        self.previous.as_deref()
    }
}

/// The models, and where they are kept.
pub struct Models {
    serving: ArcSwap<Serving>,
    /// Held while models are exchanged.
    shelf: Mutex<Shelf>,
}

/// Where models are kept, and which one the configuration named last.
struct Shelf {
    /// `None`: nothing is kept.
    dir: Option<PathBuf>,
    configured: ModelMark,
}

impl Shelf {
    /// Notes which model the configuration named.
    fn note(&self) -> Result<(), String> {
        let Some(dir) = &self.dir else { return Ok(()) };
        let path = dir.join(CONFIGURED);
        let written = crate::app::write_private(&path, &text_of(&self.configured));
        written.map_err(|error| format!("{}: {error}", path.display()))
    }
}

fn text_of(mark: &ModelMark) -> String {
    format!("{} {:016x}\n", mark.version, mark.checksum)
}

fn mark_of(model: &Model) -> Result<ModelMark, String> {
    let file = model.file();
    let checksum = file.checksum.get(..16).and_then(|digits| u64::from_str_radix(digits, 16).ok());
    let checksum = checksum.ok_or_else(|| "its checksum is not hexadecimal".to_owned())?;
    Ok(ModelMark { version: file.version.as_str().into(), checksum })
}

fn served(model: Model) -> Result<Arc<Served>, String> {
    Scorer::serves(&model)?;
    let mark = mark_of(&model)?;
    Ok(Arc::new(Served { model, mark }))
}

/// A kept model, if there is one.
fn kept(path: &Path) -> Result<Option<Arc<Served>>, String> {
    let wrong = |error: String| format!("{}: {error}", path.display());
    match std::fs::read_to_string(path) {
        Ok(text) => parse(&text).and_then(served).map(Some).map_err(wrong),
        Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(wrong(error.to_string())),
    }
}

/// Reads and checks a model file's text.
///
/// # Errors
/// What is wrong with it, in words.
pub fn parse(text: &str) -> Result<Model, String> {
    let model = Model::parse(text).map_err(|error| error.to_string())?;
    Scorer::serves(&model)?;
    Ok(model)
}

impl Models {
    /// With this model alone.
    ///
    /// # Errors
    /// It can't be served.
    pub fn new(model: Model) -> Result<Self, String> {
        let champion = served(model)?;
        let shelf = Mutex::new(Shelf { dir: None, configured: champion.mark.clone() });
        let serving = Serving { champion, shadows: Vec::new(), previous: None };
        Ok(Self { serving: ArcSwap::from_pointee(serving), shelf })
    }

    /// The models of now.
    pub fn serving(&self) -> Arc<Serving> {
        self.serving.load_full()
    }

    /// From now on keeps what is deployed in `dir`. What was deployed there before the last stop serves again, unless the configuration
    /// has named another model since; whether it does.
    ///
    /// # Errors
    /// A kept file can't be read or served: remove it, or put a good one in its place.
    pub fn keep_in(&self, dir: &Path) -> Result<bool, String> {
        let mut shelf = self.lock();
        std::fs::create_dir_all(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
        let (champion, previous) = (kept(&dir.join(CHAMPION))?, kept(&dir.join(PREVIOUS))?);
        shelf.dir = Some(dir.to_owned());
        let named = std::fs::read_to_string(dir.join(CONFIGURED)).unwrap_or_default();
        let unchanged = named == text_of(&shelf.configured);
        let now = self.serving();
        match champion {
            Some(champion) if unchanged => {
                let shadows = now.shadows.clone();
                self.serving.store(Arc::new(Serving { champion, shadows, previous }));
                Ok(true)
            }
            replaced => {
                let serving = Serving { previous: replaced, ..now.as_ref().clone() };
                self.place(&shelf, serving)?;
                shelf.note()?;
                Ok(false)
            }
        }
    }

    /// Puts a model in place; a rollback leads back to the one before.
    ///
    /// # Errors
    /// It can't be served or kept: everything stays as it was.
    pub fn deploy(&self, model: Model) -> Result<Arc<Served>, String> {
        let shelf = self.lock();
        let champion = served(model)?;
        let now = self.serving();
        let previous = Some(Arc::clone(&now.champion));
        self.place(
            &shelf,
            Serving { champion: Arc::clone(&champion), shadows: now.shadows.clone(), previous },
        )?;
        Ok(champion)
    }

    /// Goes back to the model before, which then is the one after: a second rollback undoes the first.
    ///
    /// # Errors
    /// There was none, or it can't be kept.
    pub fn rollback(&self) -> Result<Arc<Served>, String> {
        let shelf = self.lock();
        let now = self.serving();
        let champion = now.previous.clone().ok_or("no model was deployed before this one")?;
        let previous = Some(Arc::clone(&now.champion));
        self.place(
            &shelf,
            Serving { champion: Arc::clone(&champion), shadows: now.shadows.clone(), previous },
        )?;
        Ok(champion)
    }

    /// Takes what the configuration names: the shadows, and the model, if it is another one than at the last look. So a reload for
    /// another reason does not undo what was deployed since.
    ///
    /// # Errors
    /// One can't be served: everything stays as it was.
    pub fn configured(&self, model: Model, shadows: Vec<Model>) -> Result<(), String> {
        let shadows = shadows.into_iter().map(served).collect::<Result<Vec<_>, _>>()?;
        let mark = mark_of(&model)?;
        if mark != self.lock().configured {
            self.deploy(model)?;
            let mut shelf = self.lock();
            shelf.configured = mark;
            shelf.note()?;
        }
        self.set_shadows(shadows)
    }

    /// Scores a model beside the one that decides.
    ///
    /// # Errors
    /// It can't be served, or there are too many.
    pub fn shadow(&self, model: Model) -> Result<Arc<Served>, String> {
        let shadow = served(model)?;
        let mut shadows = self.serving().shadows.clone();
        shadows.retain(|known| known.mark.version != shadow.mark.version);
        shadows.push(Arc::clone(&shadow));
        self.set_shadows(shadows)?;
        Ok(shadow)
    }

    /// Stops scoring a shadow model; whether there was one of this version.
    pub fn unshadow(&self, version: &str) -> bool {
        let mut shadows = self.serving().shadows.clone();
        let before = shadows.len();
        shadows.retain(|known| known.mark.version != version);
        let found = shadows.len() < before;
        self.set_shadows(shadows).is_ok() && found
    }

    fn set_shadows(&self, shadows: Vec<Arc<Served>>) -> Result<(), String> {
        let _held = self.lock();
        if shadows.len() > MAX_SHADOWS {
            return Err(format!("at most {MAX_SHADOWS} shadow models are scored; remove one first"));
        }
        let now = self.serving();
        self.serving.store(Arc::new(Serving { shadows, ..now.as_ref().clone() }));
        Ok(())
    }

    /// Keeps the files first: what serves is what the next start serves.
    fn place(&self, shelf: &Shelf, serving: Serving) -> Result<(), String> {
        if let Some(dir) = &shelf.dir {
            let write = |name: &str, served: &Served| {
                let path = dir.join(name);
                crate::app::write_private(&path, &served.model.render())
                    .map_err(|error| format!("{}: {error}", path.display()))
            };
            if let Some(previous) = serving.previous() {
                write(PREVIOUS, previous)?;
            }
            write(CHAMPION, &serving.champion)?;
        }
        self.serving.store(Arc::new(serving));
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().expect("no code panics while it holds this lock")
    }
}
