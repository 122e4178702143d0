//! The root: actions in, the reducer, effects out, the page below.

use std::rc::Rc;

use yew::prelude::*;

use super::action_bar::ActionBar;
use super::analysis_section::AnalysisSection;
use super::data_panel::DataPanel;
use super::drop_zone::DropZone;
use super::entering_figure::Doubts;
use super::frame_strip::FrameStrip;
use super::masthead::Masthead;
use super::misfit::Misfit;
use super::network_list::NetworkList;
use super::notices::Notices;
use super::opener::Opener;
use super::props::{PageClock, Snapshot};
use super::recipe_panel::RecipePanel;
use super::results::Results;
use super::road_section::RoadSection;
use super::search_section::SearchSection;
use super::shell::Shell;
use super::stage::DriveStage;
use super::train_section::TrainSection;
use crate::page::state::{Action, State};

pub struct App {
    state: Rc<State>,
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
        ctx.link().send_message(Action::Start);
        Self { state: Rc::default(), shell, clock: PageClock::start(), dispatch, opener }
    }

    fn update(&mut self, _: &Context<Self>, action: Action) -> bool {
        let effects = Rc::make_mut(&mut self.state).update(action, self.clock.now());
        for effect in effects {
            self.shell.perform(effect);
        }
        true
    }

    fn view(&self, _: &Context<Self>) -> Html {
        let state = Snapshot(self.state.clone());
        let dispatch = self.dispatch.clone();
        html! {
            <ContextProvider<Opener> context={self.opener.clone()}>
            <ContextProvider<PageClock> context={self.clock}>
                <Masthead />
                <main>
                    <DriveStage state={state.clone()} dispatch={dispatch.clone()} />
                    <div class="bench">
                        <NetworkList state={state.clone()} dispatch={dispatch.clone()} />
                        <section class="stage" aria-label="The chosen network">
                            <FrameStrip state={state.clone()} dispatch={dispatch.clone()} />
                            <Doubts state={state.clone()} dispatch={dispatch.clone()} />
                            <Misfit state={state.clone()} dispatch={dispatch.clone()} />
                            <RecipePanel state={state.clone()} dispatch={dispatch.clone()} />
                            <ActionBar state={state.clone()} dispatch={dispatch.clone()} />
                        </section>
                    </div>
                    <Results state={state.clone()} dispatch={dispatch.clone()} />
                    <RoadSection state={state.clone()} dispatch={dispatch.clone()} />
                    <AnalysisSection state={state.clone()} dispatch={dispatch.clone()} />
                    <SearchSection state={state.clone()} dispatch={dispatch.clone()} />
                    <TrainSection state={state.clone()} dispatch={dispatch.clone()} />
                    <DataPanel state={state.clone()} dispatch={dispatch.clone()} />
                </main>
                <Notices state={state} dispatch={dispatch} />
                <DropZone />
            </ContextProvider<PageClock>>
            </ContextProvider<Opener>>
        }
    }
}
