//! Trainings that can be gone on with after a reload, in this browser's own storage (IndexedDB).

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use gloo_timers::future::TimeoutFuture;
use idb::builder::{DatabaseBuilder, ObjectStoreBuilder};
use idb::{Database, ObjectStore, TransactionMode};
use serde::Serialize;
use wasm_bindgen::JsValue;

use crate::error::{Error, Result};
use crate::page::state::SavedTraining;

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
    let mut stored = None;
    for _ in 1..TRIES {
        if let Some(Ok(found)) = within(PATIENCE_MS, all()).await {
            stored = Some(found);
            break;
        }
        TimeoutFuture::new(PAUSE_MS).await;
    }
    let stored = match stored {
        Some(stored) => stored,
        None => all().await?,
    };
    let read = |value: JsValue| serde_wasm_bindgen::from_value(value).ok();
    Ok(stored.into_iter().filter_map(read).collect())
}

async fn all() -> Result<Vec<JsValue>> {
    in_store(TransactionMode::ReadOnly, async |store| store.get_all(None, None)?.await).await
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

/// # Errors
/// A browser that stores nothing, or has no room.
pub async fn keep(training: &SavedTraining) -> Result<()> {
    let value = training
        .serialize(&serde_wasm_bindgen::Serializer::new())
        .map_err(|why| unavailable(&why.to_string()))?;
    let key = JsValue::from_str(training.key());
    in_store(TransactionMode::ReadWrite, async |store| store.put(&value, Some(&key))?.await)
        .await
        .map(|_| ())
}

/// # Errors
/// A browser that stores nothing.
pub async fn forget(key: &str) -> Result<()> {
    let key = JsValue::from_str(key);
    in_store(TransactionMode::ReadWrite, async |store| store.delete(key)?.await).await
}

async fn in_store<T>(
    mode: TransactionMode,
    work: impl AsyncFnOnce(ObjectStore) -> std::result::Result<T, idb::Error>,
) -> Result<T> {
    let all = async {
        let database = open().await?;
        let transaction = database.transaction(&[STORE], mode)?;
        let result = work(transaction.object_store(STORE)?).await?;
        transaction.await?;
        database.close();
        Ok::<T, idb::Error>(result)
    };
    all.await.map_err(|why| unavailable(&why.to_string()))
}

async fn open() -> std::result::Result<Database, idb::Error> {
    let store = ObjectStoreBuilder::new(STORE);
    DatabaseBuilder::new(DATABASE).version(VERSION).add_object_store(store).build().await
}

fn unavailable(why: &str) -> Error {
    Error::new(format!("this browser does not keep trainings across a reload: {why}"))
        .way_out("Training works all the same; leave the page open until it is done.")
}
