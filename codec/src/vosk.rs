//! Vosk, an offline speech recogniser, by its C interface.
//!
//! The library is opened while the program runs, so a server without it starts and can say what is missing.
//! Models are read once and shared by all threads; a recogniser belongs to one thread at a time.

use std::ffi::{CStr, CString, c_char, c_int, c_short, c_void};
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::Arc;

use libloading::Library;

/// Speech cannot be recognised.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VoskError {
    /// The library cannot be opened, or is not Vosk.
    #[error("{}: {reason}", path.display())]
    Library {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// The folder holds no model that the library can read.
    #[error("{} holds no speech model that can be read", path.display())]
    Model {
        /// Which folder.
        path: PathBuf,
    },
    /// The engine gave no recogniser, or one of the phrases cannot be passed to it.
    #[error("the speech engine gave no recogniser")]
    Recogniser,
    /// The engine failed in the middle.
    #[error("the speech engine failed")]
    Broken,
}

/// What the engine gives for a piece of sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// More is to come of what is being said.
    Running,
    /// A pause: [`Recogniser::result`] is what was said before it.
    Pause,
}

type Model = *mut c_void;
type Engine = *mut c_void;
type Said = unsafe extern "C" fn(Engine) -> *const c_char;

/// The functions that we call.
struct Functions {
    set_log_level: unsafe extern "C" fn(c_int),
    model_new: unsafe extern "C" fn(*const c_char) -> Model,
    model_free: unsafe extern "C" fn(Model),
    find_word: unsafe extern "C" fn(Model, *const c_char) -> c_int,
    new: unsafe extern "C" fn(Model, f32) -> Engine,
    new_with_phrases: unsafe extern "C" fn(Model, f32, *const c_char) -> Engine,
    set_words: unsafe extern "C" fn(Engine, c_int),
    accept: unsafe extern "C" fn(Engine, *const c_short, c_int) -> c_int,
    result: Said,
    partial: Said,
    last: Said,
    free: unsafe extern "C" fn(Engine),
}

/// The library, open.
#[derive(Clone)]
pub struct Vosk {
    inner: Arc<Opened>,
}

struct Opened {
    path: PathBuf,
    functions: Functions,
    /// The functions are good for as long as this is open.
    _library: Library,
}

impl Vosk {
    /// Opens the library.
    ///
    /// # Errors
    ///
    /// [`VoskError::Library`] where there is none, or it lacks a function.
    pub fn open(path: &Path) -> Result<Self, VoskError> {
        let refused = |error: libloading::Error| VoskError::Library {
            path: path.to_owned(),
            reason: error.to_string(),
        };
        // SAFETY: loading runs the initialisers of Vosk, which set up their own static tables only.
        let library = unsafe { Library::new(path) }.map_err(refused)?;
        // SAFETY: each symbol is declared in vosk_api.h with the very signature of its field.
        let functions = unsafe {
            Functions {
                set_log_level: *library.get(b"vosk_set_log_level\0").map_err(refused)?,
                model_new: *library.get(b"vosk_model_new\0").map_err(refused)?,
                model_free: *library.get(b"vosk_model_free\0").map_err(refused)?,
                find_word: *library.get(b"vosk_model_find_word\0").map_err(refused)?,
                new: *library.get(b"vosk_recognizer_new\0").map_err(refused)?,
                new_with_phrases: *library.get(b"vosk_recognizer_new_grm\0").map_err(refused)?,
                set_words: *library
                    .get(b"vosk_recognizer_set_words\0")
                    .map_err(refused)?,
                accept: *library
                    .get(b"vosk_recognizer_accept_waveform_s\0")
                    .map_err(refused)?,
                result: *library.get(b"vosk_recognizer_result\0").map_err(refused)?,
                partial: *library
                    .get(b"vosk_recognizer_partial_result\0")
                    .map_err(refused)?,
                last: *library
                    .get(b"vosk_recognizer_final_result\0")
                    .map_err(refused)?,
                free: *library.get(b"vosk_recognizer_free\0").map_err(refused)?,
            }
        };
        // SAFETY: it takes a number and keeps it.
        unsafe { (functions.set_log_level)(-1) };
        let inner = Arc::new(Opened {
            path: path.to_owned(),
            functions,
            _library: library,
        });
        Ok(Self { inner })
    }

    /// From where it was opened; a bare name where the system found it.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Reads a model. Some milliseconds for a small one, some seconds for a large one.
    ///
    /// # Errors
    ///
    /// [`VoskError::Model`] where there is none that can be read.
    pub fn model(&self, path: &Path) -> Result<SpeechModel, VoskError> {
        let refused = || VoskError::Model {
            path: path.to_owned(),
        };
        let name = CString::new(path.as_os_str().as_encoded_bytes()).map_err(|_| refused())?;
        // SAFETY: the name ends with a zero; the library answers null where it cannot read what is there.
        let model = unsafe { (self.inner.functions.model_new)(name.as_ptr()) };
        Ok(SpeechModel {
            model: NonNull::new(model).ok_or_else(refused)?,
            vosk: self.clone(),
        })
    }
}

