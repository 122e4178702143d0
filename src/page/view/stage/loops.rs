//! What makes the drive move: the screen's beat, and whether anybody sees it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gloo_events::EventListener;
use gloo_render::{AnimationFrame, request_animation_frame};
use js_sys::Array;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use web_sys::{Element, IntersectionObserver, IntersectionObserverEntry, KeyboardEvent};
use yew::{Callback, NodeRef};

use super::show::Show;
use crate::page::state::{Action, Driver, Held};

/// Runs until it is dropped.
pub(super) struct Running {
    _frame: Rc<RefCell<Option<AnimationFrame>>>,
    _sight: Option<Sight>,
    _listeners: [EventListener; 4],
}

/// Sees to whether the stage is on the screen.
struct Sight {
    observer: IntersectionObserver,
    _heard: Closure<dyn FnMut(Array)>,
}

impl Drop for Sight {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}

pub(super) fn start(
    show: Rc<RefCell<Show>>,
    root: NodeRef,
    dispatch: Callback<Action>,
) -> Option<Running> {
    let window = web_sys::window()?;
    let document = window.document()?;
    let prefers_rest = window.match_media("(prefers-reduced-motion: reduce)").ok().flatten();
    if prefers_rest.is_some_and(|query| query.matches()) {
        dispatch.emit(Action::StagePlay(false));
    }
    let frame = Rc::new(RefCell::new(None));
    beat(frame.clone(), show.clone());
    let on_screen = Rc::new(Cell::new(false));
    let sight =
        root.cast::<Element>().and_then(|root| watch(&root, on_screen.clone(), dispatch.clone()));
    // A page in the background gets no beat; what it computes ahead would be for nobody.
    let hidden = {
        let (document, dispatch) = (document.clone(), dispatch.clone());
        EventListener::new(&document.clone(), "visibilitychange", move |_| {
            // Back in front, it may have been scrolled away.
            dispatch.emit(Action::StageInSight(!document.hidden() && on_screen.get()));
        })
    };
    let keys = |event: &'static str, down: bool| {
        let (show, dispatch) = (show.clone(), dispatch.clone());
        let options = gloo_events::EventListenerOptions::enable_prevent_default();
        EventListener::new_with_options(&window, event, options, move |event| {
            let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
            let held = Held::of(&event.key()).filter(|_| is_by_hand(&show) && !is_typed(event));
            if let Some(held) = held {
                // Arrows would scroll the page.
                event.prevent_default();
                if !event.repeat() {
                    dispatch.emit(Action::Hold { held, down });
                }
            }
        })
    };
    // A key that is let go of elsewhere is not heard here.
    let away = {
        let dispatch = dispatch.clone();
        EventListener::new(&window, "blur", move |_| {
            for held in Held::ALL {
                dispatch.emit(Action::Hold { held, down: false });
            }
        })
    };
    let listeners = [hidden, away, keys("keydown", true), keys("keyup", false)];
    Some(Running { _frame: frame, _sight: sight, _listeners: listeners })
}

/// Whether a field has the keys.
pub(in crate::page::view) fn is_typed(event: &KeyboardEvent) -> bool {
    let element = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    element.is_some_and(|element| matches!(&*element.tag_name(), "INPUT" | "SELECT" | "TEXTAREA"))
}

fn is_by_hand(show: &Rc<RefCell<Show>>) -> bool {
    show.borrow().state.stage.cars.iter().any(|car| car.driver == Driver::Hand)
}

fn beat(frame: Rc<RefCell<Option<AnimationFrame>>>, show: Rc<RefCell<Show>>) {
    // Who drops the running stage drops the last request, which holds the only other clone.
    let weak = Rc::downgrade(&frame);
    let next = request_animation_frame(move |now| {
        show.borrow_mut().draw(now);
        if let Some(frame) = weak.upgrade() {
            beat(frame, show);
        }
    });
    *frame.borrow_mut() = Some(next);
}

fn watch(root: &Element, on_screen: Rc<Cell<bool>>, dispatch: Callback<Action>) -> Option<Sight> {
    let heard = Closure::new(move |entries: Array| {
        let last =
            entries.iter().last().and_then(|e| e.dyn_into::<IntersectionObserverEntry>().ok());
        if let Some(entry) = last {
            on_screen.set(entry.is_intersecting());
            dispatch.emit(Action::StageInSight(entry.is_intersecting()));
        }
    });
    let observer = IntersectionObserver::new(heard.as_ref().unchecked_ref()).ok()?;
    observer.observe(root);
    Some(Sight { observer, _heard: heard })
}
