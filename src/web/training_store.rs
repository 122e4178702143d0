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
    let all = async |store: ObjectStore| store.get_all(None, None)?.await;
    let stored = in_store(TransactionMode::ReadOnly, all).await?;
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

/// # Errors
/// A browser that stores nothing, or has no room.
pub async fn keep(training: &SavedTraining) -> Result<()> {
    let value = training
        .serialize(&serde_wasm_bindgen::Serializer::new())
        .map_err(|why| unavailable(&why.to_string()))?;
    let key = JsValue::from_str(training.key());
    let put = async |store: ObjectStore| store.put(&value, Some(&key))?.await;
    in_store(TransactionMode::ReadWrite, put).await.map(|_| ())
}

/// # Errors
/// A browser that stores nothing.
pub async fn forget(key: &str) -> Result<()> {
    let key = JsValue::from_str(key);
    let delete = async |store: ObjectStore| store.delete(key.clone())?.await;
    in_store(TransactionMode::ReadWrite, delete).await
}

async fn in_store<T>(
    mode: TransactionMode,
    work: impl AsyncFn(ObjectStore) -> std::result::Result<T, idb::Error>,
) -> Result<T> {
    for _ in 1..TRIES {
        if let Some(Ok(done)) = within(PATIENCE_MS, once_in_store(mode, &work)).await {
            return Ok(done);
        }
        TimeoutFuture::new(PAUSE_MS).await;
    }
    let last = within(PATIENCE_MS, once_in_store(mode, &work)).await;
    last.unwrap_or_else(|| Err(unavailable("its storage does not answer")))
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
