//! Trainings that can be gone on with after a reload, in this browser's own storage (IndexedDB).

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

/// All that are stored; one that cannot be read (an older page wrote it) is left out.
///
/// # Errors
/// A browser that stores nothing.
pub async fn recall() -> Result<Vec<SavedTraining>> {
    let stored =
        in_store(TransactionMode::ReadOnly, async |store| store.get_all(None, None)?.await);
    let read = |value: JsValue| serde_wasm_bindgen::from_value(value).ok();
    Ok(stored.await?.into_iter().filter_map(read).collect())
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