/// A model in memory. It is only read, so threads share it.
pub struct SpeechModel {
    model: NonNull<c_void>,
    vosk: Vosk,
}

impl SpeechModel {
    /// Whether the model has this word, exactly as it is written.
    pub fn knows(&self, word: &str) -> bool {
        let Ok(word) = CString::new(word) else {
            return false;
        };
        // SAFETY: the model lives and its words do not change; the text ends with a zero and is not kept.
        let found =
            unsafe { (self.vosk.inner.functions.find_word)(self.model.as_ptr(), word.as_ptr()) };
        found >= 0
    }
}

// SAFETY: Vosk counts references to a model atomically and does not change it once it is read.
unsafe impl Send for SpeechModel {}
// SAFETY: as above.
unsafe impl Sync for SpeechModel {}

impl Drop for SpeechModel {
    fn drop(&mut self) {
        // SAFETY: it came from the library and is given back once; recognisers hold references of their own.
        unsafe { (self.vosk.inner.functions.model_free)(self.model.as_ptr()) }
    }
}

/// Follows one voice.
pub struct Recogniser {
    engine: NonNull<c_void>,
    model: Arc<SpeechModel>,
}

// SAFETY: a recogniser has no thread of its own and no thread-local state; `&mut self` keeps calls apart.
unsafe impl Send for Recogniser {}

impl Recogniser {
    /// One for sound of this rate, in samples a second. `phrases` is a JSON array of what may be said, if not
    /// everything may.
    ///
    /// # Errors
    ///
    /// [`VoskError::Recogniser`] where the engine gives none.
    pub fn new(
        model: &Arc<SpeechModel>,
        rate: f32,
        phrases: Option<&str>,
    ) -> Result<Self, VoskError> {
        let functions = &model.vosk.inner.functions;
        let engine = match phrases {
            // SAFETY: the model lives; the engine takes a reference of its own.
            None => unsafe { (functions.new)(model.model.as_ptr(), rate) },
            Some(phrases) => {
                let phrases = CString::new(phrases).map_err(|_| VoskError::Recogniser)?;
                // SAFETY: as above, and the text ends with a zero and is copied.
                unsafe {
                    (functions.new_with_phrases)(model.model.as_ptr(), rate, phrases.as_ptr())
                }
            }
        };
        let engine = NonNull::new(engine).ok_or(VoskError::Recogniser)?;
        // SAFETY: the engine was made just now.
        unsafe { (functions.set_words)(engine.as_ptr(), 1) };
        Ok(Self {
            engine,
            model: Arc::clone(model),
        })
    }

    fn functions(&self) -> &Functions {
        &self.model.vosk.inner.functions
    }

    /// Takes mono samples.
    ///
    /// # Errors
    ///
    /// [`VoskError::Broken`] where the engine failed.
    pub fn accept(&mut self, samples: &[i16]) -> Result<Accepted, VoskError> {
        let length = c_int::try_from(samples.len()).map_err(|_| VoskError::Broken)?;
        // SAFETY: the engine reads `length` samples and keeps none of the pointer.
        let accepted =
            unsafe { (self.functions().accept)(self.engine.as_ptr(), samples.as_ptr(), length) };
        match accepted {
            0 => Ok(Accepted::Running),
            1 => Ok(Accepted::Pause),
            _ => Err(VoskError::Broken),
        }
    }

    /// What was said before the pause, as Vosk's JSON: `text`, and `result` with `word`, `start`, `end` (seconds of
    /// all sound that it was given) and `conf`.
    pub fn result(&mut self) -> String {
        self.said(self.functions().result)
    }

    /// What is being said, as Vosk's JSON: `partial`.
    pub fn partial(&mut self) -> String {
        self.said(self.functions().partial)
    }

    /// What was said up to now, as [`Self::result`]; what comes after it begins anew.
    pub fn last(&mut self) -> String {
        self.said(self.functions().last)
    }

    fn said(&mut self, ask: Said) -> String {
        // SAFETY: the text ends with a zero and is good until the next call, which `&mut self` keeps away.
        unsafe {
            let text = ask(self.engine.as_ptr());
            if text.is_null() {
                return String::new();
            }
            CStr::from_ptr(text).to_string_lossy().into_owned()
        }
    }
}

impl Drop for Recogniser {
    fn drop(&mut self) {
        // SAFETY: it came from the library and is given back once.
        unsafe { (self.functions().free)(self.engine.as_ptr()) }
    }
}
