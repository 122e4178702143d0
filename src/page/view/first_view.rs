//! What stands on the page before its program is there: the page as it opens, written into its HTML when
//! the site is built. The program renders the same in its place, so that nothing moves.

use futures_util::FutureExt;
use yew::LocalServerRenderer;
use yew::prelude::*;

use super::arrivals::Arrivals;
use super::data::opener::Opener;
use super::layout::Layout;
use super::props::{PageClock, Snapshot};
use crate::page::catalogue;
use crate::page::place::Place;
use crate::page::state::{Action, State};
use crate::web::lending::Lender;

/// The HTML of the page's body.
pub fn html() -> String {
    let html = LocalServerRenderer::<FirstView>::new().hydratable(false).render();
    html.now_or_never().expect("no component of the page waits for anything")
}

#[component]
fn FirstView() -> Html {
    let mut state = State::default();
    // What it would have fetched, the program fetches.
    state.update(Action::Start(catalogue::BUNDLED), 0.0);
    let state = Snapshot(state.into());
    let dispatch = Callback::noop();
    let opener = Opener::new(dispatch.clone(), Arrivals::default(), Lender::default());
    let seen = [(Place::Drive, state.clone())];
    Layout { state, seen: &seen, dispatch, opener, clock: PageClock::start() }.view()
}
