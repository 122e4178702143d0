//! Trainings that can be gone on with after a reload, in this browser's own storage (IndexedDB).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use gloo_timers::future::TimeoutFuture;
use idb::builder::{DatabaseBuilder, ObjectStoreBuilder};
use idb::{Database, ObjectStore, TransactionMode};
use serde::Serialize;
use wasm_bindgen::JsValue;

use crate::error::{Error, Result};
use crate::vocabulary::training::SavedTraining;

const DATABASE: &str = "steer8";
const STORE: &str = "trainings";
/// Raised when what is stored changes its form.
const VERSION: u32 = 1;

/// The page before this one may have been closed while it wrote, and hold the storage for a moment.
const TRIES: usize = 4;
const PATIENCE_MS: u32 = 3_000;
const PAUSE_MS: u32 = 500;

/// All that are stored; one that cannot be read (an older page wrote it) is left out.
///
/// # Errors
/// A browser that stores nothing.
pub async fn recall() -> Result<Vec<SavedTraining>> {
    let all = async |store: ObjectStore| store.get_all(None, None)?.await;
    let stored = in_store(TransactionMode::ReadOnly, || true, all).await?.unwrap_or_default();
    let read = |value: JsValue| serde_wasm_bindgen::from_value(value).ok();
    Ok(stored.into_iter().filter_map(read).collect())
}

/// What `work` gives, if it does in so many milliseconds.
async fn within<T>(ms: u32, work: impl Future<Output = T>) -> Option<T> {
    let (mut work, mut end) = (pin!(work), pin!(TimeoutFuture::new(ms)));
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(made) => Poll::Ready(Some(made)),
        Poll::Pending => end.as_mut().poll(context).map(|()| None),
    })
    .await
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
    /// By key, how often it was to be written.
    static WRITES: RefCell<BTreeMap<String, u32>> = RefCell::default();
}

/// `None`: something newer is to be written under this key, which a second try must not undo.
async fn write<T>(
    key: &str,
    work: impl AsyncFn(ObjectStore) -> std::result::Result<T, idb::Error>,
) -> Result<Option<T>> {
    let own = WRITES.with_borrow_mut(|writes| {
        let count = writes.entry(key.to_owned()).or_default();
        *count += 1;
        *count
    });
    let is_newest = || WRITES.with_borrow(|writes| writes.get(key) == Some(&own));
    in_store(TransactionMode::ReadWrite, is_newest, work).await
}

/// Tries several times, as long as it is wanted.
async fn in_store<T>(
    mode: TransactionMode,
    is_wanted: impl Fn() -> bool,
    work: impl AsyncFn(ObjectStore) -> std::result::Result<T, idb::Error>,
) -> Result<Option<T>> {
    let mut failure = unavailable("its storage does not answer");
    for _ in 0..TRIES {
        match within(PATIENCE_MS, once_in_store(mode, &work)).await {
            Some(Ok(done)) => return Ok(Some(done)),
            Some(Err(error)) => failure = error,
            None => {}
        }
        TimeoutFuture::new(PAUSE_MS).await;
        if !is_wanted() {
            return Ok(None);
        }
    }
    Err(failure)
}

async fn once_in_store<T>(
    mode: TransactionMode,
    work: &impl AsyncFn(ObjectStore) -> std::result::Result<T, idb::Error>,
) -> Result<T> {
    let all = async {
        let database = Connection::open().await?;
        let transaction = database.0.transaction(&[STORE], mode)?;
        let result = work(transaction.object_store(STORE)?).await?;
        transaction.await?;
        Ok::<T, idb::Error>(result)
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
