//! What is to outlive a reload, in this browser's own storage (IndexedDB).

use std::cell::RefCell;
use std::collections::BTreeMap;

use futures_util::future::{Either, select};
use futures_util::stream::{FuturesUnordered, StreamExt};
use gloo_timers::future::TimeoutFuture;
use idb::builder::{DatabaseBuilder, ObjectStoreBuilder};
use idb::{Database, ObjectStore, TransactionMode};
use js_sys::{Array, Function, Promise, Reflect};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::error::{Error, Result};

/// A database with one store of records, each under a key.
#[derive(Debug, Clone, Copy)]
pub struct Store {
    database: &'static str,
    /// Of the records, also in messages.
    name: &'static str,
    /// What can be done where nothing is kept.
    way_out: &'static str,
}

/// Trainings that can be gone on with.
pub const TRAININGS: Store = Store {
    database: "steer8",
    name: "trainings",
    way_out: "Training works all the same; leave the page open until it is done.",
};

/// Variants that were made and measured.
pub const VARIANTS: Store = Store {
    database: "steer8-variants",
    name: "variants",
    way_out: "Everything works all the same; download what you want to keep.",
};

/// Networks that were opened.
pub const NETWORKS: Store = Store {
    database: "steer8-networks",
    name: "networks",
    way_out: "Everything works all the same; open them again in the next visit.",
};

/// Frames that were opened, with their files.
pub const FRAMES: Store = Store {
    database: "steer8-frames",
    name: "frames",
    way_out: "Everything works all the same; open them again in the next visit.",
};

/// Raised when what is stored changes its form.
const VERSION: u32 = 1;

/// How long each try is waited for before the next is made beside it. A busy disk answers after many
/// seconds, and a page that was closed while it wrote may hold the storage for a moment.
const PATIENCE_MS: [u32; 4] = [3_000, 5_000, 10_000, 60_000];
const PAUSE_MS: u32 = 500;

impl Store {
    /// All that are stored, and how many more cannot be read: an older page wrote them.
    ///
    /// # Errors
    /// A browser that stores nothing.
    pub async fn recall<T: DeserializeOwned>(self) -> Result<(Vec<T>, usize)> {
        let stored = self.recall_by(|value| serde_wasm_bindgen::from_value(value).ok()).await?;
        let count = stored.len();
        let read: Vec<T> = stored.into_iter().flatten().collect();
        let unread = count - read.len();
        Ok((read, unread))
    }

    /// What `read` makes of each that is stored. They may be large, and come one after another: between two of
    /// them the page can do something else.
    ///
    /// # Errors
    /// A browser that stores nothing.
    pub async fn recall_by<T>(self, read: impl Fn(JsValue) -> T) -> Result<Vec<T>> {
        if !self.is_made().await.unwrap_or(true) {
            return Ok(Vec::new());
        }
        let all = async |store: ObjectStore| {
            let mut stored = Vec::new();
            for key in store.get_all_keys(None, None)?.await? {
                stored.extend(store.get(key)?.await?.map(&read));
            }
            Ok(stored)
        };
        let stored = self.in_store(TransactionMode::ReadOnly, None, all).await?;
        Ok(stored.unwrap_or_default())
    }

    /// Whether the database is there; `None` where the browser does not tell. Opening it would make it,
    /// and in Chromium a page that is left while it makes one can hold up those after it for minutes.
    async fn is_made(self) -> Option<bool> {
        let factory = Reflect::get(&js_sys::global(), &"indexedDB".into()).ok()?;
        let databases = Reflect::get(&factory, &"databases".into()).ok()?;
        let promise = databases.dyn_into::<Function>().ok()?.call0(&factory).ok()?;
        let list = JsFuture::from(promise.dyn_into::<Promise>().ok()?).await.ok()?;
        let name = |made: JsValue| Reflect::get(&made, &"name".into()).ok()?.as_string();
        let own = |made| name(made).as_deref() == Some(self.database);
        Some(list.dyn_into::<Array>().ok()?.iter().any(own))
    }

