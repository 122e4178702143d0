//! Trainings that can be gone on with after a reload, in this browser's own storage (IndexedDB).

use std::cell::RefCell;
use std::collections::BTreeMap;

use futures_util::future::{Either, select};
use futures_util::stream::{FuturesUnordered, StreamExt};
use gloo_timers::future::TimeoutFuture;
use idb::builder::{DatabaseBuilder, ObjectStoreBuilder};
use idb::{Database, ObjectStore, TransactionMode};
use js_sys::{Array, Function, Promise, Reflect};
use serde::Serialize;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::error::{Error, Result};
use crate::vocabulary::training::SavedTraining;

const DATABASE: &str = "steer8";
const STORE: &str = "trainings";
/// Raised when what is stored changes its form.
const VERSION: u32 = 1;

/// How long each try is waited for before the next is made beside it. A busy disk answers after many
/// seconds, and a page that was closed while it wrote may hold the storage for a moment.
const PATIENCE_MS: [u32; 4] = [3_000, 5_000, 10_000, 60_000];
const PAUSE_MS: u32 = 500;

/// All that are stored; one that cannot be read (an older page wrote it) is left out.
///
/// # Errors
/// A browser that stores nothing.
pub async fn recall() -> Result<Vec<SavedTraining>> {
    if !is_made().await.unwrap_or(true) {
        return Ok(Vec::new());
    }
    let all = async |store: ObjectStore| store.get_all(None, None)?.await;
    let stored = in_store(TransactionMode::ReadOnly, None, all).await?.unwrap_or_default();
    let read = |value: JsValue| serde_wasm_bindgen::from_value(value).ok();
    Ok(stored.into_iter().filter_map(read).collect())
}

/// Whether the database is there; `None` where the browser does not tell. Opening it would make it,
/// and in Chromium a page that is left while it makes one can hold up those after it for minutes.
async fn is_made() -> Option<bool> {
    let factory = Reflect::get(&js_sys::global(), &"indexedDB".into()).ok()?;
    let databases = Reflect::get(&factory, &"databases".into()).ok()?;
    let promise = databases.dyn_into::<Function>().ok()?.call0(&factory).ok()?;
    let list = JsFuture::from(promise.dyn_into::<Promise>().ok()?).await.ok()?;
    let name = |made: JsValue| Reflect::get(&made, &"name".into()).ok()?.as_string();
    Some(list.dyn_into::<Array>().ok()?.iter().any(|made| name(made).as_deref() == Some(DATABASE)))
}

/// Whether it is kept: not if something newer was written in its place.
///
/// # Errors
/// A browser that stores nothing, or has no room.
pub async fn keep(training: &SavedTraining) -> Result<bool> {
    let value = training
        .serialize(&serde_wasm_bindgen::Serializer::new())
        .map_err(|why| unavailable(&why.to_string()))?;
    let key = JsValue::from_str(training.key());
    let put = async |store: ObjectStore| store.put(&value, Some(&key))?.await;
    Ok(write(training.key(), put).await?.is_some())
}

/// # Errors
/// A browser that stores nothing.
pub async fn forget(key: &str) -> Result<()> {
    let value = JsValue::from_str(key);
    let delete = async |store: ObjectStore| store.delete(value.clone())?.await;
    write(key, delete).await.map(|_| ())
}

thread_local! {
    static WRITES: RefCell<BTreeMap<String, Writes>> = RefCell::default();
}

/// Of one key, by their number.
#[derive(Default)]
struct Writes {
    asked: u32,
    begun: u32,
}

/// What the storage is given in an order it does in that order: a late try undoes nothing newer if
/// it is not given after it.
struct Write<'a> {
    key: &'a str,
    number: u32,
}

impl<'a> Write<'a> {
    fn new(key: &'a str) -> Self {
        let number = WRITES.with_borrow_mut(|writes| {
            let writes = writes.entry(key.to_owned()).or_default();
            writes.asked += 1;
            writes.asked
        });
        Self { key, number }
    }

    fn writes<T>(&self, look: impl FnOnce(&mut Writes) -> T) -> T {
        WRITES.with_borrow_mut(|writes| look(writes.entry(self.key.to_owned()).or_default()))
    }

    /// Asked before another try is made.
    fn is_newest(&self) -> bool {
        self.writes(|writes| writes.asked == self.number)
    }

    /// Asked when the storage is open, just before it is written.
    fn begins(&self) -> bool {
        self.writes(|writes| {
            let in_order = writes.begun <= self.number;
            writes.begun = writes.begun.max(self.number);
            in_order
        })
    }
}

/// `None`: something newer was written under this key.
async fn write<T>(
    key: &str,
    work: impl AsyncFn(ObjectStore) -> std::result::Result<T, idb::Error>,
) -> Result<Option<T>> {
    in_store(TransactionMode::ReadWrite, Some(&Write::new(key)), work).await
}

/// Tries several times, as long as it is wanted; a try that does not answer is not given up.
async fn in_store<T>(
    mode: TransactionMode,
    write: Option<&Write<'_>>,
    work: impl AsyncFn(ObjectStore) -> std::result::Result<T, idb::Error>,
) -> Result<Option<T>> {
    let mut failure = unavailable("its storage does not answer");
    let mut tries = FuturesUnordered::new();
    for patience in PATIENCE_MS {
        if write.is_none_or(Write::is_newest) {
            tries.push(once_in_store(mode, write, &work));
        }
        let mut end = TimeoutFuture::new(patience);
        while let Either::Left((Some(tried), _)) = select(tries.next(), &mut end).await {
            match tried {
                Ok(done) => return Ok(done),
                Err(error) => failure = error,
            }
        }
        TimeoutFuture::new(PAUSE_MS).await;
    }
    if write.is_none_or(Write::is_newest) { Err(failure) } else { Ok(None) }
}

async fn once_in_store<T>(
    mode: TransactionMode,
    write: Option<&Write<'_>>,
    work: &impl AsyncFn(ObjectStore) -> std::result::Result<T, idb::Error>,
) -> Result<Option<T>> {
    let all = async {
        let database = Connection::open().await?;
        if !write.is_none_or(Write::begins) {
            return Ok(None);
        }
        let transaction = database.0.transaction(&[STORE], mode)?;
        let result = work(transaction.object_store(STORE)?).await?;
        transaction.await?;
        Ok::<_, idb::Error>(Some(result))
    };
    all.await.map_err(|why| unavailable(&why.to_string()))
}

/// Closed however what is done with it ends.
struct Connection(Database);

impl Connection {
    async fn open() -> std::result::Result<Self, idb::Error> {
        let store = ObjectStoreBuilder::new(STORE);
        let database = DatabaseBuilder::new(DATABASE).version(VERSION).add_object_store(store);
        database.build().await.map(Self)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.close();
    }
}

fn unavailable(why: &str) -> Error {
    Error::new(format!("this browser does not keep trainings across a reload: {why}"))
        .way_out("Training works all the same; leave the page open until it is done.")
}
