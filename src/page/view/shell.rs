//! Performs what the reducer asks for.

use gloo_events::EventListener;
use wasm_bindgen_futures::spawn_local;
use yew::Callback;

use super::arrivals::Arrivals;
use super::data::opener::Opener;
use crate::page::state::{Action, Copy, Effect, Resource, SavedFrames};
use crate::web::address;
use crate::web::clipboard;
use crate::web::download::save;
use crate::web::fetch::fetch;
use crate::web::lending::Lender;
use crate::web::own_frames;
use crate::web::store::{NETWORKS, TRAININGS, VARIANTS};
use crate::web::worker_handle::{News, WorkerHandle};

pub(super) struct Shell {
    dispatch: Callback<Action>,
    worker: Option<WorkerHandle>,
    /// The cars' own; started when one is to drive.
    cars: Option<WorkerHandle>,
    arrivals: Arrivals,
    lender: Lender,
    /// Hears of links that are opened in this page.
    links: Option<EventListener>,
}

impl Shell {
    pub(super) fn new(dispatch: Callback<Action>) -> Self {
        let lender = Lender::default();
        let worker = start_worker(&dispatch, &lender);
        let arrivals = Arrivals::default();
        Self { dispatch, worker, cars: None, arrivals, lender, links: None }
    }

    /// Follows links that are opened in this page.
    pub(super) fn follow_links(&mut self) {
        let open = self.dispatch.reform(Action::OpenLink);
        self.links = Some(address::watch(move |fragment| open.emit(fragment)));
    }

    pub(super) fn opener(&self) -> Opener {
        Opener::new(self.dispatch.clone(), self.arrivals.clone(), self.lender.clone())
    }

