//! A person's own frames in the browser's storage, as far as it grants the room.

use js_sys::{Array, Reflect, Uint8Array};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_bytes::ByteBuf;
use wasm_bindgen::{JsCast, JsValue};

use super::lending::Lender;
use super::reason;
use super::remember;
use super::store::FRAMES;
use crate::error::{Error, Result};
use crate::lab::protocol::Role;
use crate::vocabulary::file::{File, Source};

/// The property of a record that has the files, each with its name.
const FILES: &str = "files";
/// The share of the room left that one set may take.
const SHARE: f64 = 0.5;
/// To write more handles would hold up the page.
const MOST_FILES: usize = 5_000;

/// Keeps what is said of a set and its files. The bytes of those; 0: there was room for the name alone.
///
/// # Errors
/// A browser that stores nothing.
pub async fn keep(
    role: Role,
    saved: &impl Serialize,
    sources: &[Source],
    lender: &Lender,
) -> Result<Option<usize>> {
    let all = sources.iter().map(|file| lender.content(file)).collect::<Option<Vec<_>>>();
    let bytes = |all: &[(JsValue, f64)]| all.iter().map(|(_, size)| size).sum::<f64>();
    let free = remember::free().await.unwrap_or(0.0);
    let fits = |all: &Vec<_>| all.len() <= MOST_FILES && bytes(all) <= SHARE * free;
    let all = all.filter(fits).unwrap_or_default();
    let files = Array::new();
    for (file, (content, _)) in sources.iter().zip(&all) {
        files.push(&Array::of2(&file.name().into(), content));
    }
    let record = saved
        .serialize(&serde_wasm_bindgen::Serializer::json_compatible())
        .map_err(|why| Error::new(why.to_string()))?;
    Reflect::set(&record, &FILES.into(), &files).map_err(|why| Error::new(reason(&why)))?;
    let kept = FRAMES.keep_value(role.name(), record).await?;
    Ok(kept.then_some(bytes(&all) as usize))
}

/// What was said of sets in earlier visits, with their files and the bytes of these.
pub async fn recall<T: DeserializeOwned>(lender: &Lender) -> Vec<(T, Vec<Source>, usize)> {
    let read = |record: JsValue| {
        let files = Reflect::get(&record, &FILES.into()).ok()?.dyn_into::<Array>().ok()?;
        Reflect::set(&record, &FILES.into(), &JsValue::UNDEFINED).ok()?;
        let saved: T = serde_wasm_bindgen::from_value(record).ok()?;
        let (mut sources, mut bytes) = (Vec::new(), 0.0);
        for pair in files.iter().map(JsCast::unchecked_into::<Array>) {
            let (name, content) = (pair.get(0).as_string()?, pair.get(1));
            match content.dyn_into::<web_sys::File>() {
                Ok(handle) => {
                    bytes += handle.size();
                    sources.push(lender.lend(name, handle));
                }
                Err(content) => {
                    let own = content.dyn_into::<Uint8Array>().ok()?.to_vec();
                    bytes += own.len() as f64;
                    sources.push(Source::Here(File { name, bytes: ByteBuf::from(own) }));
                }
            }
        }
        Some((saved, sources, bytes as usize))
    };
    FRAMES.recall_by(read).await.unwrap_or_default().into_iter().flatten().collect()
}

pub async fn forget(role: Role) {
    // What could not be kept is not there to be forgotten.
    FRAMES.forget(role.name()).await.ok();
}