    /// Whether it is kept: not if something newer was written in its place.
    ///
    /// # Errors
    /// A browser that stores nothing, or has no room.
    pub async fn keep(self, key: &str, record: &impl Serialize) -> Result<bool> {
        let write = Write::new((self.database, key.to_owned()));
        // Files are copied here: of several records each in a turn of its own.
        TimeoutFuture::new(0).await;
        if !write.is_newest() {
            return Ok(false);
        }
        let value = record
            .serialize(&serde_wasm_bindgen::Serializer::new())
            .map_err(|why| self.unavailable(&why.to_string()))?;
        self.put(&write, value).await
    }

    /// The same of what the browser itself can store, such as files.
    ///
    /// # Errors
    /// A browser that stores nothing, or has no room.
    pub async fn keep_value(self, key: &str, value: JsValue) -> Result<bool> {
        self.put(&Write::new((self.database, key.to_owned())), value).await
    }

    async fn put(self, write: &Write, value: JsValue) -> Result<bool> {
        let own = JsValue::from_str(&write.key.1);
        let put = async |store: ObjectStore| store.put(&value, Some(&own))?.await;
        Ok(self.in_store(TransactionMode::ReadWrite, Some(write), put).await?.is_some())
    }

    /// # Errors
    /// A browser that stores nothing.
    pub async fn forget(self, key: &str) -> Result<()> {
        let write = Write::new((self.database, key.to_owned()));
        let value = JsValue::from_str(key);
        let delete = async |store: ObjectStore| store.delete(value.clone())?.await;
        self.in_store(TransactionMode::ReadWrite, Some(&write), delete).await.map(|_| ())
    }
}

thread_local! {
    static WRITES: RefCell<BTreeMap<(&'static str, String), Writes>> = RefCell::default();
}

/// Of one key of a database, by their number.
#[derive(Default)]
struct Writes {
    asked: u32,
    begun: u32,
}

/// What the storage is given in an order it does in that order: a late try undoes nothing newer if
/// it is not given after it.
struct Write {
    key: (&'static str, String),
    number: u32,
}

impl Write {
    fn new(key: (&'static str, String)) -> Self {
        let number = WRITES.with_borrow_mut(|writes| {
            let writes = writes.entry(key.clone()).or_default();
            writes.asked += 1;
            writes.asked
        });
        Self { key, number }
    }

    fn writes<T>(&self, look: impl FnOnce(&mut Writes) -> T) -> T {
        WRITES.with_borrow_mut(|writes| look(writes.entry(self.key.clone()).or_default()))
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

impl Store {
    /// Tries several times, as long as it is wanted; a try that does not answer is not given up. `None`: something
    /// newer was written under this key.
    async fn in_store<T>(
        self,
        mode: TransactionMode,
        write: Option<&Write>,
        work: impl AsyncFn(ObjectStore) -> std::result::Result<T, idb::Error>,
    ) -> Result<Option<T>> {
        let mut failure = self.unavailable("its storage does not answer");
        let mut tries = FuturesUnordered::new();
        for patience in PATIENCE_MS {
            if write.is_none_or(Write::is_newest) {
                tries.push(self.once_in_store(mode, write, &work));
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
        self,
        mode: TransactionMode,
        write: Option<&Write>,
        work: &impl AsyncFn(ObjectStore) -> std::result::Result<T, idb::Error>,
    ) -> Result<Option<T>> {
        let all = async {
            let database = Connection::open(self).await?;
            if !write.is_none_or(Write::begins) {
                return Ok(None);
            }
            let transaction = database.0.transaction(&[self.name], mode)?;
            let result = work(transaction.object_store(self.name)?).await?;
            transaction.await?;
            Ok::<_, idb::Error>(Some(result))
        };
        all.await.map_err(|why| self.unavailable(&why.to_string()))
    }

    fn unavailable(self, why: &str) -> Error {
        let Self { name, way_out, .. } = self;
        Error::new(format!("this browser does not keep {name} across a reload: {why}"))
            .way_out(way_out)
    }
}

/// Closed however what is done with it ends.
struct Connection(Database);

impl Connection {
    async fn open(of: Store) -> std::result::Result<Self, idb::Error> {
        let store = ObjectStoreBuilder::new(of.name);
        let database = DatabaseBuilder::new(of.database).version(VERSION).add_object_store(store);
        database.build().await.map(Self)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.close();
    }
}