    pub(super) fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Fetch { resource, urls } => self.fetch(resource, urls),
            Effect::Abort(resource) => self.arrivals.abort(&resource),
            Effect::Send { task, request } => {
                if let Some(worker) = &self.worker {
                    worker.send(task, request);
                }
            }
            Effect::SendToCars { task, request } => {
                if self.cars.is_none() {
                    self.cars = start_cars(&self.dispatch, &self.lender);
                }
                if let Some(cars) = &self.cars {
                    cars.send(task, request);
                }
            }
            Effect::RestartCars => self.cars = None,
            // The last one ends here, when it is replaced.
            Effect::RestartWorker => self.worker = start_worker(&self.dispatch, &self.lender),
            Effect::Save(file) => {
                if let Err(error) = save(&file) {
                    self.dispatch.emit(Action::Complain(error));
                }
            }
            Effect::RecallTrainings => {
                let dispatch = self.dispatch.clone();
                spawn_local(async move {
                    // Who trains nothing needs not know that it would not be kept.
                    for saved in TRAININGS.recall().await.unwrap_or_default().0 {
                        dispatch.emit(Action::Recalled(Box::new(saved)));
                    }
                });
            }
            Effect::KeepTraining(training) => {
                let dispatch = self.dispatch.clone();
                spawn_local(async move {
                    let (network, epochs) = (training.network.clone(), training.done());
                    match TRAININGS.keep(training.key(), &*training).await {
                        Ok(true) => dispatch.emit(Action::TrainingKept { network, epochs }),
                        Ok(false) => {}
                        Err(error) => dispatch.emit(Action::NotKept(error)),
                    }
                });
            }
            Effect::ForgetTraining(key) => spawn_local(async move {
                // What could not be kept is not there to be forgotten.
                TRAININGS.forget(&key).await.ok();
            }),
            Effect::RecallVariants => {
                let dispatch = self.dispatch.clone();
                spawn_local(async move {
                    let (kept, unread) = VARIANTS.recall().await.unwrap_or_default();
                    dispatch.emit(Action::VariantsRecalled(kept));
                    if unread > 0 {
                        dispatch.emit(Action::VariantsUnread(unread));
                    }
                });
            }
            Effect::KeepVariant(saved) => {
                let dispatch = self.dispatch.clone();
                spawn_local(async move {
                    let (key, bytes) = (saved.key(), saved.bytes());
                    match VARIANTS.keep(&key, &*saved).await {
                        Ok(true) => dispatch.emit(Action::VariantKept { key, bytes }),
                        Ok(false) => {}
                        Err(error) => dispatch.emit(Action::NotKept(error)),
                    }
                });
            }
            Effect::ForgetVariant(key) => spawn_local(async move {
                VARIANTS.forget(&key).await.ok();
            }),
            Effect::Settled => address::tell("settled"),
            Effect::RecallOwnFiles => {
                let (dispatch, lender) = (self.dispatch.clone(), self.lender.clone());
                spawn_local(async move {
                    for saved in NETWORKS.recall().await.unwrap_or_default().0 {
                        dispatch.emit(Action::NetworkRecalled(Box::new(saved)));
                    }
                    for (saved, files, bytes) in own_frames::recall(&lender).await {
                        let saved = Box::new(SavedFrames { files, ..saved });
                        dispatch.emit(Action::FramesRecalled { saved, bytes });
                    }
                });
            }
            Effect::KeepNetwork(saved) => {
                let dispatch = self.dispatch.clone();
                spawn_local(async move {
                    let (sha256, bytes) = (saved.sha256.clone(), saved.bytes());
                    match NETWORKS.keep(&sha256, &*saved).await {
                        Ok(true) => dispatch.emit(Action::NetworkKept { sha256, bytes }),
                        Ok(false) => {}
                        Err(error) => dispatch.emit(Action::NotKept(error)),
                    }
                });
            }
            Effect::ForgetNetwork(sha256) => spawn_local(async move {
                NETWORKS.forget(&sha256).await.ok();
            }),
            Effect::KeepFrames(saved) => {
                let (dispatch, lender) = (self.dispatch.clone(), self.lender.clone());
                spawn_local(async move {
                    let role = saved.role;
                    match own_frames::keep(role, &*saved, &saved.files, &lender).await {
                        Ok(Some(bytes)) => dispatch.emit(Action::FramesKept { role, bytes }),
                        Ok(None) => {}
                        Err(error) => dispatch.emit(Action::NotKept(error)),
                    }
                });
            }
            Effect::ForgetFrames(role) => spawn_local(own_frames::forget(role)),
            Effect::ShowAddress(fragment) => address::show(&fragment),
            Effect::PushAddress(fragment) => address::push(&fragment),
            Effect::Copy { what, text } => {
                let text = match what {
                    Copy::Link | Copy::LinkOfAll => address::of(&text),
                    Copy::Command | Copy::CommandOf(_) | Copy::Table(_) => text,
                };
                let dispatch = self.dispatch.clone();
                spawn_local(async move {
                    dispatch.emit(match clipboard::copy(&text).await {
                        Ok(()) => Action::Copied(what),
                        Err(error) => Action::Complain(error),
                    });
                });
            }
        }
    }

    /// Fetches one file after the other; how far all are is guessed from the one under way.
    fn fetch(&self, resource: Resource, urls: Vec<String>) {
        let signal = self.arrivals.expect(&resource);
        let dispatch = self.dispatch.clone();
        spawn_local(async move {
            let mut files: Vec<Vec<u8>> = Vec::with_capacity(urls.len());
            for url in &urls {
                let before: usize = files.iter().map(Vec::len).sum();
                let progress = |done, total| {
                    let (done, total) =
                        (before + done, before + total * (urls.len() - files.len()));
                    dispatch.emit(Action::Receiving { resource: resource.clone(), done, total });
                };
                let outcome = fetch(url, &signal, progress).await;
                if signal.aborted() {
                    return;
                }
                match outcome {
                    Ok(bytes) => files.push(bytes),
                    Err(error) => return dispatch.emit(Action::NotReceived { resource, error }),
                }
            }
            dispatch.emit(Action::Received { resource, files });
        });
    }
}

fn start_worker(dispatch: &Callback<Action>, lender: &Lender) -> Option<WorkerHandle> {
    let tell = dispatch.reform(|news| match news {
        News::Heard { task, event } => Action::Heard { task, event },
        News::Lost { error, started } => Action::WorkerLost { error, started },
    });
    started(tell, lender)
}

fn start_cars(dispatch: &Callback<Action>, lender: &Lender) -> Option<WorkerHandle> {
    let tell = dispatch.reform(|news| match news {
        News::Heard { task, event } => Action::CarsHeard { task, event },
        News::Lost { error, started } => Action::CarsLost { error, started },
    });
    started(tell, lender)
}

fn started(tell: Callback<News>, lender: &Lender) -> Option<WorkerHandle> {
    let heard = tell.clone();
    match WorkerHandle::start(lender.clone(), move |news| heard.emit(news)) {
        Ok(worker) => Some(worker),
        Err(error) => {
            tell.emit(News::Lost { error, started: false });
            None
        }
    }
}
