//! The root: actions in, the reducer, effects out, the page below.

use std::rc::Rc;

use yew::prelude::*;

use super::data::opener::Opener;
use super::layout::Layout;
use super::props::{PageClock, Snapshot};
use super::shell::Shell;
use crate::page::catalogue;
use crate::page::place::Place;
use crate::page::state::{Action, State};
use crate::web::address;

pub struct App {
    state: Rc<State>,
    /// The state as each place showed it last, but for how far things are.
    seen: [(Place, Snapshot); Place::ALL.len()],
    shell: Shell,
    clock: PageClock,
    dispatch: Callback<Action>,
    opener: Opener,
}

impl Component for App {
    type Message = Action;
    type Properties = ();

    fn create(ctx: &Context<Self>) -> Self {
        let dispatch = ctx.link().callback(|action| action);
        let mut shell = Shell::new(dispatch.clone());
        let opener = shell.opener();
        shell.follow_links();
        let seen = Place::ALL.map(|place| (place, Snapshot::default()));
        let (state, clock) = (Rc::default(), PageClock::start());
        let mut app = Self { state, seen, shell, clock, dispatch, opener };
        // At once: what is rendered first stands where the HTML had it.
        let link = Some(address::fragment()).filter(|fragment| !fragment.is_empty());
        let opened = link.map(Action::OpenLink);
        opened.into_iter().chain([Action::Start(catalogue::BUNDLED)]).for_each(|a| app.act(a));
        app
    }

    fn update(&mut self, _: &Context<Self>, action: Action) -> bool {
        self.act(action);
        true
    }

    fn view(&self, _: &Context<Self>) -> Html {
        let Self { state, seen, clock, dispatch, opener, .. } = self;
        let (state, dispatch) = (Snapshot(state.clone()), dispatch.clone());
        Layout { state, seen, dispatch, opener: opener.clone(), clock: *clock }.view()
    }
}

impl App {
    fn act(&mut self, action: Action) {
        let passes = action.is_passing();
        let effects = Rc::make_mut(&mut self.state).update(action, self.clock.now());
        if !passes {
            self.seen[self.state.place.at()].1 = Snapshot(self.state.clone());
        }
        for effect in effects {
            self.shell.perform(effect);
        }
    }
}
